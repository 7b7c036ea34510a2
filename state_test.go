package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/event"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

const (
	hello = `{"op":10,"d":{"heartbeat_interval":40000}}`
	ready = `{"op":0,"s":1,"t":"READY","d":{"session_id":"abc","resume_gateway_url":"wss://gateway-1.discord.gg"}}`
)

// A peer is a state with its two writers.
type peer struct {
	*GatewayState
	t           testing.TB
	text, close bytes.Buffer
}

func newPeer(t testing.TB, opts ...Option) *peer {
	t.Helper()
	st, err := NewGatewayState("s3cret", append([]Option{WithJitter(func() float64 { return 0.5 })}, opts...)...)
	require.NoError(t, err)
	st.Advance(epoch)
	return &peer{GatewayState: st, t: t}
}

// receive gives one message to the state.
func (p *peer) receive(msg string) (*GatewayPayload, bool, error) {
	return p.ProcessNextMessage(strings.NewReader(msg), &p.text, &p.close)
}

func (p *peer) mustReceive(msgs ...string) (last *GatewayPayload) {
	p.t.Helper()
	for _, m := range msgs {
		var err error
		last, _, err = p.receive(m)
		require.NoError(p.t, err, m)
	}
	return last
}

// wait advances time to d after the epoch and does what is due.
func (p *peer) wait(d time.Duration) error { return p.HandleTimeout(epoch.Add(d), &p.text, &p.close) }

// wrote returns what was written since the last call.
func (p *peer) wrote() string {
	defer p.text.Reset()
	return p.text.String()
}

// closedWith returns the code of the close frame that was written, zero for none.
func (p *peer) closedWith() int {
	b := p.close.Bytes()
	if len(b) == 0 {
		return 0
	}
	require.Len(p.t, b, 2, "one close frame")
	return int(b[0])<<8 | int(b[1])
}

func activePeer(t testing.TB, opts ...Option) *peer {
	t.Helper()
	p := newPeer(t, opts...)
	p.mustReceive(hello, ready)
	p.wrote()
	return p
}

func dispatch(seq int, name string) string {
	return fmt.Sprintf(`{"t":%q,"s":%d,"op":0,"d":{"id":"1"}}`, name, seq)
}

func TestHandshake(t *testing.T) {
	p := newPeer(t, WithShardID(2), WithShardCount(3), WithIntents(5), WithLargeThreshold(250), WithPresence(map[string]string{"status": "idle"}),
		WithIdentifyConnectionProperties(&IdentifyConnectionProperties{OS: "plan9", Browser: "b", Device: "d"}))
	require.True(t, p.NextDeadline().IsZero(), "nothing to do before hello")
	require.False(t, p.HaveIdentified())

	p.mustReceive(hello)
	require.JSONEq(t, `{"op":2,"d":{"token":"s3cret","properties":{"os":"plan9","browser":"b","device":"d"},"large_threshold":250,"shard":[2,3],"presence":{"status":"idle"},"intents":5}}`, p.wrote())
	require.True(t, p.HaveIdentified())
	require.False(t, p.Active())
	require.Equal(t, 20*time.Second, p.NextDeadline().Sub(epoch), "the first beat comes after a random share of the interval")

	got, redundant, err := p.receive(ready)
	require.NoError(t, err)
	require.False(t, redundant)
	require.Equal(t, event.Ready, got.EventName)
	require.True(t, p.Active())
	require.True(t, p.HaveSessionID())
	s, ok := p.Session()
	require.True(t, ok)
	require.Equal(t, Session{ID: "abc", ResumeURL: "wss://gateway-1.discord.gg", Seq: 1}, s)
	require.Equal(t, "abc", p.SessionID())
	require.Equal(t, "wss://gateway-1.discord.gg", p.ResumeURL())
}

