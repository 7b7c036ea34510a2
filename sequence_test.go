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
