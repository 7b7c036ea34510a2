package lifecycle

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestHostOf(t *testing.T) {
	for in, want := range map[string]string{
		"wss://gateway.discord.gg/?v=10&encoding=json": "wss://gateway.discord.gg/",
		"wss://gateway.discord.gg":                     "wss://gateway.discord.gg/",
		"ws://user:pass@127.0.0.1:1/resume?x":          "ws://127.0.0.1:1/resume",
		"wss://%zz":                                    "",
	} {
		require.Equal(t, want, HostOf(in))
	}
}

// One shard tries a host that did not answer, with longer and longer times
// between; the others wait.
func TestHostIsTriedByOneShard(t *testing.T) {
	var h Hosts
	now := epoch
	for shard := range uint(4) {
		_, ok := h.Take(now, "h", shard, 0)
		require.True(t, ok, "a good host is dialed by all")
	}
	for _, wait := range []time.Duration{1, 2, 4, 8, 15, 15} {
		require.True(t, h.Failed(now, "h", 0, HostFailure{}, 0))
		require.True(t, h.Failed(now, "h", 3, HostFailure{}, 0), "dialed when it was good: it counts once")
		at, ok := h.Take(now, "h", 1, 0)
		require.False(t, ok)
		require.Equal(t, now.Add(wait*time.Second), at)
		require.Equal(t, at, h.Until(now, "h"))
		now = at
		require.Zero(t, h.Until(now, "h"))
		_, ok = h.Take(now, "h", 0, 0)
		require.True(t, ok)
		_, ok = h.Take(now, "h", 0, 0)
		require.True(t, ok, "the one that tries it may ask again")
		at, ok = h.Take(now, "h", 1, 0)
		require.False(t, ok, "one tries already")
		require.True(t, at.After(now))
	}
	h.Answered("h")
	for shard := range uint(4) {
		_, ok := h.Take(now, "h", shard, 0)
		require.True(t, ok)
	}
}

func TestHostOfAShardThatIsGone(t *testing.T) {
	var h Hosts
	h.Failed(epoch, "h", 0, HostFailure{}, 0)
	now := epoch.Add(time.Second)
	_, ok := h.Take(now, "h", 0, 0)
	require.True(t, ok)
	_, ok = h.Take(now, "h", 1, 0)
	require.False(t, ok)
	h.Dropped(0)
	_, ok = h.Take(now, "h", 1, 0)
	require.True(t, ok)
	_, ok = h.Take(now.Add(probeTime), "h", 2, 0)
	require.True(t, ok, "a shard that says nothing does not bar the host for ever")
}

func TestHostFailures(t *testing.T) {
	for f, blamed := range map[HostFailure]bool{
		{}: true, {Status: 500}: true, {Status: 503}: true, {Status: 429}: true, {Status: 403, RetryAfter: time.Second}: true,
		{Status: 401}: false, {Status: 404}: false, {Status: 200}: false,
	} {
		var h Hosts
		require.Equal(t, blamed, h.Failed(epoch, "h", 0, f, 0), f)
		require.Equal(t, blamed, !h.Until(epoch, "h").IsZero(), f)
	}
	var h Hosts
	h.Failed(epoch, "h", 0, HostFailure{Status: 429, RetryAfter: 10 * time.Hour}, 0.999)
	at := h.Until(epoch, "h")
	require.WithinRange(t, at, epoch.Add(MaxRetryAfter), epoch.Add(MaxRetryAfter*5/4))
	h.Failed(epoch, "h", 1, HostFailure{Status: 429, RetryAfter: time.Minute}, 0)
	require.Equal(t, at, h.Until(epoch, "h"), "the longest counts")

	h = Hosts{}
	h.Failed(epoch, "h", 0, HostFailure{}, 0)
	_, ok := h.Take(epoch.Add(time.Second), "h", 0, 0)
	require.True(t, ok)
	require.False(t, h.Failed(epoch.Add(time.Second), "h", 0, HostFailure{Status: 403}, 0))
	_, ok = h.Take(epoch.Add(time.Second), "h", 1, 0)
	require.True(t, ok, "it answers, if only with a refusal")
}

func TestHostsAreBounded(t *testing.T) {
	var h Hosts
	for i := range 10 * maxHosts {
		h.Failed(epoch.Add(time.Duration(i)*time.Millisecond), fmt.Sprint("h", i), 0, HostFailure{}, 0)
	}
	require.Len(t, h.bad, maxHosts)
	now := epoch.Add(10 * maxHosts * time.Millisecond)
	require.NotZero(t, h.Until(now, fmt.Sprint("h", 10*maxHosts-1)), "the latest is remembered")
}

func TestSharedOptions(t *testing.T) {
	for _, o := range []SharedOption{WithBudget(WithStarts(0)), WithHostWaits(-1, 0), WithHostWaits(2, 1), WithSharedRandom(nil)} {
		_, err := NewShared(o)
		require.Error(t, err)
	}
	s, err := NewShared(WithHostWaits(time.Minute, 0))
	require.NoError(t, err)
	require.Equal(t, time.Minute, s.hosts.max())
}
