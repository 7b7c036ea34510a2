package voiceserver

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWindow(t *testing.T) {
	var w window
	for _, step := range []struct {
		seq uint16
		ok  bool
		why string
	}{
		{65530, true, "the first"},
		{65530, false, "once more"},
		{65531, true, ""},
		{65535, true, ""},
		{65533, true, "overtaken"},
		{65533, false, "once more"},
		{2, true, "across the wrap"},
		{65534, true, "overtaken, across the wrap"},
		{65534, false, "once more"},
		{0, true, ""},
		{65530, false, "the first, once more"},
		{600, true, "a gap larger than the window"},
		{600, false, "once more"},
		{2, false, "too old to tell"},
		{601, true, ""},
		{40_000, false, "a jump"},
		{602, true, "it was a stray"},
		{40_010, false, "another"},
		{40_011, true, "and the one behind it: the sender began anew"},
		{40_011, false, "once more"},
		{40_010, true, "which was refused before"},
		{43_012, false, "a jump ahead"},
		{43_013, true, "which is believed"},
		{603, false, "a jump back"},
		{604, true, "which is believed"},
	} {
		require.Equal(t, step.ok, w.take(step.seq), "%d: %s", step.seq, step.why)
	}
}

// A model: over a network that loses, repeats and reorders within the window,
// every packet is taken exactly once.
func TestWindowModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var w window
	taken := make(map[int]int)
	sent, pending := 65_000, []int{}
	w.take(uint16(sent))
	for range 20_000 {
		for len(pending) < 50 {
			sent++
			if sent%7 != 0 {
				pending = append(pending, sent)
			}
		}
		i := rng.IntN(min(len(pending), 40))
		n := pending[i]
		if rng.IntN(3) > 0 {
			pending = append(pending[:i], pending[i+1:]...)
		}
		if i > 0 && n-pending[0] > 400 { // do not let one fall out of the window
			n, pending = pending[0], pending[1:]
		}
		if w.take(uint16(n)) {
			taken[n]++
		}
		require.LessOrEqual(t, taken[n], 1)
	}
	missing := 0
	for n := 65_001; n < sent-500; n++ {
		if n%7 != 0 && taken[n] == 0 {
			missing++
		}
	}
	require.Zero(t, missing)
}

func TestPace(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p := newPace(10, 5)
	taken := 0
	for range 100 {
		if p.take(now) {
			taken++
		}
	}
	require.Equal(t, 6, taken)
	for range 1000 {
		now = now.Add(50 * time.Millisecond)
		if p.take(now) {
			taken++
		}
	}
	require.InDelta(t, 506, taken, 1)
	now = now.Add(-time.Hour)
	require.False(t, p.take(now), "time does not run backwards")
}
