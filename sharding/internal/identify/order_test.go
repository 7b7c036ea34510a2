package identify

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/internal/golden"
)

var dawn = time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)

func newOrder(t testing.TB, buckets uint) *Order {
	o, err := NewOrder(Pace{Buckets: buckets, Interval: 5 * time.Second, Answered: 5 * time.Second, Ahead: 2 * time.Second, Patience: 20 * time.Millisecond})
	require.NoError(t, err)
	return o
}

// TestScenarios plays orders of one bucket. Turns are written as shard or as
// generation.shard; times are those since the beginning.
func TestScenarios(t *testing.T) {
	golden.Scenarios(t, func(t *testing.T) func(string) string {
		o, now := newOrder(t, 1), dawn
		verdict := func(at time.Time, ok bool) string {
			if ok {
				return "now\n"
			}
			return fmt.Sprintf("ask at %v\n", at.Sub(dawn))
		}
		return func(command string) string {
			name, rest, _ := strings.Cut(command, " ")
			switch name {
			case "at", "resume", "answered", "elsewhere", "buckets", "until":
				return o.set(t, name, rest, &now)
			case "join":
				var turns []Turn
				for _, s := range strings.Fields(rest) {
					turns = append(turns, turnOf(t, s))
				}
				o.Join(turns, now)
			case "approach":
				return verdict(o.Approach(turnOf(t, rest), now))
			case "first":
				at, ok := o.First(turnOf(t, rest), now)
				if ok {
					o.Spent(turnOf(t, rest), now)
				}
				return verdict(at, ok)
			case "refuse":
				o.Refused(turnOf(t, rest), now.Add(time.Hour))
			case "leave":
				o.Leave(turnOf(t, rest))
			default:
				t.Fatalf("unknown command %q", command)
			}
			return ""
		}
	})
}

// set carries out a command that is about time or pace.
func (o *Order) set(t *testing.T, name, rest string, now *time.Time) string {
	var n uint
	d, _ := time.ParseDuration(rest)
	fmt.Sscan(rest, &n)
	switch name {
	case "at":
		*now = dawn.Add(d)
	case "resume":
		o.Resume(dawn.Add(d), *now)
	case "answered":
		o.Answered(n, *now)
	case "elsewhere":
		o.pace.Elsewhere = true
	case "buckets":
		require.NoError(t, o.SetBuckets(n))
	case "until":
		return fmt.Sprintf("%v\n", o.Until(0, int(n), *now).Sub(dawn))
	}
	return ""
}

func turnOf(t *testing.T, s string) (turn Turn) {
	if _, err := fmt.Sscanf(s, "%d.%d", &turn.Generation, &turn.Shard); err != nil {
		turn = Turn{}
		_, err = fmt.Sscan(s, &turn.Shard)
		require.NoError(t, err)
	}
	return turn
}

// A waiter is a shard that asks when it was told to.
type waiter struct {
	at    time.Time
	dials bool // connected, or connecting
	asked int
}

// drain lets waiters ask until all have identified, and returns their order,
// how long it took, and how long one of them had a connection at most. Their
// connections take 100 ms.
func drain(t *testing.T, o *Order, waiters map[uint]*waiter, dead func(uint, time.Time) bool) (order []uint, last time.Time, open time.Duration) {
	since := map[uint]time.Time{}
	for len(waiters) > 0 {
		id, w := next(waiters)
		if dead != nil && dead(id, w.at) {
			delete(waiters, id)
			continue
		}
		w.asked++
		require.Less(t, w.asked, 40, "shard %d wakes up in vain", id)
		now := w.at
		if !w.dials {
			if at, ok := o.Approach(Turn{Shard: id}, now); ok {
				w.dials, w.at, since[id] = true, now.Add(100*time.Millisecond), now
			} else {
				require.True(t, at.After(now))
				w.at = at
			}
			continue
		}
		at, ok := o.First(Turn{Shard: id}, now)
		if ok {
			o.Spent(Turn{Shard: id}, now)
			order, last, open = append(order, id), now, max(open, now.Sub(since[id]))
			delete(waiters, id)
			continue
		}
		require.True(t, at.After(now))
		w.at = at
	}
	return order, last, open
}

func next(waiters map[uint]*waiter) (first uint, w *waiter) {
	for id, other := range waiters {
		if w == nil || other.at.Before(w.at) || other.at.Equal(w.at) && id < first {
			first, w = id, other
		}
	}
	return first, w
}

// TestAllAtOnce lets shards that were started together, or have lost their
// sessions together, ask in any order.
func TestAllAtOnce(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		const shards = 100
		waiters, turns := map[uint]*waiter{}, []Turn{}
		for _, id := range rnd.Perm(shards) {
			waiters[uint(id)] = &waiter{at: dawn.Add(time.Duration(rnd.Int64N(int64(time.Second))))}
			turns = append(turns, Turn{Shard: uint(id)})
		}
		o := newOrder(t, 1)
		if seed%2 == 0 {
			o.Join(turns, dawn)
		}
		order, last, open := drain(t, o, waiters, nil)
		require.Len(t, order, shards)
		require.Less(t, last.Sub(dawn), (shards-1)*5*time.Second+2*time.Second, "no time is lost")
		require.LessOrEqual(t, open, 8*time.Second, "shards wait before they connect, not with an open connection")
		for i := 2; i < len(order); i++ {
			require.Greater(t, order[i], order[i-1], "in the order of their ids, but for the first to ask: seed %d %v", seed, order[:9])
		}
		require.Empty(t, o.lines[0].tickets)
	}
}

// TestLostOnTheWay lets shards never come back.
func TestLostOnTheWay(t *testing.T) {
	o := newOrder(t, 1)
	waiters := map[uint]*waiter{}
	for id := range uint(50) {
		waiters[id] = &waiter{at: dawn}
	}
	lost := map[uint]bool{0: true, 10: true, 20: true, 30: true}
	order, last, _ := drain(t, o, waiters, func(id uint, _ time.Time) bool { return lost[id] && o.lines[0] != nil && waiters[id].asked > 0 })
	require.Len(t, order, 46)
	require.Less(t, last.Sub(dawn), (46+4)*5*time.Second, "each costs a place in line at most")
}

func TestSenselessPaces(t *testing.T) {
	_, err := NewOrder(Pace{})
	require.ErrorContains(t, err, "senseless pace")
	_, err = NewOrder(Pace{Buckets: 1, Interval: -1})
	require.Error(t, err)
	require.Error(t, newOrder(t, 1).SetBuckets(0))
	require.EqualValues(t, 1, newOrder(t, 1).Pace().Buckets)
}