func TestHeartbeatIntervals(t *testing.T) {
	for interval, want := range map[string]time.Duration{
		"40000": 20 * time.Second, "41250.5": 20625 * time.Millisecond, `"30000"`: 15 * time.Second, "4e4": 20 * time.Second, "3600000": 30 * time.Minute,
	} {
		p := newPeer(t)
		p.mustReceive(`{"op":10,"d":{"heartbeat_interval":` + interval + `}}`)
		require.Equal(t, want, p.NextDeadline().Sub(epoch), interval)
	}
	for _, interval := range []string{"0", "0.5", "-1", "1e300", "-1e300", "3600001", `"NaN"`, `"Inf"`, "null", "true", "{}", "9223372036854775807", "18446744073709551616"} {
		p := newPeer(t)
		_, _, err := p.receive(`{"op":10,"d":{"heartbeat_interval":` + interval + `}}`)
		require.ErrorIs(t, err, ErrMalformed, interval)
		require.True(t, p.NextDeadline().IsZero())
		require.Equal(t, 1012, p.closedWith(), "the session is kept")
	}
}

func TestSecondHelloIsRedundant(t *testing.T) {
	p := activePeer(t)
	deadline := p.NextDeadline()
	_, redundant, err := p.receive(`{"op":10,"d":{"heartbeat_interval":1}}`)
	require.NoError(t, err)
	require.True(t, redundant)
	require.Equal(t, deadline, p.NextDeadline())
	require.Empty(t, p.wrote(), "no second identify")
}

func TestBadHello(t *testing.T) {
	for _, d := range []string{`{}`, `null`, `{"heartbeat_interval":0}`, `{"heartbeat_interval":-1}`, `{"heartbeat_interval":"x"}`, `{"heartbeat_interval":9223372036854775807}`} {
		p := newPeer(t)
		_, _, err := p.receive(`{"op":10,"d":` + d + `}`)
		require.ErrorIs(t, err, ErrMalformed, d)
		require.Equal(t, 1012, p.closedWith(), "the session is kept")
		require.True(t, p.Closed())
	}
}

func TestHeartbeats(t *testing.T) {
	p := newPeer(t)
	p.mustReceive(hello)
	p.wrote()
	require.NoError(t, p.wait(20*time.Second-1), "an early call does nothing")
	require.Empty(t, p.wrote())

	require.NoError(t, p.wait(20*time.Second))
	require.Equal(t, `{"op":1,"d":null}`, p.wrote(), "null before any sequence number")
	p.Advance(epoch.Add(20*time.Second + 80*time.Millisecond))
	p.mustReceive(`{"op":11}`)
	require.Equal(t, 80*time.Millisecond, p.Latency())

	p.mustReceive(ready, dispatch(2, "TYPING_START"))
	require.NoError(t, p.wait(60*time.Second))
	require.Equal(t, `{"op":1,"d":2}`, p.wrote())

	p.mustReceive(`{"op":1,"d":null}`)
	require.Equal(t, `{"op":1,"d":2}`, p.wrote(), "a requested heartbeat is answered with the last sequence number")
}

func TestFirstSequenceNumberZero(t *testing.T) {
	p := newPeer(t)
	p.mustReceive(hello, `{"op":0,"s":0,"t":"READY","d":{"session_id":"abc"}}`)
	p.wrote()
	require.NoError(t, p.Heartbeat(&p.text))
	require.Equal(t, `{"op":1,"d":0}`, p.wrote(), "some servers start at zero")
	p.mustReceive(dispatch(1, "TYPING_START"))
	require.EqualValues(t, 1, p.SequenceNumber())
}

func TestZombie(t *testing.T) {
	p := activePeer(t)
	require.NoError(t, p.wait(20*time.Second))
	err := p.wait(60 * time.Second)
	require.ErrorIs(t, err, ErrZombie)
	var de *DiscordError
	require.ErrorAs(t, err, &de)
	require.True(t, de.CanReconnect() && de.CanResume())
	require.Equal(t, 1012, p.closedWith(), "neither 1000 nor 1001: the session is kept")
	require.True(t, p.HaveSessionID())
	require.True(t, p.NextDeadline().IsZero())
	require.ErrorIs(t, p.wait(61*time.Second), net.ErrClosed)
}

