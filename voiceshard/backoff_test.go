package voiceshard

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBackoff(t *testing.T) {
	b := Backoff{}.withDefaults()
	require.Equal(t, Backoff{Min: 500 * time.Millisecond, Max: 30 * time.Second, Attempts: 10}, b)
	require.Equal(t, time.Minute, Backoff{Min: time.Minute}.withDefaults().Max)
	for failures, most := range []time.Duration{b.Min, b.Min, 2 * b.Min, 4 * b.Min, 8 * b.Min, 16 * b.Min, 32 * b.Min, b.Max, b.Max} {
		for range 100 {
			wait := b.wait(failures)
			require.LessOrEqual(t, wait, most)
			if failures > 0 {
				require.GreaterOrEqual(t, wait, most/2)
			}
		}
	}
}
