package sharding

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/ratelimit"
	"github.com/discordpkg/gateway/sharding/internal/identify"
)

var dawn = time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)

func testQueue(buckets uint) *identifyQueue {
	q, err := newIdentifyQueue(nil, buckets, ratelimit.IdentifyPeriod)
	if err != nil {
		panic(err)
	}
	return q
}

func TestIdentifyKeepsReservedStarts(t *testing.T) {
	q := testQueue(4)
	require.NoError(t, q.limitStarts(SessionStartLimit{Total: 100, Remaining: 7, ResetAfter: time.Hour}, 5, 2, dawn))
	require.Error(t, q.limitStarts(SessionStartLimit{Total: 100, Remaining: 7, ResetAfter: time.Hour}, 5, 3, dawn))
	turn := func(id uint) identify.Turn { return identify.Turn{Shard: id} }
	for id := range uint(2) {
		_, ok := q.take(turn(id), dawn)
		require.True(t, ok)
	}
	at, ok := q.take(turn(2), dawn)
	require.False(t, ok)
	require.Equal(t, dawn.Add(time.Hour), at)
	for id := range uint(90) {
		_, ok = q.take(turn(2+id%2), at.Add(time.Duration(id)*time.Minute))
		require.True(t, ok)
	}
	require.Equal(t, 10, q.starts.remaining, "a new day")
	_, ok = q.take(turn(2), at.Add(50*time.Hour))
	require.True(t, ok)
	require.Equal(t, 99, q.starts.remaining, "two days later")
}

// A limiter of the user's is asked when it is a shard's turn, and its answer holds.
func TestIdentifyAsksTheLimiter(t *testing.T) {
	limiter := ratelimit.NewIdentify(1, ratelimit.WithInterval(7*time.Second))
	q, err := newIdentifyQueue(limiter, 1, ratelimit.IdentifyPeriod)
	require.NoError(t, err)
	_, ok := q.take(identify.Turn{Shard: 0}, dawn)
	require.True(t, ok)
	at, ok := q.take(identify.Turn{Shard: 1}, dawn)
	require.False(t, ok)
	require.Equal(t, dawn.Add(7*time.Second), at)
}
