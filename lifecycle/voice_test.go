package lifecycle

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/command"
)

func TestNewVoiceRefuses(t *testing.T) {
	_, err := NewVoice(1, 0, 3)
	require.ErrorIs(t, err, errNoChannel)
	for _, o := range []VoiceOption{
		WithVoiceAttempts(0), WithVoiceRandom(nil), WithVoiceBackoff(Backoff{Min: -1}), WithVoiceBackoff(Backoff{Min: 2, Max: 1}),
		WithVoiceCheckpoint(stageStart, VoiceCheckpoint{}),
	} {
		_, err = NewVoice(1, 2, 3, o)
		require.ErrorContains(t, err, "lifecycle: ")
	}
}

// A close code means what the table says, and a table of the user's is obeyed.
func TestVoiceDecisionAfter(t *testing.T) {
	for _, code := range append(closecode.AllVoice(), 1000, 1006, 4999) {
		err := fmt.Errorf("wrapped: %w", &gateway.VoiceError{CloseCode: code, Decision: code.Decision()})
		require.Equal(t, code.Decision(), VoiceDecisionAfter(err))
	}
	require.Equal(t, closecode.Resume, VoiceDecisionAfter(errStage))
	require.Equal(t, closecode.Stop, VoiceDecisionAfter(&gateway.VoiceError{CloseCode: 4014, Decision: closecode.Stop}))
}

// Audio that flowed for a while ends the count of failures.
func TestVoiceFailuresAreForgotten(t *testing.T) {
	s := newVoiceStage(t, WithVoiceAttempts(2))
	for _, step := range []string{"join", "state 1 s", "server h t", "audio", "ended lost", "wait 1s", "audio", "ended lost"} {
		s.carryOut(step)
	}
	require.Equal(t, 2, s.v.Failures())
	s.carryOut("wait 2s")
	s.carryOut("audio")
	s.carryOut("wait 10s")
	s.carryOut("ended lost")
	require.Equal(t, 1, s.v.Failures())
	require.True(t, s.v.Resumable())
	require.False(t, s.v.Rejoins())
	require.EqualValues(t, 3, s.v.Connects())
	require.Equal(t, "voice session in channel 1 of guild 7, backoff", s.v.String())
	require.Equal(t, s.v.String(), fmt.Sprintf("%#v", s.v))
}

// What makes no sense changes nothing.
func TestVoiceIgnoresWhatMakesNoSense(t *testing.T) {
	s := newVoiceStage(t)
	v := s.v
	v.Told(s.now, nil)
	v.Audio(s.now)
	v.Ended(s.now, VoiceEnd{Err: errStage})
	v.HandleGateway(s.now)
	v.HandleTimeout(s.now)
	require.Equal(t, VoiceDecision{}, v.Next())
	require.Equal(t, VoiceNew, v.Phase())
	over, err := v.Moved(v.Move(s.now, 2))
	require.True(t, over)
	require.NoError(t, err)
	v.Join(s.now)
	v.Join(s.now)
	require.Equal(t, VoiceTell, v.Next().Do)
	require.Equal(t, command.VoiceState{GuildID: 7, ChannelID: 2}, v.State(), "the channel of a move before Join")
	require.Equal(t, VoiceDecision{}, v.Next())
	v.Leave(errStage)
	v.Leave(errors.New("another"))
	require.ErrorIs(t, v.Err(), errStage)
	over, err = v.Moved(v.Move(s.now, 3))
	require.True(t, over)
	require.ErrorIs(t, err, errStage)
	_, err = v.Moved(1)
	require.ErrorIs(t, err, ErrVoiceMoveOvertaken)
}

func storedCheckpoint(t *testing.T) VoiceCheckpoint {
	s := newVoiceStage(t, WithVoiceSelf(true, false))
	for _, step := range []string{"join", "state 1 session", "server host:1 secret-token", "audio"} {
		s.carryOut(step)
	}
	session := s.session
	session.Description.SecretKey[0] = 77
	c, ok := s.v.Checkpoint(s.now, session)
	require.True(t, ok)
	return c
}

// A checkpoint says its secrets in JSON only.
func TestVoiceCheckpoint(t *testing.T) {
	c := storedCheckpoint(t)
	data, err := json.Marshal(c)
	require.NoError(t, err)
	require.Contains(t, string(data), "secret-token")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		require.Equal(t, "voice checkpoint of user 9 in channel 1 of guild 7", fmt.Sprintf(verb, c))
		require.NotContains(t, fmt.Sprintf(verb, []any{&c, struct{ C VoiceCheckpoint }{c}}), "secret")
	}
	again, err := ReadVoiceCheckpoint(stageStart.Add(-time.Minute), data)
	require.NoError(t, err)
	require.Equal(t, c, again)
	v, err := NewVoice(7, 1, 9, WithVoiceCheckpoint(stageStart, again))
	require.NoError(t, err)
	require.True(t, v.State().SelfMute)
	_, err = NewVoice(8, 1, 9, WithVoiceCheckpoint(stageStart, again))
	require.ErrorContains(t, err, "in guild 7")
}

func TestReadVoiceCheckpointJudges(t *testing.T) {
	long := strings.Repeat("x", maxCheckpointText+1)
	for want, change := range map[string]func(*VoiceCheckpoint){
		"version 2":               func(c *VoiceCheckpoint) { c.Version = 2 },
		"not in the past":         func(c *VoiceCheckpoint) { c.At = stageStart.Add(time.Hour) },
		"which is":                func(c *VoiceCheckpoint) { c.At = time.Time{} },
		"without guild":           func(c *VoiceCheckpoint) { c.Channel = 0 },
		"session without token":   func(c *VoiceCheckpoint) { c.Session.Token = "" },
		"another membership":      func(c *VoiceCheckpoint) { c.Session.UserID++ },
		"sequence number 65536":   func(c *VoiceCheckpoint) { c.Session.SeqAck = 1 << 16 },
		"65 modes":                func(c *VoiceCheckpoint) { c.Session.Ready.Modes = make([]string, 65) },
		"4097 bytes":              func(c *VoiceCheckpoint) { c.Session.SessionID = long },
		"text of 4097":            func(c *VoiceCheckpoint) { c.Session.Ready.Modes = []string{long} },
		"invalid voice endpoint":  func(c *VoiceCheckpoint) { c.Session.Endpoint = "http://x" },
		"at most 16384":           func(c *VoiceCheckpoint) { c.Session.Token = strings.Repeat("x", VoiceCheckpointLimit) },
		"a field has":             nil,
		"malformed at byte":       nil,
		"session of another memb": func(c *VoiceCheckpoint) { c.Session.SessionID = "" },
	} {
		var data []byte
		switch want {
		case "a field has":
			data = []byte(`{"guild":{"token":"secret"}}`)
		case "malformed at byte":
			data = []byte(`{"guild":`)
		default:
			c := storedCheckpoint(t)
			change(&c)
			var err error
			data, err = json.Marshal(c)
			require.NoError(t, err)
		}
		_, err := ReadVoiceCheckpoint(stageStart, data)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "secret")
	}
	c := storedCheckpoint(t)
	c.Session = gateway.VoiceSession{}
	require.NoError(t, c.Check(stageStart), "a session may be missing")
}
