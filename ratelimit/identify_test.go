package ratelimit

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestIdentifyWaitsPerBucket(t *testing.T) {
	l := NewIdentify(16, WithInterval(IdentifyPeriod))
	require.EqualValues(t, 0, l.Bucket(16))
	require.EqualValues(t, 5, l.Bucket(21))
	_, ok := l.Take(0, epoch)
	require.True(t, ok)
	_, ok = l.Take(1, epoch)
	require.True(t, ok, "another bucket")
	for range 3 {
		at, ok := l.Take(16, epoch.Add(time.Second))
		require.False(t, ok)
		require.Equal(t, epoch.Add(5*time.Second), at, "refusals use up nothing")
	}
	_, ok = l.Take(16, epoch.Add(5*time.Second-1))
	require.False(t, ok, "a nanosecond early")
	_, ok = l.Take(16, epoch.Add(5*time.Second))
	require.True(t, ok)
}

func TestIdentifyDefaults(t *testing.T) {
	l := NewIdentify(0, WithInterval(0), WithInterval(-1))
	_, ok := l.Take(7, epoch)
	require.True(t, ok)
	at, ok := l.Take(8, epoch)
	require.False(t, ok, "zero is taken for one bucket")
	require.Equal(t, epoch.Add(IdentifyPeriod+IdentifyMargin), at)
}

func TestIdentifyTimeRunsBackwards(t *testing.T) {
	l := NewIdentify(1, WithInterval(IdentifyPeriod))
	_, ok := l.Take(0, epoch)
	require.True(t, ok)
	_, ok = l.Take(0, epoch.Add(-time.Hour))
	require.False(t, ok)
	_, ok = l.Take(0, epoch.Add(5*time.Second-1))
	require.False(t, ok, "going back earns nothing")
	_, ok = l.Take(0, epoch.Add(5*time.Second))
	require.True(t, ok)
}

// TestIdentifySchedule starts 64 shards, each of which asks again when it was
// told to. Buckets never hold two identifies within the interval, and the
// whole takes no longer than it must, to the nanosecond.
func TestIdentifySchedule(t *testing.T) {
	const shards = 64
	for _, interval := range []time.Duration{IdentifyPeriod, IdentifyPeriod + IdentifyMargin, 7 * time.Second / 3, 1} {
		for _, concurrency := range []uint{1, 16, 64} {
			l := NewIdentify(concurrency, WithInterval(interval))
			var wake, identified [shards]time.Time
			for i := range wake {
				wake[i] = epoch
			}
			last := map[uint]time.Time{}
			rnd := rand.New(rand.NewPCG(uint64(concurrency), uint64(interval)))
			for left, asked := shards, 0; left > 0; asked++ {
				require.Less(t, asked, shards*shards, "each round lets one through")
				id := next(rnd, wake[:])
				now := wake[id]
				at, ok := l.Take(uint(id), now)
				if !ok {
					require.True(t, at.After(now))
					wake[id] = at
					continue
				}
				if before, is := last[l.Bucket(uint(id))]; is {
					require.Equal(t, interval, now.Sub(before), "as soon as possible, and no sooner")
				}
				last[l.Bucket(uint(id))], identified[id], wake[id] = now, now, time.Time{}
				left--
			}
			for bucket, at := range last {
				require.Equal(t, time.Duration(shards/concurrency-1)*interval, at.Sub(epoch), "bucket %d", bucket)
			}
		}
	}
}

// next returns a shard that wakes up first; any of them if they are several.
func next(rnd *rand.Rand, wake []time.Time) (id int) {
	id = -1
	for _, i := range rnd.Perm(len(wake)) {
		if !wake[i].IsZero() && (id < 0 || wake[i].Before(wake[id])) {
			id = i
		}
	}
	return id
}

func TestIdentifyIsShared(t *testing.T) {
	l := NewIdentify(4)
	var admitted atomic.Int64
	var wg sync.WaitGroup
	for id := range uint(64) {
		wg.Go(func() {
			if _, ok := l.Take(id, epoch); ok {
				admitted.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 4, admitted.Load(), "one in each bucket")
}
