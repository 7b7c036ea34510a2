package sharding

import (
	"sync"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/internal/deadline"
	"github.com/discordpkg/gateway/lifecycle"
)

// GroupStats is a snapshot of a group.
type GroupStats struct {
	Total  uint         // shard count of the bot
	Shards []ShardStats // in the order of their ids
	Phases map[gatewayshard.Phase]int

	// Sums over the shards. Those of shards that a reshard has replaced are
	// not in them.
	Events, Handled, Replayed, Dropped, HandlerErrors uint64
	HandlerPanics, SlowHandlers, SetAside             uint64
	Reconnects, Identifies, Resumes                   uint64
	BytesIn, BytesOut                                 uint64

	// Slowest is the longest of the shards' heartbeat round trips.
	Slowest time.Duration

	// Latency counts the heartbeat round trips of all shards since the start.
	Latency LatencyHistogram

	Waiting         int       // shards that have to identify
	WaitingUntil    time.Time // when the last of them can identify, zero if none waits
	StartsKnown     bool      // Discord was asked for the session start limit
	StartsLeft      int       // of the session start limit, as far as this process knows
	StartsResetAt   time.Time
	IdentifiesToday int // in the last 24 hours, by this bot as far as the group knows

	LimitedUntil time.Time // shards wait until then because no session starts are left, zero if none does

	Checkpoint      time.Time // when the sessions were saved last, zero before that
	CheckpointError error     // of the last attempt
	FailedSaves     uint64    // attempts that failed

	Resharding bool
}

// ShardStats is a snapshot of one shard of a group.
type ShardStats struct {
	ID gateway.ShardID
	gatewayshard.Stats

	Handled       uint64 // events that handlers were called with
	Replayed      uint64 // of these those marked as a replay
	Dropped       uint64 // events that a full queue dropped
	HandlerErrors uint64
	HandlerPanics uint64 // of these the panics
	SlowHandlers  uint64 // that ran longer than Config.Shard.HandlerLimit
	SetAside      uint64 // events that handlers did not get, as processes end on them
	Queued        int    // events in the queue
	Acknowledged  int64  // sequence number up to which everything is dealt with
}

// Stats returns a snapshot. It does not wait for anything, and costs about a
// microsecond for each shard.
func (g *Group) Stats() GroupStats {
	s := GroupStats{Phases: make(map[gatewayshard.Phase]int), Latency: g.latency.snapshot(), Resharding: g.resharding.Load()}
	g.config.Shard.Shared.Use(func(m *lifecycle.Shared) { s.IdentifiesToday = m.Budget().Used(time.Now()) })
	g.mu.Lock()
	s.Checkpoint, s.CheckpointError, s.FailedSaves = g.saved.Saved, g.saveErr, g.saveFailed
	q := g.identify
	var gen *generation
	if len(g.generations) > 0 {
		gen = g.generations[0]
	}
	g.mu.Unlock()
	if gen == nil {
		return s
	}
	s.Total = gen.total
	s.Shards = make([]ShardStats, len(gen.all()))
	for i, m := range gen.all() {
		s.Shards[i] = m.stats()
		s.add(&s.Shards[i])
	}
	s.addIdentify(gen, q, time.Now())
	return s
}

func (m *member) stats() ShardStats {
	s := ShardStats{
		ID: m.id, Stats: m.shard.Stats(),
		Handled: m.handled.Load(), Replayed: m.replayed.Load(), Dropped: m.dropped.Load(), HandlerErrors: m.failed.Load(),
		Queued: m.queue.len(), HandlerPanics: m.panics.Load(), SlowHandlers: m.watch.slow.Load(), SetAside: m.aside.Load(),
	}
	m.mu.Lock()
	s.Acknowledged = m.progress.Acknowledged()
	m.mu.Unlock()
	return s
}

