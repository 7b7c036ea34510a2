package lifecycle

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/snowflake"
)

// FuzzVoice feeds a voice session inputs in any order, and wants that its
// decisions end, that one command and one connection are under way at a time,
// that every phase ends by itself or is one that may last, that no time is due
// for ever, and that it stops when it is told to.
func FuzzVoice(f *testing.F) {
	f.Add([]byte{0, 10, 1, 11, 2, 20, 3, 12, 30, 13, 4, 60})
	f.Add([]byte{0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
	f.Add([]byte{0, 7, 8, 3, 16, 0, 17, 3, 18, 40, 19, 0, 7, 7, 200, 255})
	f.Fuzz(func(t *testing.T, script []byte) {
		d := voiceDriver{t: t, now: stageStart}
		v, err := NewVoice(7, 1, 9, WithVoiceRandom(func() float64 { return 0.25 }), WithVoiceAttempts(3))
		require.NoError(t, err)
		d.v = v
		for _, b := range script {
			d.input(b)
			d.follow()
		}
		d.v.Leave(errStage)
		for range 4 {
			d.follow()
			d.v.Ended(d.now, VoiceEnd{Err: errStage})
			d.open = false
			d.told(nil)
		}
		require.Equal(t, VoiceStop, d.v.Next().Do)
		require.Error(t, d.v.Err())
		require.Zero(t, d.v.NextDeadline())
	})
}

// A voiceDriver is an owner that does whatever bytes say.
type voiceDriver struct {
	t             *testing.T
	v             *Voice
	now           time.Time
	open, telling bool
}

func (d *voiceDriver) told(err error) {
	d.v.Told(d.now, err)
	d.telling = false
}

func (d *voiceDriver) input(b byte) {
	v, channel := d.v, snowflake.ID(b%3)
	switch b % 18 {
	case 0:
		v.Join(d.now)
	case 1, 2:
		v.HandleState(d.now, VoiceState{ChannelID: channel, SessionID: string('a' + rune(b%5))})
	case 3, 4:
		v.HandleServer(d.now, VoiceServer{Token: string('a' + rune(b%7)), Endpoint: []string{"", "h", "i"}[channel]})
	case 5, 6:
		d.told(nil)
	case 7:
		d.told(errStage)
	case 8:
		v.Audio(d.now)
	case 9, 10, 11:
		d.ended(b)
	case 12:
		_, _ = v.Moved(v.Move(d.now, channel))
	case 13:
		v.HandleGateway(d.now)
	case 14:
		d.checkpoint()
	default:
		d.now = d.now.Add(time.Duration(b) * 50 * time.Millisecond)
		v.HandleTimeout(d.now)
		at := v.NextDeadline()
		require.True(d.t, at.IsZero() || at.After(d.now), "%v is due for ever", v)
	}
}

func (d *voiceDriver) ended(b byte) {
	codes := append(closecode.AllVoice(), 1000, 1006)
	code := codes[int(b)%len(codes)]
	e := VoiceEnd{Err: &gateway.VoiceError{CloseCode: code, Decision: code.Decision()}, Decision: code.Decision()}
	if b&1 == 0 {
		e.Session = *d.v.session()
		e.Session.Resumable = b&4 == 0 && e.Session.Token != ""
	}
	d.v.Ended(d.now, e)
	d.open = false
}

// checkpoint wants that what is written can be read.
func (d *voiceDriver) checkpoint() {
	c, ok := d.v.Checkpoint(d.now, gateway.VoiceSession{})
	if !ok {
		return
	}
	data, err := json.Marshal(c)
	require.NoError(d.t, err)
	_, err = ReadVoiceCheckpoint(d.now, data)
	require.NoError(d.t, err)
}

func (d *voiceDriver) follow() {
	for range 10 {
		switch next := d.v.Next(); next.Do {
		case VoiceTell:
			require.False(d.t, d.telling, "two commands at a time")
			d.telling = true
		case VoiceConnect:
			require.False(d.t, d.open, "two connections at a time")
			require.NotEmpty(d.t, next.Session.Token)
			d.open = true
		case VoiceHangUp:
			require.True(d.t, d.open)
		case VoiceWait:
			d.rests()
			return
		case VoiceStop:
			return
		}
	}
	d.t.Fatalf("the decisions of %v do not end", d.v)
}

// rests wants that something is under way, or that there is a deadline.
func (d *voiceDriver) rests() {
	switch d.v.Phase() {
	case VoiceNew, VoiceEnded:
	case VoiceConnecting, VoiceResuming, VoiceConnected:
		require.True(d.t, d.open || d.telling, "%v does nothing", d.v)
	default:
		require.True(d.t, d.telling || !d.v.NextDeadline().IsZero(), "%v waits for ever", d.v)
	}
}

// FuzzVoiceCheckpoint wants that what is read can be gone on with, and that
// nothing else gets in.
func FuzzVoiceCheckpoint(f *testing.F) {
	f.Add([]byte(`{"version":1,"at":"2026-11-30T11:00:00Z","guild":"7","channel":"1","user":"9","session":{"server_id":"7","user_id":"9","session_id":"s","token":"t","endpoint":"h:1","resumable":true,"seq_ack":-1}}`))
	f.Add([]byte(`{"version":2}`))
	f.Add([]byte(`{"version":1,"at":"2030-01-01T00:00:00Z","guild":"7","channel":"1","user":"9"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ReadVoiceCheckpoint(stageStart, data)
		if err != nil {
			require.True(t, c.Version == 0 || errors.Unwrap(err) != nil || len(data) > 0)
			return
		}
		v, err := NewVoice(c.Guild, c.Channel, c.User, WithVoiceCheckpoint(stageStart, c))
		require.NoError(t, err)
		v.Join(stageStart)
		d := v.Next()
		require.Contains(t, []VoiceAction{VoiceTell, VoiceConnect}, d.Do)
		if d.Do == VoiceConnect {
			_, err = gateway.NewVoiceGatewayState(d.Session)
			require.NoError(t, err)
		}
	})
}
