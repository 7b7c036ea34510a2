package ratelimit

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var epoch = time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)

func TestWindowAdmitsABurstAndThenWaitsForTheOldest(t *testing.T) {
	w := NewWindow(3, time.Minute)
	for i := range 3 {
		_, ok := w.Take(epoch.Add(time.Duration(i) * time.Second))
		require.True(t, ok)
	}
	for range 2 {
		at, ok := w.Take(epoch.Add(10 * time.Second))
		require.False(t, ok)
		require.Equal(t, epoch.Add(time.Minute), at, "when the first leaves the window")
	}
	_, ok := w.Take(epoch.Add(time.Minute - 1))
	require.False(t, ok, "a nanosecond early")
	_, ok = w.Take(epoch.Add(time.Minute))
	require.True(t, ok, "refusals do not count")
	at, ok := w.Take(epoch.Add(time.Minute))
	require.False(t, ok)
	require.Equal(t, epoch.Add(time.Minute+time.Second), at)
}

// TestWindowHasNoEdge is where windows aligned to the minute admit twice the
// limit: at the end of one and the beginning of the next.
func TestWindowHasNoEdge(t *testing.T) {
	w := NewWindow(CommandLimit, CommandPeriod)
	sent := 0
	for now := epoch.Add(59 * time.Second); now.Before(epoch.Add(61 * time.Second)); now = now.Add(time.Millisecond) {
		if _, ok := w.Take(now); ok {
			sent++
		}
	}
	require.Equal(t, CommandLimit, sent)
}

func TestHeartbeatsAreReservedFor(t *testing.T) {
	w := NewWindow(5, time.Minute)
	w.Reserve(2)
	for range 3 {
		_, ok := w.Take(epoch)
		require.True(t, ok)
	}
	_, ok := w.Take(epoch)
	require.False(t, ok, "two are reserved")

	w.Spend(epoch.Add(time.Second))
	w.Spend(epoch.Add(2 * time.Second))
	w.Spend(epoch.Add(3 * time.Second))
	at, ok := w.Take(epoch.Add(4 * time.Second))
	require.False(t, ok)
	require.Equal(t, epoch.Add(time.Minute), at, "two heartbeats use the reserve, the third a command's place")
	for range 2 {
		_, ok = w.Take(at)
		require.True(t, ok)
	}
	at, ok = w.Take(at)
	require.False(t, ok)
	require.Equal(t, epoch.Add(61*time.Second), at, "the heartbeat beyond the reserve leaves")
}

func TestReserveLeavesOneForCommands(t *testing.T) {
	for _, n := range []int{-1, 1, 2, 1 << 30} {
		w := NewWindow(2, time.Minute)
		w.Reserve(n)
		_, ok := w.Take(epoch)
		require.True(t, ok, n)
	}
	w := NewWindow(0, time.Minute)
	w.Reserve(1)
	_, ok := w.Take(epoch)
	require.True(t, ok, "limits below one are taken for one")
	_, ok = w.Take(epoch)
	require.False(t, ok)
}

func TestCommandWindowKeepsItsMargin(t *testing.T) {
	w := NewCommandWindow()
	for range CommandLimit {
		_, ok := w.Take(epoch)
		require.True(t, ok)
	}
	at, ok := w.Take(epoch)
	require.False(t, ok)
	require.Equal(t, epoch.Add(61*time.Second), at)
}

// TestArrivals delays each message on its way by up to the margin. What
// arrives must be within the limit, too.
func TestArrivals(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	client, server := NewCommandWindow(), NewWindow(CommandLimit, CommandPeriod)
	arrival := epoch
	for now := epoch; now.Before(epoch.Add(time.Hour)); now = now.Add(20 * time.Millisecond) {
		if _, ok := client.Take(now); !ok {
			continue
		}
		if at := now.Add(time.Duration(rnd.Int64N(int64(CommandMargin)))); at.After(arrival) { // in order
			arrival = at
		}
		_, ok := server.Take(arrival)
		require.True(t, ok, "4008 after %v", now.Sub(epoch))
	}
}

func TestTimeRunsBackwards(t *testing.T) {
	w := NewWindow(2, time.Minute)
	_, ok := w.Take(epoch)
	require.True(t, ok)
	_, ok = w.Take(epoch.Add(-time.Hour))
	require.True(t, ok)
	at, ok := w.Take(epoch.Add(-time.Hour))
	require.False(t, ok)
	require.Equal(t, epoch.Add(time.Minute), at, "both count as sent at the later time")
	_, ok = w.Take(epoch.Add(time.Minute - 1))
	require.False(t, ok)
	_, ok = w.Take(epoch.Add(time.Minute))
	require.True(t, ok)
}

// TestZeroTime is a caller that was never told the time, and then is.
func TestZeroTime(t *testing.T) {
	w := NewWindow(2, time.Minute)
	w.Spend(time.Time{})
	_, ok := w.Take(time.Time{})
	require.True(t, ok)
	at, ok := w.Take(time.Time{})
	require.False(t, ok)
	require.Equal(t, time.Time{}.Add(time.Minute), at)
	for i := range 4 {
		_, ok = w.Take(epoch.Add(time.Duration(i)))
		require.Equal(t, i < 2, ok)
	}
	_, ok = w.Take(epoch.Add(time.Minute + 1))
	require.True(t, ok, "the clock runs on from there")
}

