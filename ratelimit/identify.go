package ratelimit

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Discord lets the shards of one bucket, those with the same remainder of
// shard id by max_concurrency, identify once per IdentifyPeriod. A shard that
// identifies too early gets an invalid session, and one of the day's
// identifies is gone.
//
// https://discord.com/developers/docs/events/gateway#sharding-max-concurrency
const IdentifyPeriod = 5 * time.Second

// IdentifyMargin is what [NewIdentify] adds to [IdentifyPeriod] by default. The
// limit is on arrivals, and two connections need not be equally fast.
const IdentifyMargin = 250 * time.Millisecond

// An Identify limits how often shards identify: one at a time in each of
// max_concurrency buckets. It is safe for concurrent use, and meant to be
// shared by all shards of a bot in one process. Memory grows with the number
// of buckets that are used.
type Identify struct {
	interval       time.Duration
	maxConcurrency uint

	mu      sync.Mutex // guards buckets, and each decision as a whole
	buckets map[uint]*rate.Limiter
}

// An IdentifyOption configures an [Identify].
type IdentifyOption func(*Identify)

// WithInterval sets the time between two identifies of one bucket,
// [IdentifyPeriod] plus [IdentifyMargin] by default. Intervals that are not
// positive change nothing.
func WithInterval(d time.Duration) IdentifyOption {
	return func(l *Identify) {
		if d > 0 {
			l.interval = d
		}
	}
}

// NewIdentify returns a limiter for the max_concurrency that Discord states in
// the session start limit of GET /gateway/bot. Zero is taken for 1.
func NewIdentify(maxConcurrency uint, options ...IdentifyOption) *Identify {
	l := &Identify{
		interval:       IdentifyPeriod + IdentifyMargin,
		maxConcurrency: max(1, maxConcurrency),
		buckets:        make(map[uint]*rate.Limiter),
	}
	for _, o := range options {
		o(l)
	}
	return l
}

// Bucket returns the bucket of a shard, also called its rate limit key.
func (l *Identify) Bucket(shardID uint) uint { return shardID % l.maxConcurrency }

// whole is one token, less what a float64 may lose on the way: for intervals
// up to a quarter of an hour that is below a nanosecond.
const whole = 1 - 1e-12

// Take admits one identify of the shard at now, or returns the time at which
// to ask again: another shard of the bucket may be faster. A refusal uses up
// nothing. Where time runs backwards, it is taken to stand still.
func (l *Identify) Take(shardID uint, now time.Time) (retryAt time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := l.Bucket(shardID)
	bucket := l.buckets[key]
	if bucket == nil {
		bucket = rate.NewLimiter(rate.Every(l.interval), 1)
		l.buckets[key] = bucket
	}
	// The tokens are looked at first: AllowN may round in favour of the caller.
	tokens := bucket.TokensAt(now)
	if tokens >= whole && bucket.AllowN(now, 1) {
		return time.Time{}, true
	}
	wait := math.Round((1 - tokens) * float64(l.interval))
	return now.Add(max(1, time.Duration(wait))), false
}
