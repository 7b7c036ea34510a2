package sharding

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"github.com/discordpkg/gateway/gatewayshard"
	"slices"
	"time"
)

// Checkpoint returns the progress vector of the group: for each shard that has
// a session what it would be resumed with, and the sequence number up to which
// everything was dealt with. It is what the next save will store, as a value,
// and does not wait for anything. It is zero before Run has started the shards.
func (g *Group) Checkpoint() Checkpoint {
	g.mu.Lock()
	generations := g.generations
	g.mu.Unlock()
	if len(generations) == 0 {
		return Checkpoint{}
	}
	return generations[0].checkpoint(true)
}

// checkpoint returns what the next process needs to continue.
func (gen *generation) checkpoint(open bool) Checkpoint {
	url, buckets := gen.group.what()
	c := Checkpoint{Total: gen.total, User: gen.group.UserID(), Identified: gen.group.identify.lastIdentify(), URL: url, MaxConcurrency: buckets, Budget: gen.group.budgetState(), Shards: make([]ShardCheckpoint, 0, len(gen.all()))}
	for _, m := range gen.all() {
		if s, ok := m.checkpoint(open); ok {
			c.Shards = append(c.Shards, s)
		}
	}
	c.Deaths = gen.deaths(len(c.Shards), open)
	return c
}

// acknowledge tells the shards what was saved. Not before: heartbeats may name
// what is acknowledged, and Discord forgets what they name.
func (gen *generation) acknowledge(c Checkpoint) {
	for _, s := range c.Shards {
		if m := gen.member(s.ID); m != nil {
			m.shard.AcknowledgeSession(s.Session.ID, s.Session.Seq)
		}
	}
}

// exact reports whether the store always knows how far handlers are.
func (g *Group) exact() bool {
	_, ok := g.config.Store.(ExactStore)
	return ok
}

func (g *Group) load(ctx context.Context) (c Checkpoint, err error) {
	if g.config.Store == nil {
		return Checkpoint{}, nil
	}
	loaded := make(chan Checkpoint, 1) // what comes too late is not looked at
	err = g.calls.do(ctx, func(ctx context.Context) error {
		c, err := g.config.Store.Load(ctx, g.config.StoreKey)
		loaded <- c
		return err
	})
	if err == nil {
		c = <-loaded
		err = c.check()
	}
	if err == nil && c.URL != "" {
		if refused := g.config.Discovery.judge(c.URL); refused != nil {
			g.log.Warn("stored gateway url is not used", "err", refused)
			c.URL = ""
		}
	}
	if err != nil {
		return Checkpoint{}, fmt.Errorf("sharding: load sessions: %w", err)
	}
	g.user.CompareAndSwap(0, uint64(c.User))
	return c, nil
}

// lock makes the sessions the group's own. Only another owner is an error: a
// disk that is full, say, must not keep a bot down that could resume.
func (g *Group) lock(ctx context.Context) (release func(), err error) {
	store, ok := g.config.Store.(LockingStore)
	if !ok {
		return func() {}, nil
	}
	unlock, err := store.Lock(ctx, g.config.StoreKey)
	switch {
	case err == nil:
	case errors.Is(err, ErrStoreLocked), ctx.Err() != nil:
		return nil, err
	default:
		g.log.Error("stored sessions could not be locked, going on", "err", err)
		return func() {}, nil
	}
	return func() {
		// A save that hangs might overwrite those of the next owner.
		if !g.calls.idle() {
			g.log.Error("stored sessions stay locked, the store is still busy")
		} else if err := unlock(); err != nil {
			g.log.Error("stored sessions could not be released", "err", err)
		}
	}, nil
}

