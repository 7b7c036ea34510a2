package main

import (
	"sync"
	"time"

	"github.com/discordpkg/gateway/ratelimit"
)

// identifyInterval is what a bucket waits between two identifies: Discord's
// period, and a margin for connections that are not equally fast.
const identifyInterval = ratelimit.IdentifyPeriod + 40*time.Millisecond

// A pacer limits how often shards identify, and knows when those that wait
// will have done so. It is safe for concurrent use.
type pacer struct {
	limiter  *ratelimit.Identify
	buckets  uint
	interval time.Duration

	mu   sync.Mutex         // guards free
	free map[uint]time.Time // when a bucket takes the next shard
}

func newPacer(buckets uint, interval time.Duration) *pacer {
	return &pacer{
		limiter:  ratelimit.NewIdentify(buckets, ratelimit.WithInterval(interval)),
		buckets:  buckets,
		interval: interval,
		free:     make(map[uint]time.Time),
	}
}

// Take implements [gateway.IdentifyRateLimiter].
func (p *pacer) Take(shardID uint, now time.Time) (retryAt time.Time, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if retryAt, ok = p.limiter.Take(shardID, now); ok {
		p.free[p.limiter.Bucket(shardID)] = now.Add(p.interval)
	}
	return retryAt, ok
}

// eta returns how long it takes until the last of the waiting shards may
// identify.
func (p *pacer) eta(waiting []uint, now time.Time) (longest time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := make(map[uint]int) // in the bucket
	for _, id := range waiting {
		bucket := p.limiter.Bucket(id)
		wait := max(0, p.free[bucket].Sub(now)) + time.Duration(before[bucket])*p.interval
		longest = max(longest, wait)
		before[bucket]++
	}
	return longest
}