func (s *GroupStats) add(shard *ShardStats) {
	s.Phases[shard.Phase]++
	s.Events += shard.Events
	s.Handled += shard.Handled
	s.Replayed += shard.Replayed
	s.Dropped += shard.Dropped
	s.HandlerErrors += shard.HandlerErrors
	s.HandlerPanics += shard.HandlerPanics
	s.SlowHandlers += shard.SlowHandlers
	s.SetAside += shard.SetAside
	s.Reconnects += shard.Reconnects
	s.Identifies += shard.Identifies
	s.Resumes += shard.Resumes
	s.BytesIn += shard.BytesIn
	s.BytesOut += shard.BytesOut
	s.Slowest = max(s.Slowest, shard.Latency)
}

// addIdentify tells who has to identify, in line or not connected yet, and how
// long that takes.
func (s *GroupStats) addIdentify(gen *generation, q *identifyQueue, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	inBucket, buckets := make(map[uint]int), q.order.Pace().Buckets
	for i := range s.Shards {
		if sh := &s.Shards[i]; sh.SessionID == "" && sh.Phase != gatewayshard.Authenticating && sh.Phase != gatewayshard.Closed {
			s.Waiting++
			inBucket[uint(sh.ID)%buckets]++
		}
	}
	s.StartsKnown, s.StartsLeft, s.StartsResetAt = q.starts.known, max(0, q.starts.remaining), q.starts.resetAt
	if !s.StartsKnown {
		s.StartsLeft = 0
	}
	if s.Waiting > 0 && q.until.After(now) {
		s.LimitedUntil = q.until
	}
	for i := range s.Shards {
		if sh := &s.Shards[i]; sh.Waits == lifecycle.BecauseBudget {
			s.LimitedUntil = deadline.Latest(s.LimitedUntil, sh.WaitsTill)
		}
	}
	for bucket, n := range inBucket {
		s.WaitingUntil = deadline.Latest(s.WaitingUntil, q.order.Until(bucket, n, now))
	}
}

// latencyBounds are the upper bounds of the histogram's buckets.
var latencyBounds = [...]time.Duration{
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond, 75 * time.Millisecond, 100 * time.Millisecond,
	150 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2500 * time.Millisecond, 10 * time.Second,
}

// A LatencyHistogram counts durations.
type LatencyHistogram struct {
	Count   uint64
	Sum     time.Duration
	Buckets []LatencyBucket // by bound, each with what the ones below it count
}

// A LatencyBucket counts durations that are not above its bound.
type LatencyBucket struct {
	Bound time.Duration
	Count uint64
}

// Quantile returns a bound that a share q, from 0 to 1, of the durations does not
// exceed: that of a bucket, or -1 if it is beyond the last one. Without
// durations it is zero.
func (h LatencyHistogram) Quantile(q float64) time.Duration {
	if h.Count == 0 {
		return 0
	}
	for _, b := range h.Buckets {
		if float64(b.Count) >= q*float64(h.Count) {
			return b.Bound
		}
	}
	return -1
}

// latencies collects a histogram.
type latencies struct {
	mu     sync.Mutex // guards what follows
	counts [len(latencyBounds)]uint64
	count  uint64
	sum    time.Duration
}

func (l *latencies) observe(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	l.sum += d
	for i, bound := range latencyBounds {
		if d <= bound {
			l.counts[i]++
			break
		}
	}
}

func (l *latencies) snapshot() LatencyHistogram {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := LatencyHistogram{Count: l.count, Sum: l.sum, Buckets: make([]LatencyBucket, len(latencyBounds))}
	below := uint64(0)
	for i, n := range l.counts {
		below += n
		h.Buckets[i] = LatencyBucket{latencyBounds[i], below}
	}
	return h
}

// measure counts the round trips that are new since the last call. Two in a
// row of a shard are never equal to the nanosecond, but for a connection that has none.
func (g *Group) measure() {
	g.mu.Lock()
	generations := g.generations
	g.mu.Unlock()
	for _, gen := range generations {
		for _, m := range gen.all() {
			latency := m.shard.Latency()
			if latency == m.latency {
				continue
			}
			if m.latency = latency; latency > 0 {
				g.latency.observe(latency)
				if hook := g.config.Hooks.Latency; hook != nil {
					hook(m.id, latency)
				}
			}
		}
	}
}
