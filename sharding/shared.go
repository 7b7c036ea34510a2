package sharding

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/lifecycle"
)

// startsPerShard is how many session starts a day each shard of a large bot has,
// as far as is known. Discord gives max(2000, guilds / 1000 * 5), and wants about
// 1,000 guilds on a shard.
const startsPerShard = 5

// share gives the shards of the group one memory of bad hosts, outages and the
// day's identifies, unless the caller gave one.
func (c *Config) share() (err error) {
	if c.Shard.Shared != nil {
		return nil
	}
	c.ownBudget = true
	options := []lifecycle.BudgetOption{lifecycle.WithStarts(max(lifecycle.DefaultStarts, startsPerShard*int(c.Total)))}
	if c.ReservedStarts != 0 {
		options = append(options, lifecycle.WithReservedStarts(max(0, c.ReservedStarts)))
	}
	if c.Shard.Shared, err = gatewayshard.NewShared(lifecycle.WithBudget(options...)); err != nil {
		return fmt.Errorf("sharding: %w", err)
	}
	return nil
}

// learnStarts tells the budget what Discord said.
func (g *Group) learnStarts(limit SessionStartLimit, now time.Time) {
	var err error
	g.config.Shard.Shared.Use(func(s *lifecycle.Shared) {
		err = s.Budget().Learn(now, limit.Total, limit.Remaining, limit.ResetAfter)
	})
	if err != nil {
		g.log.Warn("session start limit makes no sense, keeping to what was known", "err", err)
	}
}

// budgetState returns the identifies of the last 24 hours for the store, nil if
// they are counted by the caller.
func (g *Group) budgetState() (state json.RawMessage) {
	if !g.config.ownBudget {
		return nil
	}
	g.config.Shard.Shared.Use(func(s *lifecycle.Shared) {
		s.Budget().Used(time.Now()) // forgets what is older
		state, _ = json.Marshal(s.Budget().State())
	})
	return state
}

// restoreBudget goes on with what a former process has counted.
func (g *Group) restoreBudget(stored json.RawMessage) {
	if !g.config.ownBudget || len(stored) == 0 {
		return
	}
	var state lifecycle.BudgetState
	err := json.Unmarshal(stored, &state)
	if err == nil {
		g.config.Shard.Shared.Use(func(s *lifecycle.Shared) { err = s.Budget().Restore(state) })
	}
	if err != nil {
		g.log.Warn("the stored identifies of the day are ignored", "err", err)
	}
}

// lifeOf returns what the next process needs to know of a shard besides its session.
func lifeOf(p gatewayshard.Progress) json.RawMessage {
	life, err := json.Marshal(p.State)
	if err != nil {
		return nil // what it says is of use, but not needed
	}
	return life
}

// stateOf returns what a former process knew of a shard.
func (g *Group) stateOf(from *ShardCheckpoint) (state lifecycle.ShardState) {
	if from == nil || len(from.Life) == 0 {
		return state
	}
	if err := json.Unmarshal(from.Life, &state); err != nil {
		g.log.Warn("what the store knows of a shard is ignored, its session is not", "shard", uint(from.ID), "err", err)
	}
	return state
}
