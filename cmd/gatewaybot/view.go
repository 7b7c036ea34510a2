package main

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/sharding"
)

// A view is what a display shows: the bot at one moment.
type view struct {
	title   string
	elapsed time.Duration
	length  time.Duration // zero: until interrupted
	shards  []sharding.ShardStats
	queued  int           // shards that wait to identify
	eta     time.Duration // until the last of them may
	buckets uint          // identify at the same time
	events  []tally       // the most frequent first
	total   tally
}

// A tally is how often an event came.
type tally struct {
	name  event.Type
	count uint64
	rate  float64 // per second, of late
}

// A rateMeter turns counts into rates over the last second or so.
type rateMeter struct {
	since  time.Time
	counts map[event.Type]uint64 // then
	rates  map[event.Type]float64
}

func newRateMeter(now time.Time) *rateMeter { return &rateMeter{since: now} }

// update takes the counts of now. The meter keeps them.
func (m *rateMeter) update(now time.Time, counts map[event.Type]uint64) {
	passed := now.Sub(m.since).Seconds()
	if passed < 0.95 { // tickers are not exact
		return
	}
	m.rates = make(map[event.Type]float64, len(counts))
	for name, n := range counts {
		m.rates[name] = float64(n-m.counts[name]) / passed
	}
	m.since, m.counts = now, counts
}

// view returns the bot as it is.
func (b *bot) view(now time.Time, m *rateMeter) view {
	v := view{title: b.title(), elapsed: now.Sub(b.started), length: b.length}
	counts := b.counts()
	m.update(now, counts)
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		t := tally{name: name, count: counts[name], rate: m.rates[name]}
		v.total.count += t.count
		v.total.rate += t.rate
		if !b.filter || b.events.Has(name) {
			v.events = append(v.events, t)
		}
	}
	slices.SortStableFunc(v.events, func(x, y tally) int { return cmp.Compare(y.count, x.count) })
	b.viewShards(&v, now)
	return v
}

// viewShards adds what the shards are doing: they wait until the group runs.
func (b *bot) viewShards(v *view, now time.Time) {
	s := b.group.Stats()
	v.shards, v.queued, v.buckets = s.Shards, s.Waiting, b.buckets
	if len(v.shards) == 0 {
		v.shards, v.queued = make([]sharding.ShardStats, b.total), int(b.total)
	}
	if s.Waiting > 0 {
		v.eta = max(0, s.WaitingUntil.Sub(now))
	}
}

func (b *bot) counts() (counts map[event.Type]uint64) {
	b.journal.look(func(e *entries) { counts = maps.Clone(e.counts) })
	return counts
}

// title says what the bot is connected to, and how.
func (b *bot) title() string {
	to := "Discord"
	switch {
	case b.discord != nil:
		to = "local Discord at " + b.discord.GatewayURL
	case b.url != "":
		to = b.url
	}
	how := b.encoding
	if b.compress != "none" {
		how += " " + b.compress
	}
	return to + "  " + how
}
