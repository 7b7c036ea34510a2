package sharding

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/sharding/internal/identify"
)

// Claim makes a running group run one more shard of its shard count. From is
// what another group had of it ([Group.Release], or a checkpoint): its session is
// resumed. Without one (nil) the shard identifies, in order with the others. With
// an [ExactStore] the store has the claim before anything is dialed.
//
// The error is [ErrNotRunning], [ErrResharding], [ErrClaimed], that of the store,
// or one that says what is wrong with from. A group on which Claim, Release or
// Drop was called cannot be resharded: [ErrPartialGroup].
func (g *Group) Claim(ctx context.Context, shard gateway.ShardID, from *ShardCheckpoint) error {
	g.registering.Lock()
	defer g.registering.Unlock()
	gen, err := g.setOfShards()
	if err != nil {
		return err
	}
	if err := gen.judgeClaim(shard, from); err != nil {
		return err
	}
	m, err := gen.newMember(shard, from)
	if err != nil {
		return err
	}
	m.shard.Want(g.wanted())
	if err := g.addMember(gen, m); err != nil {
		return err
	}
	if g.exact() {
		if err := g.save(ctx, gen.checkpoint(true)); err != nil {
			g.removeMember(gen, m)
			return err
		}
	}
	return g.runClaimed(gen, m)
}

// setOfShards returns the generation whose shards may be changed.
func (g *Group) setOfShards() (*generation, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case len(g.generations) == 0 || g.closed || g.finishing:
		return nil, ErrNotRunning
	case g.resharding.Load():
		return nil, ErrResharding
	}
	g.partial = true
	return g.generations[0], nil
}

func (gen *generation) judgeClaim(shard gateway.ShardID, from *ShardCheckpoint) error {
	if uint(shard) >= gen.total {
		return fmt.Errorf("sharding: claim: shard %d is not below the total of %d", shard, gen.total)
	}
	if from == nil {
		return nil
	}
	c := Checkpoint{Total: gen.total, Shards: []ShardCheckpoint{*from}}
	if err := c.check(); err != nil {
		return fmt.Errorf("sharding: claim: %w", err)
	}
	if from.ID != shard {
		return fmt.Errorf("sharding: claim: shard %d with the session of shard %d", shard, from.ID)
	}
	return nil
}

// addMember adds a shard that does not run yet.
func (g *Group) addMember(gen *generation, m *member) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.closed || g.finishing || g.generations[0] != gen:
		return ErrNotRunning
	case gen.member(m.id) != nil:
		return ErrClaimed
	}
	all := append(slices.Clone(gen.all()), m)
	slices.SortFunc(all, func(a, b *member) int { return int(a.id) - int(b.id) })
	gen.set.Store(&all)
	return nil
}

func (g *Group) removeMember(gen *generation, m *member) {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := slices.DeleteFunc(slices.Clone(gen.all()), func(other *member) bool { return other == m })
	gen.set.Store(&all)
}

func (g *Group) runClaimed(gen *generation, m *member) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.finishing {
		return ErrNotRunning
	}
	if !m.hasSession() {
		g.identify.join([]identify.Turn{m.turn()}, time.Now())
	}
	gen.run(g.run, m)
	g.touch()
	return nil
}

// Release ends the connection of a shard, keeps its session, and returns it for
// another group to [Group.Claim]: up to the last event that handlers have finished.
// What waits in a queue is left to the next owner. Release waits for a handler
// that runs, but not longer than for ctx; then the shard is closed and still the
// group's, until Release is called again, or [Group.Drop]. A shard without a
// session returns a checkpoint without one. From within a handler the error is
// [gatewayshard.ErrInHandler], for a shard that the group does not run [ErrNoShard].
func (g *Group) Release(ctx context.Context, shard gateway.ShardID) (ShardCheckpoint, error) {
	if ctx.Value(insideHandler{}) == g {
		return ShardCheckpoint{}, gatewayshard.ErrInHandler
	}
	gen, err := g.setOfShards()
	if err != nil {
		return ShardCheckpoint{}, err
	}
	m := gen.member(shard)
	if m == nil {
		return ShardCheckpoint{}, ErrNoShard
	}
	m.leaving.Store(true)
	err = m.shard.Close(ctx, gatewayshard.KeepSession)
	if err == nil {
		select {
		case <-m.over:
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	if err != nil {
		return ShardCheckpoint{}, fmt.Errorf("sharding: release shard %d: %w", shard, err)
	}
	c, ok := m.checkpoint(false)
	if !ok {
		c = ShardCheckpoint{ID: shard}
	}
	g.removeMember(gen, m)
	g.touch()
	return c, nil
}

// Drop ends the connection of a shard at once, and waits for nothing: not for a
// handler that runs, nor for a save. The session is not ended, so that a new
// owner can resume it. What the handler acknowledges from now on is not the
// group's any more. The error is [ErrNotRunning], [ErrResharding] or [ErrNoShard].
func (g *Group) Drop(shard gateway.ShardID) error {
	gen, err := g.setOfShards()
	if err != nil {
		return err
	}
	m := gen.member(shard)
	if m == nil {
		return ErrNoShard
	}
	m.leaving.Store(true)
	m.gone.Store(true)
	g.removeMember(gen, m)
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // the connection is cut
	_ = m.shard.Close(ctx, gatewayshard.KeepSession)
	g.touch()
	return nil
}
