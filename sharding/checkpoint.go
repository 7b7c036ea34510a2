package sharding

import (
	"context"
	"errors"
	"fmt"
	"github.com/discordpkg/gateway/gatewayshard"
	"slices"
	"time"
)

// checkpoint returns what the next process needs to continue.
func (gen *generation) checkpoint(open bool) Checkpoint {
	c := Checkpoint{Total: gen.total, Identified: gen.group.identify.lastIdentify(), Shards: make([]ShardCheckpoint, 0, len(gen.members))}
	for _, m := range gen.members {
		if s, ok := m.checkpoint(open); ok {
			c.Shards = append(c.Shards, s)
		}
	}
	return c
}

func (g *Group) load(ctx context.Context) (Checkpoint, error) {
	if g.config.Store == nil {
		return Checkpoint{}, nil
	}
	c, err := g.config.Store.Load(ctx, g.config.StoreKey)
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return Checkpoint{}, fmt.Errorf("sharding: load sessions: %w", err)
	}
	return c, nil
}

// save stores a checkpoint unless it says what the last one said.
func (g *Group) save(ctx context.Context, c Checkpoint) error {
	if g.config.Store == nil {
		return nil
	}
	g.mu.Lock()
	last, failed := g.saved, g.saveErr != nil
	g.mu.Unlock()
	if !failed && last.Total == c.Total && last.Identified.Equal(c.Identified) && slices.Equal(last.Shards, c.Shards) {
		return nil
	}
	begin := time.Now()
	c.Saved = begin
	err := g.config.Store.Save(ctx, g.config.StoreKey, c)
	if err != nil {
		err = fmt.Errorf("sharding: save sessions: %w", err)
	}
	g.mu.Lock()
	if g.saveErr = err; err == nil {
		g.saved = c
	}
	g.mu.Unlock()
	if hook := g.config.Hooks.Checkpoint; hook != nil {
		hook(time.Since(begin), err)
	}
	return err
}

// saveLast stores what the group leaves behind.
func (g *Group) saveLast(ctx context.Context, gen *generation, result error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finalSave)
	defer cancel()
	g.mu.Lock()
	ended := g.closed && g.mode == gatewayshard.EndSession
	g.mu.Unlock()
	if ended || tooFewShards(result) {
		return g.save(ctx, Checkpoint{Identified: g.identify.lastIdentify()})
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
		case <-ticker.C:
			g.measure()
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
	if err := g.save(ctx, generations[0].checkpoint(true)); err != nil && !errors.Is(err, context.Canceled) {
		g.log.Error("sessions were not saved, trying again", "err", err)
	}
}

// awaitSave returns when the present was saved, or could not be, or ctx ends.
func (g *Group) awaitSave(ctx context.Context) {
	if g.config.Store == nil {
		return
	}
	saved := make(chan struct{})
	g.mu.Lock()
	g.awaiting = append(g.awaiting, saved)
	g.mu.Unlock()
	g.touch()
	select {
	case <-saved:
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
