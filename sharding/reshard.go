package sharding

import (
	"context"
	"errors"
	"fmt"
	"github.com/discordpkg/gateway/gatewayshard"
	"time"
)

// A ReshardConfig says how a group changes its shard count, see [Group.Reshard].
type ReshardConfig struct {
	// Automatic reshards to the count that Discord recommends when it closes a
	// shard because there are too few of them (4011). Otherwise that stops the group.
	Automatic bool

	// Overlap is how long both generations of shards receive events before the
	// new one takes over, 10 s by default: longer than one of them may be
	// behind the other.
	Overlap time.Duration

	// Hold is the number of events that a new shard keeps until it takes over,
	// 10,000 by default. They are those that the old generation has not
	// delivered yet. A shard that holds so many stops reading.
	Hold int
}

const (
	defaultOverlap = 10 * time.Second
	defaultHold    = 10_000
)

func (c *ReshardConfig) setDefaults() error {
	if c.Overlap < 0 || c.Hold < 0 {
		return errors.New("sharding: overlap and hold must not be negative")
	}
	if c.Overlap == 0 {
		c.Overlap = defaultOverlap
	}
	if c.Hold == 0 {
		c.Hold = defaultHold
	}
	return nil
}

// Reshard changes the shard count of a running group without a gap in its
// events, and returns when that is done. Zero asks Discord for the count.
//
// A second generation of shards comes up beside the first, as fast as the
// identify limit allows; meanwhile the first goes on delivering events. When
// every new shard has been up for the Overlap, the old ones are closed. When
// the last of their handlers has returned, the new ones take over: they deliver
// what they have received and the old ones did not deliver. Until then handlers
// see events of the old shards only, from then on of the new ones only, which
// [Event.Total] tells; the events of a guild stay in order.
//
// Two events are taken for the same if they have the same name and the same
// data, byte for byte. The new shards' READY is delivered when they take over; the
// GUILD_CREATE of the guilds that it lists are not, as they say nothing new.
//
// When ctx ends before the old shards are closed, or Discord refuses a new one,
// the new ones are given up, and the group goes on as before. With a [Store], a crash
// at any time leaves sessions of one generation that can be resumed. A
// [SessionLimitError] reports that there are not enough session starts left.
//
// With the context of a handler Reshard returns [gatewayshard.ErrInHandler]. When ctx
// ends later, or a handler of the old shards has not returned after 10 s ([gatewayshard.ErrHandlerRuns]),
// it returns an error that says so, and the hand-over goes on: it waits for the last handler.
func (g *Group) Reshard(ctx context.Context, total uint) error {
	if err := g.beginReshard(ctx); err != nil {
		return err
	}
	old, h, err := g.prepareReshard(ctx, total)
	if err != nil || h == nil {
		g.endReshard()
		return err
	}
	// The old shards wait for their handlers, which may wait for this call.
	done := make(chan error, 1)
	go func() {
		defer g.endReshard() // Run waits for it
		defer g.changeover.CompareAndSwap(h, nil)
		done <- g.takeOver(h)
	}()
	return awaitTakeOver(ctx, old, done)
}

// awaitTakeOver waits for the end of a hand-over, which goes on without it.
func awaitTakeOver(ctx context.Context, old *generation, done <-chan error) error {
	patience := time.NewTicker(handlerPatience)
	defer patience.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-patience.C:
			if old.handling() {
				return fmt.Errorf("sharding: reshard: the new shards take over when the last handler of the old ones returns: %w",
					gatewayshard.ErrHandlerRuns)
			}
		case <-ctx.Done():
			return fmt.Errorf("sharding: reshard: handing over: %w", context.Cause(ctx))
		}
	}
}

// prepareReshard brings the next generation up. It returns nil if there is nothing to change.
func (g *Group) prepareReshard(ctx context.Context, total uint) (old *generation, h *changeover, err error) {
	p, err := g.planReshard(ctx, total)
	if err != nil {
		return nil, nil, err
	}
	g.mu.Lock()
	old, run := g.generations[0], g.run
	g.mu.Unlock()
	if old.total == p.total {
		return old, nil, nil
	}
	next, err := g.newGeneration(old.number+1, p)
	if err != nil {
		return old, nil, err
	}
	g.log.Info("resharding", "from", old.total, "to", next.total)
	if h, err = newChangeover(old, next, g.config.Reshard); err != nil {
		return old, nil, err
	}
	g.changeover.Store(h)
	if err = next.start(run); err == nil {
		if err = next.overlap(ctx, run); err == nil {
			return old, h, nil
		}
		h.abort()
		_ = next.close(run, gatewayshard.EndSession)
		next.running.Wait()
		g.remove(next)
		err = fmt.Errorf("sharding: reshard from %d to %d: %w", old.total, next.total, err)
	}
	g.changeover.CompareAndSwap(h, nil)
	return old, nil, err
}

// beginReshard admits one reshard at a time, which Run waits for.
func (g *Group) beginReshard(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.inHandler(ctx):
		return gatewayshard.ErrInHandler
	case len(g.generations) == 0 || g.closed || g.finishing:
		return ErrNotRunning
	case g.config.First > 0 || g.config.Count > 0 || g.config.StartEmpty || g.partial:
		return ErrPartialGroup
	case !g.resharding.CompareAndSwap(false, true):
		return ErrResharding
	}
	g.running.Add(1)
	return nil
}

