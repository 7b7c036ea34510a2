package sharding

import (
	"context"
	"fmt"
	"time"

	"github.com/discordpkg/gateway"
)

// A plan is which shards to run, and what they resume.
type plan struct {
	first, count, total uint
	sessions            map[gateway.ShardID]*ShardCheckpoint
	identified          time.Time
}

// prepare locks and reads the store, and asks Discord. Release is how to give
// the lock back.
func (g *Group) prepare(ctx context.Context, release *func()) (plan, error) {
	ctx, stop := g.untilClosed(ctx)
	defer stop()
	unlock, err := g.lock(ctx)
	if err != nil {
		return plan{}, err
	}
	*release = unlock
	stored, err := g.load(ctx)
	if err != nil {
		return plan{}, err
	}
	g.deaths = stored.Deaths
	g.restoreBudget(stored.Budget)
	bot, err := g.discover(ctx, stored)
	if err != nil {
		return plan{}, err
	}
	p, err := g.planFor(g.totalFor(stored, bot), stored)
	if err != nil {
		return plan{}, err
	}
	return p, g.setIdentify(p, stored, bot)
}

// totalFor returns the shard count: stored sessions are worth nothing with another one.
func (g *Group) totalFor(stored Checkpoint, bot *GatewayBot) uint {
	switch {
	case g.config.Total > 0:
		return g.config.Total
	case len(stored.Shards) > 0 && !g.config.StartFresh:
		if bot != nil && bot.Shards > stored.Total {
			g.log.Warn("discord recommends more shards than the stored sessions have", "shards", stored.Total, "recommended", bot.Shards)
		}
		return stored.Total
	}
	return bot.Shards
}

// planFor selects the shards and the sessions that fit.
func (g *Group) planFor(total uint, stored Checkpoint) (plan, error) {
	p := plan{first: g.config.First, count: g.config.Count, total: total, identified: stored.Identified,
		sessions: make(map[gateway.ShardID]*ShardCheckpoint)}
	if g.config.StartEmpty {
		return p, nil
	}
	if p.count == 0 && p.first < total {
		p.count = total - p.first
	}
	if p.count == 0 || p.first+p.count > total {
		return plan{}, fmt.Errorf("sharding: shards from %d to %d are not below the total of %d", p.first, p.first+p.count, total)
	}
	if g.config.StartFresh {
		return p, nil
	}
	if stored.Total != total && len(stored.Shards) > 0 {
		g.log.Warn("stored sessions have another shard count, new ones are started", "shards", total, "stored", stored.Total)
		return p, nil
	}
	for i := range stored.Shards {
		s := &stored.Shards[i]
		if uint(s.ID) >= p.first && uint(s.ID) < p.first+p.count {
			p.sessions[s.ID] = s
		}
	}
	return p, nil
}

// setIdentify makes the queue of the shards that have to identify.
func (g *Group) setIdentify(p plan, stored Checkpoint, bot *GatewayBot) error {
	buckets := g.config.MaxConcurrency
	switch {
	case bot != nil:
		g.setURL(bot.URL)
		if buckets == 0 {
			buckets = bot.Limit.MaxConcurrency
		}
	case buckets == 0:
		g.setURL(stored.URL)
		buckets = max(1, stored.MaxConcurrency) // 1 is right for every bot, if slow
	}
	q, err := newIdentifyQueue(g.config.IdentifyLimiter, buckets, g.config.IdentifyInterval)
	if err != nil {
		return err
	}
	q.resume(p.identified, time.Now())
	g.mu.Lock()
	g.identify = q
	g.mu.Unlock()
	if bot == nil {
		return nil
	}
	g.learnStarts(bot.Limit, time.Now())
	limit := q.limitStarts(bot.Limit, g.config.ReservedStarts, int(p.count)-len(p.sessions), time.Now())
	if limit != nil && !g.config.StopAtSessionLimit {
		g.log.Warn("not enough session starts left for all shards, some will wait", "err", limit)
		return nil
	}
	return limit
}