func TestSlowMessageIsNoZombie(t *testing.T) {
	p := activePeer(t)
	require.NoError(t, p.wait(20*time.Second))
	p.Alive()
	require.NoError(t, p.wait(60*time.Second), "bytes of a large message arrived meanwhile")
	p.mustReceive(dispatch(2, "GUILD_CREATE"))
	require.NoError(t, p.wait(100*time.Second), "any message will do")
	require.ErrorIs(t, p.wait(140*time.Second), ErrZombie)
}

func TestResume(t *testing.T) {
	p := newPeer(t, WithSession(Session{ID: "abc", ResumeURL: "wss://gateway-1.discord.gg", Seq: 7}))
	p.mustReceive(hello)
	require.Equal(t, `{"op":6,"d":{"token":"s3cret","session_id":"abc","seq":7}}`, p.wrote())
	got := p.mustReceive(dispatch(8, "MESSAGE_CREATE"))
	require.False(t, got.Outdated)
	require.False(t, p.Active(), "still replaying")
	p.mustReceive(`{"op":0,"s":9,"t":"RESUMED","d":{}}`)
	require.True(t, p.Active())

	_, redundant, err := p.receive(dispatch(8, "MESSAGE_CREATE"))
	require.NoError(t, err)
	require.True(t, redundant, "seen before")
	require.EqualValues(t, 9, p.SequenceNumber())
}

func TestResumeWithoutSession(t *testing.T) {
	p := newPeer(t)
	require.ErrorIs(t, p.Resume(&p.text), ErrNotReady)
}

func TestReadyStartsANewSession(t *testing.T) {
	p := newPeer(t, WithSequenceNumber(50))
	p.mustReceive(hello, ready)
	require.EqualValues(t, 1, p.SequenceNumber(), "numbers of the old session do not count")
	p.mustReceive(dispatch(2, "TYPING_START"))
}

func TestBadReady(t *testing.T) {
	for _, d := range []string{`{}`, `{"session_id":1}`, `null`} {
		p := newPeer(t)
		p.mustReceive(hello)
		_, _, err := p.receive(`{"op":0,"s":1,"t":"READY","d":` + d + `}`)
		require.ErrorIs(t, err, ErrMalformed, d)
		require.False(t, p.HaveSessionID())
		require.Equal(t, 1012, p.closedWith())
	}
}

func TestResumeURLThatCannotBeDialed(t *testing.T) {
	p := newPeer(t)
	p.mustReceive(hello, `{"op":0,"s":1,"t":"READY","d":{"session_id":"abc","resume_gateway_url":"ftp://x"}}`)
	require.Empty(t, p.ResumeURL())
	require.Equal(t, p.URL(), p.DialURL())
}

func TestSequenceGap(t *testing.T) {
	p := activePeer(t)
	_, _, err := p.receive(dispatch(3, "MESSAGE_CREATE"))
	require.ErrorIs(t, err, ErrSequenceNumberSkipped)
	require.Equal(t, 1012, p.closedWith())
	s, ok := p.Session()
	require.True(t, ok, "resuming replays what was lost")
	require.EqualValues(t, 1, s.Seq)
}

func TestGapInReplay(t *testing.T) {
	p := newPeer(t, WithSession(Session{ID: "abc", Seq: 7}))
	p.mustReceive(hello, dispatch(10, "MESSAGE_CREATE"), dispatch(11, "RESUMED"))
	require.EqualValues(t, 2, p.Missed(), "the next replay would have the same gap")
	_, _, err := p.receive(dispatch(14, "MESSAGE_CREATE"))
	require.ErrorIs(t, err, ErrSequenceNumberSkipped)
}

func TestDispatchWithoutSequenceNumber(t *testing.T) {
	p := activePeer(t)
	got, redundant, err := p.receive(`{"op":0,"t":"SOMETHING_ELSE","d":1}`)
	require.NoError(t, err)
	require.False(t, redundant)
	require.Equal(t, event.Type("SOMETHING_ELSE"), got.EventName, "unknown names survive")
	require.EqualValues(t, 1, p.SequenceNumber())
}