func (g *Group) endReshard() {
	g.mu.Lock()
	g.resharding.Store(false)
	refused := g.refused
	g.refused = tooFew{}
	again := refused.err != nil && g.generations[0] == refused.gen
	g.mu.Unlock()
	if again {
		g.failAgain(refused.err)
	}
	g.running.Done()
}

// TooFew is a shard that Discord refused for want of others.
type tooFew struct {
	gen *generation
	err error
}

// postpone leaves a refusal to the reshard that is under way, whose success
// settles it. It reports false when there is none.
func (g *Group) postpone(err error) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.resharding.Load() {
		return false
	}
	g.refused = tooFew{g.generations[0], err}
	return true
}

// planReshard asks Discord, if it is to choose the count, or if its limits are to
// be kept.
func (g *Group) planReshard(ctx context.Context, total uint) (plan, error) {
	if total > maxShards {
		return plan{}, fmt.Errorf("sharding: more than %d shards", maxShards)
	}
	if g.asked() || total == 0 {
		bot, err := g.config.Discovery.GatewayBot(ctx, g.token())
		if err != nil {
			return plan{}, &askError{err}
		}
		if total == 0 {
			total = bot.Shards
		}
		if g.config.MaxConcurrency == 0 {
			if err := g.identify.setBuckets(bot.Limit.MaxConcurrency); err != nil {
				return plan{}, err
			}
		}
		g.learnStarts(bot.Limit, time.Now())
		if err := g.identify.limitStarts(bot.Limit, g.config.ReservedStarts, int(total), time.Now()); err != nil {
			return plan{}, err
		}
	}
	return plan{total: total, count: total}, nil
}

// An askError is an error of a Discovery, as such.
type askError struct{ error }

func (e *askError) Unwrap() error { return e.error }

func isDiscovery(err error) bool {
	var ask *askError
	return errors.As(err, &ask)
}

// overlap returns when every shard has been up for long enough.
func (gen *generation) overlap(ctx, run context.Context) error {
	g := gen.group
	for {
		var enough <-chan time.Time
		if wait, up := gen.upSince(time.Now()); up {
			if wait <= 0 {
				return nil
			}
			enough = time.After(wait)
		}
		select {
		case <-enough:
		case <-gen.changed:
		case err := <-gen.failed:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-run.Done():
			return context.Cause(run)
		case <-g.closing:
			return gatewayshard.ErrClosed
		}
	}
}

// takeOver makes the next generation the current one.
func (g *Group) takeOver(h *changeover) error {
	g.mu.Lock()
	run := g.run
	g.mu.Unlock()
	// The sessions are kept until those of the next generation are stored.
	_ = h.old.close(run, gatewayshard.KeepSession)
	h.old.running.Wait()
	if g.isClosed() || run.Err() != nil {
		// All shards end. What these hold is replayed to the successor of the others.
		h.abort()
		h.next.running.Wait()
		return gatewayshard.ErrClosed
	}
	g.remove(h.old)
	select {
	case err := <-h.next.failed: // since the overlap has ended
		g.failAgain(err)
	default:
	}
	g.touch()
	g.awaitSave(run, g.config.StoreTimeout)
	h.release()
	g.log.Info("resharded", "from", h.old.total, "to", h.next.total)
	// A shard may still be behind with what its predecessor has delivered.
	timer := time.NewTimer(g.config.Reshard.Overlap)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-run.Done():
	case <-g.closing:
	}
	return nil
}

// total returns the shard count of the current generation.
func (g *Group) total() uint {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.generations[0].total
}

// remove takes a generation that does not run any more from the list.
func (g *Group) remove(gen *generation) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var rest []*generation
	for _, other := range g.generations {
		if other != gen {
			rest = append(rest, other)
		}
	}
	if len(rest) > 0 {
		g.generations = rest
		close(g.moved)
		g.moved = make(chan struct{})
	}
}

// reshardWhenAnswered is Reshard to the recommended count, however long the API
// does not say what that is: the shards that Discord has not refused go on.
func (g *Group) reshardWhenAnswered(run context.Context) error {
	ctx, stop := g.untilClosed(run)
	defer stop()
	for {
		err := g.Reshard(run, 0)
		if !isDiscovery(err) || !passes(err) {
			return err
		}
		g.log.Warn("discord wants more shards, and its api does not answer", "err", err)
		if err := sleep(ctx, outageMaxPause); err != nil {
			return err
		}
	}
}

// automatically reshards because of a failure. It reports whether it does.
func (g *Group) automatically(run context.Context, failed error) bool {
	if !g.config.Reshard.Automatic || !tooFewShards(failed) {
		return false
	}
	if g.postpone(failed) {
		return true
	}
	g.running.Go(func() {
		before := g.total()
		err := g.reshardWhenAnswered(run)
		switch {
		case run.Err() != nil || g.isClosed():
		case errors.Is(err, ErrResharding):
			if !g.postpone(failed) {
				g.failAgain(failed)
			}
		case err != nil:
			g.giveUp(errors.Join(failed, err))
		case g.total() <= before:
			g.giveUp(fmt.Errorf("discord recommends no more than %d shards: %w", before, failed))
		}
	})
	return true
}
