package gateway

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func readyWith(seq, session string) string {
	return fmt.Sprintf(`{"op":0,"s":%s,"t":"READY","d":{"session_id":%q}}`, seq, session)
}

// Some servers count from zero, or do not number READY.
func TestReadyWithoutNumber(t *testing.T) {
	for _, seq := range []string{"0", "null"} {
		p := newPeer(t, WithManualAcknowledge())
		p.mustReceive(hello, readyWith(seq, "abc"))
		session, ok := p.Session()
		require.True(t, ok)
		require.Equal(t, Session{ID: "abc"}, session)
		next := newPeer(t, WithSession(session))
		next.mustReceive(hello)
		require.Contains(t, next.wrote(), `"seq":0`)

		p.mustReceive(dispatch(1, "TYPING_START"))
		p.Acknowledge(1)
		session, _ = p.Session()
		require.EqualValues(t, 1, session.Seq)
	}
}

// A number below zero would come back as a session that no state accepts.
func TestNegativeSequenceNumber(t *testing.T) {
	for _, seq := range []string{"-1", "-9223372036854775808"} {
		p := newPeer(t)
		p.mustReceive(hello)
		_, _, err := p.receive(readyWith(seq, "abc"))
		require.ErrorIs(t, err, ErrMalformed)
		require.Equal(t, 1012, p.closedWith())
		require.False(t, p.HaveSessionID())

		p = activePeer(t)
		_, _, err = p.receive(fmt.Sprintf(`{"op":0,"s":%s,"t":"TYPING_START","d":{}}`, seq))
		require.ErrorIs(t, err, ErrMalformed)
		require.EqualValues(t, 1, p.SequenceNumber())
	}
}

func TestGreatestSequenceNumber(t *testing.T) {
	p := newPeer(t)
	p.mustReceive(hello, readyWith("9223372036854775807", "abc"))
	got := p.mustReceive(dispatch(1, "TYPING_START"))
	require.True(t, got.Outdated)
	require.EqualValues(t, math.MaxInt64, p.SequenceNumber())

	p = activePeer(t)
	_, _, err := p.receive(`{"op":0,"s":9223372036854775807,"t":"TYPING_START","d":{}}`)
	require.ErrorIs(t, err, ErrSequenceNumberSkipped)
}

// What a server names outlives the message: it is not for the server to say
// how much memory that takes.
func TestLongNames(t *testing.T) {
	p := activePeer(t)
	_, _, err := p.receive(dispatch(2, strings.Repeat("X", 257)))
	require.ErrorIs(t, err, ErrMalformed)
	p = activePeer(t)
	got := p.mustReceive(dispatch(2, strings.Repeat("X", 256)))
	require.Len(t, got.EventName, 256, "unknown names survive")

	p = newPeer(t)
	p.mustReceive(hello)
	_, _, err = p.receive(readyWith("1", strings.Repeat("x", 1025)))
	require.ErrorIs(t, err, ErrMalformed, "no resume could carry it")
	require.False(t, p.HaveSessionID())

	p = newPeer(t)
	p.mustReceive(hello, `{"op":0,"s":1,"t":"READY","d":{"session_id":"abc","resume_gateway_url":"wss://`+strings.Repeat("x", 4096)+`"}}`)
	require.Empty(t, p.ResumeURL())
}

