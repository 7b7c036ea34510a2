package sharding

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
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
	set        atomic.Pointer[[]*member] // in the order of their ids; replaced under the mutex of the group
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
	gen := &generation{group: g, number: number, first: p.first, total: p.total,
		failed: make(chan error, 1), changed: make(chan struct{}, 1)}
	members := make([]*member, 0, p.count)
	for i := range p.count {
		id := gateway.ShardID(p.first + i)
		m, err := gen.newMember(id, p.sessions[id])
		if err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	gen.set.Store(&members)
	return gen, nil
}

// all returns the shards, in the order of their ids. The slice is not changed.
func (gen *generation) all() []*member { return *gen.set.Load() }

// run starts a shard. The caller holds the mutex of the group.
func (gen *generation) run(ctx context.Context, m *member) {
	persist(&gen.running, func() {
		err := m.run(ctx)
		m.end.Do(func() { close(m.over) })
		if err != nil && ctx.Err() == nil {
			gen.group.fail(gen, err)
		}
	})
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
	for _, m := range gen.all() {
		if !m.hasSession() {
			turns = append(turns, m.turn())
		}
	}
	g.identify.join(turns, time.Now())
	for _, m := range gen.all() {
		gen.run(ctx, m)
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
	for _, m := range gen.all() {
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
	errs := make([]error, len(gen.all()))
	var closing sync.WaitGroup
	for i, m := range gen.all() {
		closing.Go(func() { errs[i] = m.shard.Close(ctx, mode) })
	}
	closing.Wait()
	return errors.Join(errs...)
}

// member returns the member of an id, nil if it is none of this generation.
func (gen *generation) member(id gateway.ShardID) *member {
	all := gen.all()
	i, found := slices.BinarySearchFunc(all, id, func(m *member, id gateway.ShardID) int { return int(m.id) - int(id) })
	if !found {
		return nil
	}
	return all[i]
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
	all := gen.all()
	n := len(all)
	if n == 0 {
		return fmt.Sprintf("sharding: no shards of %d", gen.total)
	}
	first, last := all[0].id, all[n-1].id
	if int(last-first) != n-1 {
		return fmt.Sprintf("sharding: %d shards from %d to %d of %d", n, first, last, gen.total)
	}
	return fmt.Sprintf("sharding: shards %d to %d of %d", first, last, gen.total)
}
