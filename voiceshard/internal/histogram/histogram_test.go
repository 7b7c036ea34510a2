package histogram

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEmpty(t *testing.T) {
	var h Histogram
	require.Zero(t, h.Quantile(0.99))
	require.Zero(t, h.Mean())
	require.Zero(t, h.Max())
	require.Zero(t, h.Count())
}

func TestBucketsMeet(t *testing.T) {
	for i := range buckets - 1 {
		require.Equal(t, i, bucket(upper(i)-1), "the last value of bucket %d", i)
		require.Equal(t, i+1, bucket(upper(i)), "the first value above bucket %d", i)
	}
	require.Equal(t, Limit, time.Duration(upper(buckets-1)-1)*time.Microsecond)
	require.Equal(t, buckets-1, bucket(1<<63))
}

func TestQuantiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var h Histogram
	var all []time.Duration
	for range 10000 {
		d := time.Duration(rng.ExpFloat64() * float64(3*time.Millisecond))
		all = append(all, d)
		h.Observe(d)
	}
	slices.Sort(all)
	require.EqualValues(t, len(all), h.Count())
	require.Equal(t, all[len(all)-1], h.Max())
	require.Equal(t, h.Max(), h.Quantile(1))
	for _, q := range []float64{0.01, 0.5, 0.9, 0.99, 0.999} {
		exact := all[int(q*float64(len(all)))-1]
		got := h.Quantile(q)
		require.GreaterOrEqual(t, got, exact, q)
		require.LessOrEqual(t, got, exact+exact/subs+2*time.Microsecond, q)
	}
	require.InDelta(t, float64(3*time.Millisecond), float64(h.Mean()), float64(100*time.Microsecond))
	require.Equal(t, h.Quantile(0), h.Quantile(-1))
	require.Equal(t, h.Quantile(1), h.Quantile(2))
}

func TestOutOfRange(t *testing.T) {
	var h Histogram
	h.Observe(-time.Second)
	require.Zero(t, h.Max())
	require.Zero(t, h.Quantile(1))
	h.Observe(time.Hour)
	require.Equal(t, time.Hour, h.Max())
	require.Equal(t, time.Hour, h.Quantile(1))
}

func TestAdd(t *testing.T) {
	var a, b, both Histogram
	for i := range 1000 {
		d := time.Duration(i*i) * time.Microsecond
		if both.Observe(d); i%3 == 0 {
			a.Observe(d)
		} else {
			b.Observe(d)
		}
	}
	a.Add(&b)
	require.Equal(t, both, a)
}

func TestDoesNotAllocate(t *testing.T) {
	var h Histogram
	require.Zero(t, testing.AllocsPerRun(100, func() {
		h.Observe(5 * time.Millisecond)
		h.Quantile(0.99)
	}))
}