// F1: a reconnect within the process does not acknowledge what was only received.
func TestAcknowledgedSequence(t *testing.T) {
	session, acked := WithSession(Session{ID: "abc", Seq: 10}), WithAcknowledgedSequence(4)
	for _, opts := range [][]Option{{session, acked, WithAcknowledgedHeartbeats()}, {acked, WithAcknowledgedHeartbeats(), session}} {
		p := newPeer(t, opts...)
		p.mustReceive(hello)
		require.Contains(t, p.wrote(), `"seq":4`, "RESUME asks for everything that was not acknowledged")
		require.NoError(t, p.Heartbeat(&p.text))
		require.Equal(t, `{"op":1,"d":4}`, p.wrote())
		kept, _ := p.Session()
		require.EqualValues(t, 4, kept.Seq)
		require.EqualValues(t, 10, p.SequenceNumber())

		for seq := 5; seq <= 10; seq++ {
			_, redundant, err := p.receive(dispatch(seq, "MESSAGE_CREATE"))
			require.NoError(t, err)
			require.True(t, redundant, "it was delivered on the connection before")
		}
		_, redundant, err := p.receive(dispatch(11, "MESSAGE_CREATE"))
		require.NoError(t, err)
		require.False(t, redundant)
		p.Acknowledge(9)
		require.NoError(t, p.Heartbeat(&p.text))
		require.Equal(t, `{"op":1,"d":9}`, p.wrote())
	}
}

func TestAcknowledgedSequenceWithoutItsHeartbeats(t *testing.T) {
	p := newPeer(t, WithSession(Session{ID: "abc", Seq: 10}), WithManualAcknowledge(), WithAcknowledgedSequence(4))
	p.mustReceive(hello)
	require.Contains(t, p.wrote(), `"seq":10`)
	kept, _ := p.Session()
	require.EqualValues(t, 4, kept.Seq)
	_, err := NewGatewayState("token", WithSession(Session{ID: "abc", Seq: 3}), WithAcknowledgedSequence(4))
	require.ErrorContains(t, err, "is above 3")
	_, err = NewGatewayState("token", WithAcknowledgedSequence(-1))
	require.ErrorContains(t, err, "negative")
}

// READY is numbered, and is replayed to a client that did not acknowledge it.
// It is no new session: the numbers go on.
func TestReadyInReplay(t *testing.T) {
	p := newPeer(t, WithSession(Session{ID: "abc", Seq: 3}), WithAcknowledgedHeartbeats(), WithAcknowledgedSequence(0))
	p.mustReceive(hello)
	require.Contains(t, p.wrote(), `"seq":0`)
	for _, msg := range []string{ready, dispatch(2, "GUILD_CREATE"), dispatch(3, "GUILD_CREATE")} {
		_, redundant, err := p.receive(msg)
		require.NoError(t, err)
		require.True(t, redundant)
		require.False(t, p.Active(), "the replay goes on")
	}
	p.mustReceive(dispatch(4, "GUILD_CREATE"), dispatch(5, "RESUMED"))
	require.True(t, p.Active())

	p = newPeer(t, WithSession(Session{ID: "abc"}))
	p.mustReceive(hello)
	_, redundant, err := p.receive(ready)
	require.NoError(t, err)
	require.False(t, redundant, "this process has not seen it")
	require.False(t, p.Active())
	p.mustReceive(dispatch(4, "GUILD_CREATE"))
	require.EqualValues(t, 2, p.Missed(), "a gap in the replay is accepted behind READY, too")

	p = newPeer(t, WithSession(Session{ID: "old", Seq: 50}))
	p.mustReceive(hello, ready)
	require.True(t, p.Active(), "a new session in answer to RESUME")
	require.EqualValues(t, 1, p.SequenceNumber())
}

// A RESUMED that no client received is replayed, and nothing tells it from the
// one that ends the replay. A gap behind it costs one more connection, not a
// connection without end, and no event that can be had.
func TestResumedInReplay(t *testing.T) {
	session := Session{ID: "abc", Seq: 7}
	p := newPeer(t, WithSession(session))
	p.mustReceive(hello, dispatch(8, "A"), dispatch(9, "RESUMED"))
	_, _, err := p.receive(dispatch(11, "B"))
	require.ErrorIs(t, err, ErrSequenceNumberSkipped)
	session, ok := p.Session()
	require.True(t, ok)
	require.EqualValues(t, 9, session.Seq)

	p = newPeer(t, WithSession(session))
	p.mustReceive(hello, dispatch(11, "B"), dispatch(12, "RESUMED"))
	require.EqualValues(t, 1, p.Missed())
	require.True(t, p.Active())
}
