package dave

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReplayWindow(t *testing.T) {
	var w replayWindow
	require.True(t, w.fresh(100), "anything is fresh at first")
	w.use(100)
	require.False(t, w.fresh(100), "each nonce once")
	require.False(t, w.fresh(99), "the first one is the floor")
	w.use(103)
	require.True(t, w.fresh(101), "missing")
	require.True(t, w.fresh(102), "missing")
	w.use(101)
	require.False(t, w.fresh(101))
	w.use(102 + replaySize)
	require.False(t, w.fresh(102), "too long ago")
	require.False(t, w.fresh(103))
	require.True(t, w.fresh(104))
	w.use(1 << 50)
	require.True(t, w.fresh(1<<50-1), "a leap leaves nothing behind")
	require.False(t, w.fresh(102+replaySize))
}

// TestReplayWindowModel compares the window with a set of all nonces.
func TestReplayWindowModel(t *testing.T) {
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 0))
		var (
			w     replayWindow
			used  = map[uint64]bool{}
			next  = uint64(r.IntN(5000))
			floor = next
			top   = next
		)
		for range 20000 {
			n := next
			if r.IntN(3) == 0 {
				n -= min(n, uint64(r.IntN(2*replaySize)))
			} else {
				next += uint64(1 + r.IntN(1+r.IntN(1+r.IntN(3000))))
			}
			want := len(used) == 0 || n > top || n >= floor && top-n < replaySize && !used[n]
			if len(used) == 0 {
				floor = n
			}
			require.Equal(t, want, w.fresh(n), "seed %d nonce %d top %d", seed, n, top)
			if want && r.IntN(10) > 0 || len(used) == 0 {
				w.use(n)
				used[n], top = true, max(top, n)
			}
		}
	}
}
