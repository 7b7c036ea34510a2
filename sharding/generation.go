package sharding

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/sharding/internal/identify"
)

// A generation is the shards of a group that share a shard count.
type generation struct {
	group      *Group
	number     int
	first      uint
	total      uint
	members    []*member
	handlerCtx context.Context
	running    sync.WaitGroup
	failed     chan error    // the first one, while the generation is not the current one
	changed    chan struct{} // a shard has come up

	mu     sync.Mutex // guards lastUp
	lastUp time.Time  // when a shard came up
}

// newGeneration returns shards that do not run yet, those with a session to
// resume it.
func (g *Group) newGeneration(number int, p plan) (*generation, error) {
	gen := &generation{group: g, number: number, first: p.first, total: p.total, members: make([]*member, 0, p.count),
		failed: make(chan error, 1), changed: make(chan struct{}, 1)}
	for i := range p.count {
		id := gateway.ShardID(p.first + i)
		m, err := gen.newMember(id, p.sessions[id])
		if err != nil {
			return nil, err
		}
		gen.members = append(gen.members, m)
	}
	return gen, nil
}

// start runs the members until ctx ends, they are closed, or Discord refuses
// one of them. It returns [gatewayshard.ErrClosed] if the group is being closed.
func (gen *generation) start(ctx context.Context) error {
	g := gen.group
	g.registering.Lock()
	defer g.registering.Unlock()
	gen.want()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.finishing {
		return gatewayshard.ErrClosed
	}
	gen.handlerCtx = context.WithValue(gatewayshard.WithinHandler(ctx), insideHandler{}, g)
	g.generations = append(g.generations, gen)
	var turns []identify.Turn
	for _, m := range gen.members {
		if !m.hasSession() {
			turns = append(turns, m.turn())
		}
	}
	g.identify.join(turns, time.Now())
	for _, m := range gen.members {
		persist(&gen.running, func() {
			if err := m.run(ctx); err != nil && ctx.Err() == nil {
				g.fail(gen, err)
			}
		})
	}
	return nil
}

// up notes that a shard has started or resumed a session.
func (gen *generation) up() {
	gen.mu.Lock()
	gen.lastUp = time.Now()
	gen.mu.Unlock()
	select {
	case gen.changed <- struct{}{}:
	default:
	}
}

// upSince reports whether all shards are up, and how much of the overlap is
// left. A shard that has lost its session after it came up is not: what it
// misses is in no replay.
func (gen *generation) upSince(now time.Time) (wait time.Duration, up bool) {
	for _, m := range gen.members {
		if !m.hasSession() || m.shard.Stats().Phase != gatewayshard.Active {
			return 0, false
		}
	}
	gen.mu.Lock()
	defer gen.mu.Unlock()
	return gen.lastUp.Add(gen.group.config.Reshard.Overlap).Sub(now), true
}

// close closes all shards, and returns when they have been, or ctx ends.
func (gen *generation) close(ctx context.Context, mode gatewayshard.CloseMode) error {
	errs := make([]error, len(gen.members))
	var closing sync.WaitGroup
	for i, m := range gen.members {
		closing.Go(func() { errs[i] = m.shard.Close(ctx, mode) })
	}
	closing.Wait()
	return errors.Join(errs...)
}

// member returns the member of an id, nil if it is none of this generation.
func (gen *generation) member(id gateway.ShardID) *member {
	if i := uint(id) - gen.first; uint(id) >= gen.first && i < uint(len(gen.members)) {
		return gen.members[i]
	}
	return nil
}

// shard returns the shard of an id, nil if it is none of this generation.
func (gen *generation) shard(id gateway.ShardID) *gatewayshard.Shard {
	if m := gen.member(id); m != nil {
		return m.shard
	}
	return nil
}

// String returns a short description.
func (gen *generation) String() string {
	n := uint(len(gen.members))
	return fmt.Sprintf("sharding: shards %d to %d of %d", gen.first, gen.first+n-1, gen.total)
}
