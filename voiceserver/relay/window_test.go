package relay

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWindow(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
		var w window
		for _, step := range []struct {
			nonce uint32
			ok    bool
			why   string
		}{
			{1<<32 - 6, true, "the first"},
			{1<<32 - 6, false, "once more"},
			{1<<32 - 8, true, "the one before it, overtaken"},
			{1<<32 - 8, false, "once more"},
			{1<<32 - 6, false, "the first, once more"},
			{1<<32 - 1, true, ""},
			{2, true, "across the wrap"},
			{1<<32 - 2, true, "overtaken, across the wrap"},
			{1<<32 - 2, false, "once more"},
			{0, true, ""},
			{1200, true, "a gap larger than the window"},
			{1200, false, "once more"},
			{2, false, "too old to tell"},
			{1200 - 1024, false, "too old by one"},
			{1200 - 1023, true, "just not too old"},
			{1200 - 1023, false, "once more"},
			{1201, true, ""},
			{1 << 30, true, "a jump: it is authentic"},
			{1202, false, "from before the jump"},
		} {
			require.Equal(t, step.ok, w.take(nonceOf(order, step.nonce)), "%v %d: %s", order, step.nonce, step.why)
		}
	}
}

func nonceOf(order binary.ByteOrder, n uint32) (b [nonceSize]byte) {
	order.PutUint32(b[:], n)
	return b
}

// A model: over a network that loses, repeats and reorders within the window,
// every packet is taken exactly once.
func TestWindowModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var w window
	const first = 1<<32 - 5000
	taken := make(map[int]int)
	sent, pending := first, []int{}
	for range 20_000 {
		for len(pending) < 50 {
			if sent++; sent%7 != 0 { // lost
				pending = append(pending, sent)
			}
		}
		i := rng.IntN(len(pending))
		n := pending[i]
		if rng.IntN(3) > 0 { // else it comes twice
			pending = slices.Delete(pending, i, i+1)
		}
		if n-pending[0] > 900 { // do not let one fall out of the window
			n, pending = pending[0], pending[1:]
		}
		if w.take(nonceOf(binary.LittleEndian, uint32(n))) {
			taken[n]++
		}
		require.LessOrEqual(t, taken[n], 1)
	}
	for n := first + 1; n < pending[0]; n++ {
		require.Equal(t, n%7 != 0, taken[n] == 1, "%d of %d", n, sent)
	}
}
