package sharding

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLatencyHistogram(t *testing.T) {
	var l latencies
	require.Zero(t, l.snapshot().Quantile(0.5))
	for i := range 100 {
		l.observe(time.Duration(i+1) * time.Millisecond)
	}
	l.observe(time.Minute)
	h := l.snapshot()
	require.EqualValues(t, 101, h.Count)
	require.Equal(t, 5050*time.Millisecond+time.Minute, h.Sum)
	require.Equal(t, LatencyBucket{10 * time.Millisecond, 10}, h.Buckets[0])
	require.Equal(t, LatencyBucket{10 * time.Second, 100}, h.Buckets[len(h.Buckets)-1])
	require.Equal(t, 75*time.Millisecond, h.Quantile(0.5))
	require.Equal(t, 100*time.Millisecond, h.Quantile(0.99))
	require.Equal(t, time.Duration(-1), h.Quantile(1))
}
