package world

import (
	"testing"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/stretchr/testify/require"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Clients that never come back must not fill the memory of a server that
// stays up, whether something happens in their guilds or not.
func TestAbandonedSessionsAreSwept(t *testing.T) {
	w, err := New(WithGuilds(2, 5), WithIdentifyInterval(0))
	require.NoError(t, err)
	now := epoch
	for range 100 {
		c := w.Accept(now, Params{Version: "10", Encoding: "json"})
		c.Receive(now, []byte(`{"op":2,"d":{"token":"t","properties":{},"intents":0}}`), false)
		require.NotEmpty(t, c.SessionID())
		c.Lost(now, closecode.Abnormal)
		now = now.Add(time.Minute)
	}
	require.LessOrEqual(t, len(w.Sessions()), 11, "those of two lifetimes")
	require.Equal(t, len(w.Sessions()), w.Stats().Sessions)
	require.LessOrEqual(t, len(w.order), 32+2*11)

	w.Accept(now.Add(time.Hour), Params{Version: "10", Encoding: "json"})
	require.Empty(t, w.Sessions())
}

// A value that makes no sense is an error that names the option, and is not
// taken for another value.
func TestBadOptions(t *testing.T) {
	for name, option := range map[string]Option{
		"WithToken":                 WithToken("a", ""),
		"WithGuilds":                WithGuilds(-1, 1),
		"WithGuilds: 1":             WithGuilds(1, 0),
		"WithGuilds: 2":             WithGuilds(2, MaxMembers+1),
		"WithShards":                WithShards(0),
		"WithGuildsPerShard":        WithGuildsPerShard(-1),
		"WithHeartbeat":             WithHeartbeat(0, 0),
		"WithHeartbeat: ":           WithHeartbeat(time.Second, -1),
		"WithMaxConcurrency":        WithMaxConcurrency(0),
		"WithIdentifyInterval":      WithIdentifyInterval(-1),
		"WithSessionStarts":         WithSessionStarts(-1),
		"WithReplay":                WithReplay(-1, 0, 0),
		"WithReplay: 0":             WithReplay(0, -1, 0),
		"WithReplay: 0 events, 0 b": WithReplay(0, 0, -1),
		"WithSessionLife":           WithSessionLife(-1),
		"WithCommandLimit":          WithCommandLimit(0),
		"WithMemberRequestInterval": WithMemberRequestInterval(-1),
		"WithRecord":                WithRecord(-1),
	} {
		_, err := New(option)
		require.ErrorContains(t, err, "world: "+name)
	}
}

// A session outlives a heartbeat timeout for its usual life, unless it is told
// not to.
func TestSessionAfterTimeout(t *testing.T) {
	for _, ends := range []bool{false, true} {
		options := []Option{WithHeartbeat(time.Second, time.Second), WithSessionLife(time.Minute), WithResumeURL("wss://a.test", "wss://b.test")}
		if ends {
			options = append(options, WithTimeoutEndsSession())
		}
		w, err := New(options...)
		require.NoError(t, err)
		require.Equal(t, ends, w.EndsSession(closecode.SessionTimedOut))
		require.True(t, w.EndsSession(closecode.InvalidSeq))
		require.False(t, w.EndsSession(closecode.UnknownError))

		c := w.Accept(epoch, Params{Version: "10", Encoding: "json"})
		c.Receive(epoch, []byte(`{"op":2,"d":{"token":"t","properties":{},"intents":0}}`), false)
		s := c.Session()
		require.NotNil(t, s)
		now := epoch.Add(3 * time.Second)
		c.HandleTimeout(now)
		require.True(t, c.Closed())
		require.Equal(t, now, s.DetachedAt())
		require.Equal(t, ends, s.Ended() == endedByClose)
		if !ends {
			require.Equal(t, s, w.find(now.Add(59*time.Second), s.ID()))
			require.Nil(t, w.find(now.Add(62*time.Second), s.ID()))
		}
	}
}