// save stores a checkpoint unless it says what the last one said.
func (g *Group) save(ctx context.Context, c Checkpoint) error {
	switch {
	case g.config.Store == nil:
		return nil
	case g.fenced.Load():
		return ErrFenced
	}
	g.mu.Lock()
	last, failed := g.saved, g.saveErr != nil
	g.mu.Unlock()
	if !failed && !last.Saved.IsZero() && last.Total == c.Total && last.User == c.User && last.Deaths == c.Deaths && last.Identified.Equal(c.Identified) &&
		last.URL == c.URL && bytes.Equal(last.Budget, c.Budget) && last.MaxConcurrency == c.MaxConcurrency && slices.EqualFunc(last.Shards, c.Shards, ShardCheckpoint.equal) {
		return nil
	}
	begin := time.Now()
	c.Saved = begin
	err := g.calls.do(ctx, func(ctx context.Context) error { return g.config.Store.Save(ctx, g.config.StoreKey, c) })
	if err != nil {
		err = fmt.Errorf("sharding: save sessions: %w", err)
	}
	g.noteSave(c, err)
	if hook := g.config.Hooks.Checkpoint; hook != nil {
		hook(time.Since(begin), err)
	}
	return err
}

func (g *Group) noteSave(c Checkpoint, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.saveErr = err
	switch {
	case err == nil:
		g.saved = c
		return
	case errors.Is(err, ErrFenced):
		g.fenced.Store(true)
		g.giveUp(err)
	}
	g.saveFailed++
}

// saveFirst stores what the group begins with. Before the first event: from now
// on it is not known what handlers have seen.
func (g *Group) saveFirst(ctx context.Context, gen *generation) error {
	err := g.save(ctx, gen.checkpoint(true))
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, ErrFenced), g.exact():
		return err
	}
	g.log.Error("sessions were not saved, going on without", "err", err)
	return nil
}

// saveLast stores what the group leaves behind.
func (g *Group) saveLast(ctx context.Context, gen *generation, result error) error {
	if g.fenced.Load() {
		return nil // result says so
	}
	ctx = context.WithoutCancel(ctx)
	g.mu.Lock()
	ended := g.closed && g.mode == gatewayshard.EndSession
	g.mu.Unlock()
	if ended || tooFewShards(result) {
		return g.save(ctx, Checkpoint{Identified: g.identify.lastIdentify(), Budget: g.budgetState()})
	}
	return g.save(ctx, gen.checkpoint(false))
}

// settle is how long a changed session waits for others, to be saved together.
const settle = 50 * time.Millisecond

// startKeeper saves the sessions now and then. It returns a function that ends that.
func (g *Group) startKeeper(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.keep(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

func (g *Group) keep(ctx context.Context) {
	ticker := time.NewTicker(g.config.CheckpointInterval)
	defer ticker.Stop()
	var soon <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-g.dirty:
			if soon == nil {
				soon = time.After(settle)
			}
			continue
		case <-soon:
			soon = nil
		case <-g.urgent:
		case <-ticker.C:
			g.measure()
			g.eachMember((*member).outlived)
		}
		g.checkpointNow(ctx)
	}
}

// checkpointNow saves the sessions of a group that runs.
func (g *Group) checkpointNow(ctx context.Context) {
	g.mu.Lock()
	generations, waiting := g.generations, g.awaiting
	g.awaiting = nil
	g.mu.Unlock()
	defer func() {
		for _, w := range waiting {
			close(w)
		}
	}()
	if len(generations) == 0 {
		return
	}
	c := generations[0].checkpoint(true)
	err := g.save(ctx, c)
	switch {
	case err == nil:
		generations[0].acknowledge(c)
	case !errors.Is(err, context.Canceled) && !errors.Is(err, ErrFenced):
		g.log.Error("sessions were not saved, trying again", "err", err)
	}
}

// awaitSave returns when the present was saved, or could not be, or ctx ends.
// It does not wait for a store that fails: that costs no event, at most its mark
// as a replay.
func (g *Group) awaitSave(ctx context.Context, patience time.Duration) {
	g.awaitSaveBy(ctx, patience, g.dirty)
}

// awaitSaveBy is awaitSave with the signal for the keeper.
func (g *Group) awaitSaveBy(ctx context.Context, patience time.Duration, signal chan<- struct{}) {
	if g.config.Store == nil {
		return
	}
	saved := make(chan struct{})
	g.mu.Lock()
	failing := g.saveErr != nil
	if !failing {
		g.awaiting = append(g.awaiting, saved)
	}
	g.mu.Unlock()
	select {
	case signal <- struct{}{}:
	default:
	}
	if failing {
		return
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-saved:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// touch makes the keeper save soon.
func (g *Group) touch() {
	select {
	case g.dirty <- struct{}{}:
	default:
	}
}
