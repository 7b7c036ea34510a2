package lvsp_test

import (
	"testing"
	"time"

	"github.com/discordpkg/gateway/lvsp"
	"github.com/stretchr/testify/require"
)

// The voice server is killed in a call, without a word, and comes back three
// seconds later. Within five seconds everybody can connect again, with the
// session id they had.
func TestRestart(t *testing.T) {
	s := newHarness(t)
	c, err := lvsp.NewClient(sealed(secret))
	require.NoError(t, err)
	a := &actor{name: "c", client: c}
	s.clients["c"] = a
	s.connect(a)
	for u := range lvsp.Snowflake(10) {
		require.NoError(t, c.Join(s.now, lvsp.VoiceState{Guild: 20, Channel: 30, User: u + 1, Flags: lvsp.SelfMute}))
	}
	s.exchange()
	before := s.server.VoiceStates()
	require.Len(t, before, 10)

	s.advance("7s")
	s.host.reset()
	s.serve(nil)
	a.link = nil
	retryAt, killed := s.lost(c), s.now
	back := killed.Add(3 * time.Second)
	for a.link == nil || !c.Active() {
		require.False(t, retryAt.IsZero())
		require.Less(t, retryAt.Sub(back), 5*time.Second)
		s.now = retryAt
		if s.now.Before(back) {
			retryAt = s.lost(c)
			continue
		}
		s.connect(a)
		for f, ok := c.Next(); ok || !a.link.Closed() && !c.Active(); f, ok = c.Next() {
			if ok {
				a.link.Receive(s.now, f.Data)
			}
			for f, ok := a.link.Next(); ok; f, ok = a.link.Next() {
				if f.Kind == lvsp.FrameText {
					c.Receive(s.now, f.Data)
				} else {
					code, reason := f.Close()
					c.Lost(s.now, code, reason)
					retryAt = s.retryAt(c)
				}
			}
		}
	}
	s.exchange()
	require.Equal(t, before, s.server.VoiceStates(), "the same users, sessions and flags")
	require.Contains(t, s.trace.String(), "known false", "and they are told to connect again")
	require.Less(t, s.now.Sub(back), 5*time.Second)
}

func (s *harness) lost(c *lvsp.Client) (retryAt time.Time) {
	c.Lost(s.now, lvsp.AbnormalClosure, "connection refused")
	return s.retryAt(c)
}

func (s *harness) retryAt(c *lvsp.Client) (at time.Time) {
	for e, ok := c.NextEvent(); ok; e, ok = c.NextEvent() {
		if e, ok := e.(lvsp.Disconnected); ok {
			at = e.RetryAt
		}
	}
	return at
}