func TestDispatchBeforeIdentify(t *testing.T) {
	p := newPeer(t)
	_, redundant, err := p.receive(ready)
	require.NoError(t, err)
	require.True(t, redundant)
	require.False(t, p.HaveSessionID())
	require.False(t, p.Active())
}

func TestUnknownOpcodeIsRedundant(t *testing.T) {
	p := activePeer(t)
	_, redundant, err := p.receive(`{"op":250,"d":{}}`)
	require.NoError(t, err)
	require.True(t, redundant)
}

func TestMalformed(t *testing.T) {
	for _, m := range []string{``, `x`, `{`, `[]`, `{}`, `{"op":null}`, `{"op":"a"}`, `{"op":0,"s":1,"t":"X","d":}`} {
		p := activePeer(t)
		_, _, err := p.receive(m)
		require.ErrorIs(t, err, ErrMalformed, m)
		require.Equal(t, 1012, p.closedWith())
		require.True(t, p.HaveSessionID())
	}
}

func TestReadErrorChangesNothing(t *testing.T) {
	p := activePeer(t)
	before := p.String()
	boom := errors.New("boom")
	r := io.MultiReader(strings.NewReader(dispatch(2, "TYPING_START")[:10]), &failingReader{boom})
	_, _, err := p.ProcessNextMessage(r, &p.text, &p.close)
	require.ErrorIs(t, err, boom)
	require.False(t, p.Closed())
	require.Equal(t, before, p.String())
	p.mustReceive(dispatch(2, "TYPING_START"))
}

type failingReader struct{ err error }

func (r *failingReader) Read([]byte) (int, error)  { return 0, r.err }
func (r *failingReader) Write([]byte) (int, error) { return 0, r.err }

func TestWhitelist(t *testing.T) {
	p := newPeer(t, WithGuildEvents(event.MessageCreate, event.GuildCreate), WithDirectMessageEvents(event.TypingStart))
	p.mustReceive(hello)
	require.Contains(t, p.wrote(), fmt.Sprintf(`"intents":%d`, 1<<0|1<<9|1<<14), "intents are derived")
	p.mustReceive(ready)
	for seq, name := range []event.Type{event.MessageCreate, event.TypingStart, event.GuildCreate, event.GuildDelete, "NEW_EVENT"} {
		got, redundant, err := p.receive(dispatch(seq+2, string(name)))
		require.NoError(t, err)
		require.Equal(t, !p.EventIsWhitelisted(name), redundant, name)
		require.Equal(t, redundant, got.Data == nil, "data of an unwanted event is not looked at")
		require.Equal(t, seq > 2, redundant, name)
	}
	require.EqualValues(t, 6, p.SequenceNumber(), "redundant events count")
}

func TestWithEvents(t *testing.T) {
	p := activePeer(t, WithIntents(1), WithEvents())
	require.True(t, p.EventIsWhitelisted(event.Ready))
	require.False(t, p.EventIsWhitelisted(event.MessageCreate))
	require.True(t, activePeer(t).EventIsWhitelisted(event.MessageCreate), "without a list everything is wanted")
}

func TestManualAcknowledge(t *testing.T) {
	p := activePeer(t, WithManualAcknowledge())
	p.mustReceive(dispatch(2, "TYPING_START"), dispatch(3, "TYPING_START"))
	s, _ := p.Session()
	require.EqualValues(t, 0, s.Seq, "READY itself was not acknowledged")
	p.Acknowledge(2)
	p.Acknowledge(1)
	p.Acknowledge(99)
	s, _ = p.Session()
	require.EqualValues(t, 2, s.Seq)
	require.NoError(t, p.Heartbeat(&p.text))
	require.Equal(t, `{"op":1,"d":3}`, p.wrote(), "heartbeats carry what was received")

	p = activePeer(t, WithAcknowledgedHeartbeats())
	p.mustReceive(dispatch(2, "TYPING_START"))
	p.Acknowledge(1)
	require.NoError(t, p.Heartbeat(&p.text))
	require.Equal(t, `{"op":1,"d":1}`, p.wrote())
}