// A model is the rule without the machinery.
type model struct {
	limit, reserved int
	period          time.Duration
	commands, beats []time.Time
}

func (m *model) count(times []time.Time, now time.Time) (n int) {
	for _, at := range times {
		if now.Sub(at) < m.period {
			n++
		}
	}
	return n
}

func (m *model) admits(now time.Time) bool {
	return m.count(m.commands, now)+max(m.reserved, m.count(m.beats, now)) < m.limit
}

// TestWindowAgainstModel sends commands and heartbeats at random, in bursts,
// at the very times that the window names and a nanosecond around them.
func TestWindowAgainstModel(t *testing.T) {
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		m := model{limit: 1 + rnd.IntN(20), period: time.Duration(1 + rnd.IntN(1000))}
		m.reserved = rnd.IntN(m.limit)
		w := NewWindow(m.limit, m.period)
		w.Reserve(m.reserved)
		now, retry := epoch, epoch
		for range 400 {
			switch rnd.IntN(4) {
			case 0:
				now = now.Add(time.Duration(rnd.Int64N(int64(m.period)/4 + 1)))
			case 1:
				if retry.Add(-1).After(now) {
					now = retry.Add(-1)
				}
			case 2:
				if retry.After(now) {
					now = retry
				}
			}
			if rnd.IntN(8) == 0 {
				w.Spend(now)
				m.beats = append(m.beats, now)
				continue
			}
			want := m.admits(now)
			at, ok := w.Take(now)
			require.Equal(t, want, ok, "seed %d: everything admissible is admitted, nothing else", seed)
			if ok {
				require.Zero(t, at)
				m.commands = append(m.commands, now)
				continue
			}
			require.True(t, m.admits(at), "seed %d: the time named is late enough", seed)
			require.False(t, m.admits(at.Add(-1)), "seed %d: and no later than that", seed)
			retry = at
		}
	}
}

// TestNoMinuteHoldsMoreThanTheLimit looks at every window of what was sent:
// as many commands as are let through, and heartbeats within the reserve.
func TestNoMinuteHoldsMoreThanTheLimit(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		interval := 10*time.Second + time.Duration(rnd.Int64N(int64(40*time.Second)))
		w := NewWindow(CommandLimit, CommandPeriod)
		w.Reserve(int(CommandPeriod/interval) + 1)
		var sent []time.Time
		beat := epoch.Add(time.Duration(rnd.Int64N(int64(interval))))
		for now := epoch; now.Before(epoch.Add(10 * time.Minute)); now = now.Add(time.Duration(rnd.Int64N(int64(400 * time.Millisecond)))) {
			for ; !beat.After(now); beat = beat.Add(interval) {
				w.Spend(beat)
				sent = append(sent, beat)
			}
			for range rnd.IntN(4) {
				if _, ok := w.Take(now); ok {
					sent = append(sent, now)
				}
			}
		}
		slices.SortFunc(sent, time.Time.Compare)
		for i := range sent[CommandLimit:] {
			require.GreaterOrEqual(t, sent[i+CommandLimit].Sub(sent[i]), CommandPeriod)
		}
		require.Greater(t, len(sent), 9*(CommandLimit-8), "the limit is used")
	}
}

func TestWindowMemory(t *testing.T) {
	w := NewCommandWindow()
	require.Zero(t, cap(w.commands.ring)+cap(w.beats.ring), "an idle shard holds nothing")
	for i := range 10_000 {
		w.Spend(epoch.Add(time.Duration(i)))
		w.Take(epoch.Add(time.Duration(i)))
	}
	require.LessOrEqual(t, cap(w.commands.ring)+cap(w.beats.ring), 2*CommandLimit)
	require.Zero(t, testing.AllocsPerRun(100, func() { w.Take(epoch); w.Spend(epoch) }))
}

// TestAnswersShareTheLimit wants one request for a heartbeat to be answered after a
// full burst of commands, a storm of them not, and never more than the limit in all.
func TestAnswersShareTheLimit(t *testing.T) {
	now := time.Unix(1e9, 0)
	w := NewWindow(10, time.Minute)
	w.Reserve(3)
	for range 7 {
		_, ok := w.Take(now)
		require.True(t, ok)
	}
	_, ok := w.Take(now)
	require.False(t, ok, "the rest is reserved")
	_, ok = w.Answer(now)
	require.True(t, ok, "one place of the reserve is for an answer")
	for range 1000 {
		retryAt, ok := w.Answer(now)
		require.False(t, ok)
		require.Equal(t, now.Add(time.Minute), retryAt)
	}
	w.Spend(now) // the heartbeats that are due anyway still have room
	w.Spend(now)
	_, ok = w.Answer(now.Add(time.Minute))
	require.True(t, ok)

	none := NewWindow(2, time.Minute) // without a reserve an answer is a command
	for range 2 {
		_, ok := none.Answer(now)
		require.True(t, ok)
	}
	_, ok = none.Answer(now)
	require.False(t, ok)
}
