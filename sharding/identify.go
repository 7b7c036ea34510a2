package sharding

import (
	"context"
	"sync"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/ratelimit"
	"github.com/discordpkg/gateway/sharding/internal/identify"
)

const (
	// dialAhead is how long before its turn to identify a shard connects.
	dialAhead = 2 * time.Second

	// maxOvertake is how late the first in line may be, in general.
	maxOvertake = 20 * time.Millisecond
)

// An identifyQueue lets the shards of a group identify in order, one in each
// bucket at a time.
type identifyQueue struct {
	limiter gateway.IdentifyRateLimiter // of the user, nil: the order keeps the interval

	mu     sync.Mutex // guards what follows
	order  *identify.Order
	starts starts
	until  time.Time     // no session may be started before, because of the limit
	moved  chan struct{} // closed and replaced when a shard may be asked to come earlier

	limited chan *SessionLimitError // shards wait for session starts; one element
}

// starts is what is left of the session start limit. The zero value is no limit.
type starts struct {
	known     bool
	remaining int
	reserved  int
	total     int
	resetAt   time.Time
}

func newIdentifyQueue(limiter gateway.IdentifyRateLimiter, buckets uint, interval time.Duration) (*identifyQueue, error) {
	order, err := identify.NewOrder(identify.Pace{
		Buckets: buckets, Interval: interval, Answered: min(interval, ratelimit.IdentifyPeriod),
		Ahead: dialAhead, Patience: min(maxOvertake, interval/4), Elsewhere: limiter != nil,
	})
	return &identifyQueue{limiter: limiter, order: order, moved: make(chan struct{}), limited: make(chan *SessionLimitError, 1)}, err
}

// take lets a shard identify if it is its turn.
func (q *identifyQueue) take(t identify.Turn, now time.Time) (retryAt time.Time, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if retryAt, ok = q.order.First(t, now); !ok {
		return retryAt, false
	}
	if retryAt, ok = q.starts.take(now); !ok {
		q.noteLimit(q.starts.refusal(1))
	} else if q.limiter != nil {
		retryAt, ok = q.limiter.Take(t.Shard, now)
	}
	if !ok {
		q.order.Refused(t, retryAt)
		return retryAt, false
	}
	q.order.Spent(t, now)
	q.starts.remaining--
	return time.Time{}, true
}

// join gives shards that start together their places.
func (q *identifyQueue) join(turns []identify.Turn, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.order.Join(turns, now)
}

// approach returns when a shard that has to identify should connect, or what
// ended the wait.
func (q *identifyQueue) approach(ctx context.Context, t identify.Turn) error {
	for {
		at, moved, ok := q.tryApproach(t, time.Now())
		if ok {
			return nil
		}
		timer := time.NewTimer(time.Until(at))
		select {
		case <-timer.C:
		case <-moved:
		case <-ctx.Done():
		}
		if timer.Stop(); ctx.Err() != nil {
			q.leave(t)
			return context.Cause(ctx)
		}
	}
}

func (q *identifyQueue) tryApproach(t identify.Turn, now time.Time) (at time.Time, moved <-chan struct{}, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if at, ok = q.starts.take(now); ok {
		at, ok = q.order.Approach(t, now)
	} else {
		q.noteLimit(q.starts.refusal(1))
	}
	return at, q.moved, ok
}

func (q *identifyQueue) leave(t identify.Turn) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.order.Leave(t)
}

// setBuckets changes max_concurrency.
func (q *identifyQueue) setBuckets(n uint) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.order.SetBuckets(n); err != nil {
		return err
	}
	close(q.moved)
	q.moved = make(chan struct{})
	return nil
}

// buckets returns max_concurrency.
func (q *identifyQueue) buckets() uint {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.order.Pace().Buckets
}

// answered notes the READY of a shard.
func (q *identifyQueue) answered(shardID uint, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.order.Answered(shardID, now)
}

// take reports whether one more session may be started. It is spent elsewhere,
// when it has been.
func (s *starts) take(now time.Time) (retryAt time.Time, ok bool) {
	if !s.known {
		return time.Time{}, true
	}
	for !now.Before(s.resetAt) {
		s.remaining, s.resetAt = s.total, s.resetAt.Add(24*time.Hour)
	}
	return s.resetAt, s.remaining > s.reserved
}

// refusal says that there are not enough session starts left.
func (s *starts) refusal(needed int) *SessionLimitError {
	return &SessionLimitError{Needed: needed, Remaining: max(0, s.remaining), Reserved: s.reserved, Total: s.total, ResetAt: s.resetAt}
}

// limitStarts tells the queue what Discord said about session starts, and
// returns an error if it is not enough for the needed ones.
func (q *identifyQueue) limitStarts(limit SessionStartLimit, reserved, needed int, now time.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case reserved == 0:
		reserved = max(1, limit.Total/20)
	case reserved < 0:
		reserved = 0
	}
	q.starts = starts{known: true, remaining: limit.Remaining, reserved: reserved, total: limit.Total, resetAt: now.Add(limit.ResetAfter)}
	if needed > max(0, limit.Remaining-reserved) {
		return q.starts.refusal(needed)
	}
	return nil
}

// limit notes that there are no session starts left, as the reserver says.
func (q *identifyQueue) limit(err *SessionLimitError) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.noteLimit(err)
}

// noteLimit tells the group, once for each time. The caller holds mu.
func (q *identifyQueue) noteLimit(err *SessionLimitError) {
	if q.until.Equal(err.ResetAt) {
		return
	}
	q.until = err.ResetAt
	select {
	case q.limited <- err:
	default: // it has not heard of the last time yet
	}
}

// resume keeps the interval after what a former process did at last.
func (q *identifyQueue) resume(last, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.order.Resume(last, now)
}

func (q *identifyQueue) lastIdentify() time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.order.Last()
}
