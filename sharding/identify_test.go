package sharding

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/ratelimit"
)

var dawn = time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)

func testQueue(buckets uint) *identifyQueue {
	const interval = ratelimit.IdentifyPeriod
	return newIdentifyQueue(ratelimit.NewIdentify(buckets, ratelimit.WithInterval(interval)), buckets, interval)
}

// A waiter is a shard that asks when it was told to.
type waiter struct {
	at    time.Time // zero: not waiting
	asked int
}

// drain lets waiters ask until all have identified, and returns their order and the time it took.
func drain(t *testing.T, q *identifyQueue, waiters map[uint]*waiter) (order []uint, last time.Time) {
	for len(waiters) > 0 {
		var first uint
		for id, w := range waiters {
			if f := waiters[first]; f == nil || w.at.Before(f.at) || w.at.Equal(f.at) && id < first {
				first = id
			}
		}
		w := waiters[first]
		w.asked++
		require.Less(t, w.asked, 8, "shard %d wakes up in vain", first)
		at, ok := identifyTurn{q, 0}.Take(first, w.at)
		if ok {
			order, last = append(order, first), w.at
			delete(waiters, first)
			continue
		}
		require.True(t, at.After(w.at))
		w.at = at
	}
	return order, last
}

func TestIdentifyInOrder(t *testing.T) {
	q := testQueue(1)
	rnd := rand.New(rand.NewPCG(1, 2))
	waiters := map[uint]*waiter{}
	for _, id := range rnd.Perm(200) {
		waiters[uint(id)] = &waiter{at: dawn.Add(time.Duration(rnd.Int64N(int64(time.Second))))}
	}
	waiters[7].at = dawn // somebody is the first
	order, last := drain(t, q, waiters)
	require.EqualValues(t, 7, order[0])
	for i := 2; i < len(order); i++ {
		require.Greater(t, order[i], order[i-1])
	}
	require.Equal(t, dawn.Add(199*5*time.Second), last, "no time is lost")
	require.Empty(t, q.lines[0].tickets)
}

func TestIdentifyPassesOverTheLost(t *testing.T) {
	q := testQueue(1)
	waiters := map[uint]*waiter{}
	for id := range uint(50) {
		waiters[id] = &waiter{at: dawn}
	}
	for _, lost := range []uint{3, 10, 20, 30} {
		at, ok := identifyTurn{q, 0}.Take(lost, dawn)
		require.Equal(t, lost == 3, ok, "shard 3 asks first")
		if !ok {
			require.True(t, at.After(dawn))
		}
		delete(waiters, lost)
	}
	require.Len(t, q.lines[0].tickets, 3)
	order, last := drain(t, q, waiters)
	require.Len(t, order, 46)
	require.Less(t, last.Sub(dawn), (46+3)*5*time.Second, "each costs a place in line at most")
}

func TestIdentifyKeepsReservedStarts(t *testing.T) {
	q := testQueue(4)
	require.NoError(t, q.limitStarts(SessionStartLimit{Total: 100, Remaining: 7, ResetAfter: time.Hour}, 5, 2, dawn))
	require.Error(t, q.limitStarts(SessionStartLimit{Total: 100, Remaining: 7, ResetAfter: time.Hour}, 5, 3, dawn))
	for id := range uint(2) {
		_, ok := q.take(turn{0, id}, dawn)
		require.True(t, ok)
	}
	at, ok := q.take(turn{0, 2}, dawn)
	require.False(t, ok)
	require.Equal(t, dawn.Add(time.Hour), at)
	for id := range uint(90) {
		q.take(turn{0, 2 + id%2}, at.Add(time.Duration(id)*time.Minute))
	}
	require.Equal(t, 10, q.starts.remaining, "a new day")
	_, ok = q.take(turn{0, 2}, at.Add(50*time.Hour))
	require.True(t, ok)
	require.Equal(t, 99, q.starts.remaining, "two days later")
}

func TestIdentifyAfterAnotherProcess(t *testing.T) {
	q := testQueue(1)
	q.resume(dawn.Add(-time.Second), dawn)
	at, ok := q.take(turn{0, 0}, dawn)
	require.False(t, ok)
	require.Equal(t, dawn.Add(4*time.Second), at)
	_, ok = q.take(turn{0, 0}, at)
	require.True(t, ok)
	require.Equal(t, at, q.lastIdentify())
	q.resume(dawn.Add(time.Hour), dawn)
	at, _ = q.take(turn{0, 0}, dawn)
	require.Equal(t, dawn.Add(5*time.Second), at, "clocks may differ")
}
