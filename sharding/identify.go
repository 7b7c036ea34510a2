package sharding

import (
	"slices"
	"sync"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/ratelimit"
)

// An identifyQueue lets the shards of a group identify in order. Those in
// front ask the limiter when it is their turn; the others sleep until their
// turn is near, so nobody wakes up in vain more than once.
type identifyQueue struct {
	limiter  gateway.IdentifyRateLimiter
	buckets  uint
	interval time.Duration
	overtake time.Duration // how late the first in line may be

	mu     sync.Mutex // guards what follows
	lines  map[uint]*line
	starts starts
	last   time.Time // when somebody identified
	closed time.Time // nobody may before
}

// A line is who waits in one bucket.
type line struct {
	tickets []ticket  // in order
	next    time.Time // when the first may identify, as far as is known
	opens   time.Time // nobody may identify before, because of the last READY
}

type ticket struct {
	turn
	due time.Time // when it asks again
}

// A turn is a shard's place in the order.
type turn struct {
	generation int
	shard      uint
}

func (t turn) compare(u turn) int {
	if t.generation != u.generation {
		return t.generation - u.generation
	}
	return int(t.shard) - int(u.shard)
}

// starts is what is left of the session start limit. The zero value is no limit.
type starts struct {
	known     bool
	remaining int
	reserved  int
	total     int
	resetAt   time.Time
}

// identifyTurn is the queue as a shard sees it.
type identifyTurn struct {
	queue      *identifyQueue
	generation int
}

// Take implements [gateway.IdentifyRateLimiter].
func (t identifyTurn) Take(shardID uint, now time.Time) (retryAt time.Time, ok bool) {
	return t.queue.take(turn{t.generation, shardID}, now)
}

const maxOvertake = 20 * time.Millisecond

func newIdentifyQueue(limiter gateway.IdentifyRateLimiter, buckets uint, interval time.Duration) *identifyQueue {
	return &identifyQueue{
		limiter:  limiter,
		buckets:  buckets,
		interval: interval,
		overtake: min(maxOvertake, interval/4),
		lines:    make(map[uint]*line),
	}
}

func (q *identifyQueue) take(t turn, now time.Time) (retryAt time.Time, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lines[t.shard%q.buckets]
	if l == nil {
		l = new(line)
		q.lines[t.shard%q.buckets] = l
	}
	rank := l.join(t, now, q.overtake)
	if rank > 0 {
		// A little after the one before is due: then this one is the first, or
		// may overtake it.
		retryAt = later(l.next, now).Add(time.Duration(rank-1)*q.interval + q.overtake)
		l.tickets[rank].due = retryAt
		return retryAt, false
	}
	opens := later(q.closed, l.opens)
	if retryAt, ok = opens, !now.Before(opens); ok {
		retryAt, ok = q.starts.take(now)
	}
	if ok {
		retryAt, ok = q.limiter.Take(t.shard, now)
	}
	if !ok {
		l.next, l.tickets[0].due = retryAt, retryAt
		return retryAt, false
	}
	l.tickets = slices.Delete(l.tickets, 0, 1)
	l.next, q.last = now.Add(q.interval), now
	q.starts.remaining--
	return time.Time{}, true
}

// answered notes the READY of a shard. Discord has counted its identify by
// then, so that an interval from here on is enough however long the identify
// was on its way: one from when it was written may be too short, if the next
// one travels faster.
func (q *identifyQueue) answered(shardID uint, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if l := q.lines[shardID%q.buckets]; l != nil {
		l.opens = now.Add(min(q.interval, ratelimit.IdentifyPeriod))
	}
}

// join finds or makes the place of a shard. Those who did not come when they
// were due have lost their connection; when they have a new one they take
// their old place.
func (l *line) join(t turn, now time.Time, patience time.Duration) (rank int) {
	l.tickets = slices.DeleteFunc(l.tickets, func(other ticket) bool {
		return other.turn != t && now.Sub(other.due) >= patience
	})
	rank, found := slices.BinarySearchFunc(l.tickets, t, func(other ticket, t turn) int { return other.compare(t) })
	if !found {
		l.tickets = slices.Insert(l.tickets, rank, ticket{turn: t, due: now})
	}
	return rank
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

// limitStarts tells the queue what Discord said about session starts, and
// returns an error if it is not enough for the needed ones.
func (q *identifyQueue) limitStarts(limit SessionStartLimit, reserved, needed int, now time.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.starts = starts{known: true, remaining: limit.Remaining, reserved: reserved, total: limit.Total, resetAt: now.Add(limit.ResetAfter)}
	if needed > limit.Remaining-reserved {
		return &SessionLimitError{Needed: needed, Remaining: limit.Remaining, Reserved: reserved, Total: limit.Total, ResetAt: q.starts.resetAt}
	}
	return nil
}

// resume keeps the interval after what a former process did at last.
func (q *identifyQueue) resume(last, now time.Time) {
	if last.After(now) {
		last = now // the clock was set back
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.last, q.closed = last, last.Add(q.interval)
}

func (q *identifyQueue) lastIdentify() time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.last
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
