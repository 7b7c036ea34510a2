package buffer

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// However a message comes, all of its buffers together are at most 1.5 times
// the limit.
func TestGrowthIsBounded(t *testing.T) {
	for _, limit := range []int{1, 1000, 1 << 10, 5000, 1 << 20, 64<<20 - 1, 64 << 20} {
		for _, step := range []int{1, 7, 1000, limit / 9, limit / 4, limit/4 + 1, limit / 2, limit} {
			if step == 0 || limit/step > 1<<20 {
				continue
			}
			have, sum := 0, 0
			for need := step; need <= limit; need += step {
				if need <= have {
					continue
				}
				size := Size(have, need, limit)
				require.GreaterOrEqual(t, size, need)
				require.LessOrEqual(t, size, limit)
				if have > 0 {
					require.LessOrEqual(t, have, limit/4, "the last but one")
				}
				have = size
				sum += size
			}
			require.LessOrEqual(t, sum, limit+limit/2, "limit %d, step %d", limit, step)
		}
	}
}

func TestGrow(t *testing.T) {
	b := append(make([]byte, 0, 8), "abc"...)
	same := Grow(b, 5, 100)
	require.Same(t, &b[0], &same[0], "there is room")
	grown := Grow(b, 6, 100)
	require.Equal(t, "abc", string(grown))
	require.Equal(t, 100, cap(grown))
	require.Equal(t, 1<<10, cap(Grow(b, 6, 1<<20)))
	require.Equal(t, 1<<20, cap(Grow(b, 1<<19, 1<<20)))
	require.Nil(t, Grow(nil, 0, 0))
}
