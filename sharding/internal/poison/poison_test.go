package poison

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A run is a process that handles the events behind an acknowledged one until it
// dies of one of them. It returns what was stored last, and what was set aside.
func run(stored *Mark, acked *int64, deadly func(seq int64) bool, last int64) (aside []int64, died bool) {
	w := New(*stored, *acked, 3)
	*stored = w.Mark(*acked) // before the first event
	for seq := *acked + 1; seq <= last; seq++ {
		skip, save := w.Enter(seq)
		if save {
			*acked, *stored = seq-1, w.Mark(seq-1)
		}
		switch {
		case skip:
			aside = append(aside, seq)
		case deadly(seq):
			return aside, true
		}
		w.Leave(seq)
	}
	w.Past()
	*acked, *stored = last, Mark{}
	return aside, false
}

func TestThreeDeathsOfOneEvent(t *testing.T) {
	for _, poison := range []int64{11, 15} {
		var stored Mark
		acked := int64(10)
		deaths := 0
		for {
			aside, died := run(&stored, &acked, func(seq int64) bool { return seq == poison }, 20)
			if !died {
				require.Equal(t, []int64{poison}, aside)
				break
			}
			require.Empty(t, aside)
			deaths++
			require.Less(t, deaths, 10)
		}
		require.Equal(t, 3, deaths, "two that did not know which event it was, and one that did")
		require.Equal(t, int64(20), acked)
	}
}

func TestTwoPoisonousEvents(t *testing.T) {
	var stored Mark
	acked, deaths := int64(10), 0
	var all []int64
	for died := true; died; {
		var aside []int64
		aside, died = run(&stored, &acked, func(seq int64) bool { return seq == 12 || seq == 13 }, 20)
		all = append(all, aside...)
		if died {
			deaths++
		}
		require.Less(t, deaths, 20)
	}
	require.Subset(t, all, []int64{12, 13})
	require.LessOrEqual(t, deaths, 6)
	require.Equal(t, int64(20), acked)
}

// TestDeathsForOtherReasons kills processes that make progress, each at another event: none is set aside.
func TestDeathsForOtherReasons(t *testing.T) {
	stored, acked := Mark{}, int64(10)
	for range 50 {
		w := New(stored, acked, 3)
		require.False(t, w.Careful())
		acked++ // stored in the usual way, some time before the death
		stored = w.Mark(acked)
	}
	// And when it happens to a careful process, the next event begins with a clean slate.
	stored = Mark{Deaths: 2}
	w := New(stored, acked, 3)
	_, save := w.Enter(acked + 1)
	require.True(t, save)
	w.Leave(acked + 1)
	require.Equal(t, Mark{}, w.Mark(acked+1))
}

func TestOrderlyEndsAndProgressAreNoDeaths(t *testing.T) {
	w := New(Mark{Deaths: 1}, 10, 3)
	require.False(t, w.Careful())
	require.Equal(t, Mark{Deaths: 2}, w.Mark(10))
	require.Equal(t, Mark{}, w.Mark(11))
	aside, save := w.Enter(11)
	require.False(t, aside)
	require.False(t, save)

	w = New(Mark{Deaths: 2}, 10, -1)
	require.False(t, w.Careful(), "never, if not wanted")
	w = New(Mark{}, 10, 3)
	require.False(t, w.Careful())
	require.Equal(t, Mark{Deaths: 1}, w.Mark(10))

	w = New(Mark{Deaths: 2}, 10, 3)
	require.True(t, w.Careful())
	_, save = w.Enter(0)
	require.False(t, save, "an event without a number cannot be found again")
	w.Past()
	_, save = w.Enter(11)
	require.False(t, save)
}

func TestNewSessions(t *testing.T) {
	w := New(Mark{Deaths: 5}, 10, 3)
	next := w.Begin(0, 1)
	require.False(t, next.Careful())
	next = w.Begin(0, 2)
	require.True(t, next.Careful())
	aside, save := next.Enter(1)
	require.False(t, aside)
	require.True(t, save)
	require.Equal(t, Mark{Deaths: 3, Suspect: 1, SuspectDeaths: 3}, next.Mark(0))
}
