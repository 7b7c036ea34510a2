package lifecycle

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func half() float64 { return 0.5 }

func TestFirstThroughWakesTheOthers(t *testing.T) {
	var o Outage
	for shard := range uint(5) {
		o.Dials(epoch, shard)
		_, wake := o.Waits(epoch.Add(time.Second), shard, true, 0)
		require.False(t, wake)
	}
	now := epoch.Add(time.Minute)
	o.Dials(now, 1)
	o.Dials(now, 2)
	var woken []uint
	for _, w := range o.Through(now.Add(time.Second), 2, half) {
		woken = append(woken, w.Shard)
		require.WithinRange(t, w.At, now.Add(time.Second), now.Add(time.Second+minSpread))
	}
	require.Equal(t, []uint{0, 3, 4}, woken, "shard 1 dials")
	require.Empty(t, o.Through(now.Add(time.Second), 1, half), "they are woken once")

	o.Dials(now, 1)
	_, wake := o.Waits(now.Add(2*time.Second), 1, true, 0)
	require.True(t, wake, "it dialed before the outage was over, and failed after")
}

// A shard that is cut off again after each RESUMED gets through: nothing wakes it.
func TestNoOutage(t *testing.T) {
	var o Outage
	for shard := range uint(3) {
		o.Dials(epoch, shard)
		require.Empty(t, o.Through(epoch, shard, half))
	}
	for i := range 20 {
		now := epoch.Add(time.Duration(i) * time.Second)
		shard := uint(i % 3)
		o.Waits(now, shard, false, 0)
		o.Dials(now, shard)
		require.Empty(t, o.Through(now, shard, half))
	}
	o.Dials(epoch, 0)
	o.Waits(epoch, 0, true, 0)
	o.Dials(epoch, 1)
	require.Empty(t, o.Through(epoch, 1, half), "one of three is no outage")
}

func TestWakesAreSpread(t *testing.T) {
	var o Outage
	for shard := range uint(10_000) {
		o.Dials(epoch, shard)
		o.Waits(epoch, shard, true, 0)
	}
	wakes := o.Through(epoch, 0, func() float64 { return 0.999 })
	require.Len(t, wakes, 9999)
	require.WithinRange(t, wakes[0].At, epoch.Add(maxSpread*9/10), epoch.Add(maxSpread))
}

func TestGoneShardsDoNotCount(t *testing.T) {
	var o Outage
	for shard := range uint(3) {
		o.Dials(epoch, shard)
		o.Waits(epoch, shard, true, 0)
	}
	o.Gone(1)
	o.Gone(7)
	wakes := o.Through(epoch, 0, half)
	require.Len(t, wakes, 1)
	require.Equal(t, uint(2), wakes[0].Shard)
	o.Gone(2)
	require.Zero(t, o.vain)
	require.Len(t, o.shards, 1)
}
