package sharding

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/gatewayshard"
)

// Run starts the shards and returns when all have ended:
//
//   - ctx ended: the sessions are kept, and the cause of ctx returned;
//   - [Group.Close] was called: it returns nil;
//   - Discord refuses a shard for good: it returns an error that wraps a
//     [*gatewayshard.FatalError], which says what to change. The sessions of the other shards are kept;
//   - the group did not start: a [*SessionLimitError], a [*DiscoveryError], an
//     [*IntentError], an error of the store.
//
// Unless intents are named by an option, they are those of the events that have a
// handler of their own, from guilds and from direct messages. Privileged intents are not
// among them, nor is MESSAGE_CONTENT, without which most messages have no content.
//
// Handlers that still run are waited for. If the last save of the sessions
// failed, that is part of the error.
func (g *Group) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if err := g.beginRun(ctx, stop); err != nil {
		return err
	}
	defer close(g.ended)
	release := func() {}
	defer func() { release() }()
	p, err := g.prepare(ctx, &release)
	if err != nil {
		if g.isClosed() {
			return nil
		}
		return err
	}
	gen, err := g.newGeneration(0, p)
	if err != nil {
		return err
	}
	return g.supervise(ctx, gen, stop)
}

func (g *Group) beginRun(ctx context.Context, stop context.CancelCauseFunc) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.started {
		return ErrStarted
	}
	g.started, g.run, g.stop = true, ctx, stop
	return g.deriveIntents()
}

func (g *Group) isClosed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed
}

// supervise runs the generation until something ends the group.
func (g *Group) supervise(ctx context.Context, gen *generation, stop context.CancelCauseFunc) error {
	if err := g.saveFirst(ctx, gen); err != nil {
		return err
	}
	var result error
	if gen.start(ctx) == nil {
		g.mu.Lock()
		if g.unanswered {
			g.running.Go(func() { g.catchUp(ctx) })
		}
		g.mu.Unlock()
		keeping := g.startKeeper(ctx)
		watching := g.startWatch()
		if result = g.watch(ctx); result != nil {
			stop(result)
		}
		gen = g.finish()
		watching()
		keeping()
	}
	if err := g.saveLast(ctx, gen, result); err != nil {
		return errors.Join(result, err)
	}
	return result
}

// watch returns what ends the group, nil for Close.
func (g *Group) watch(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-g.closing:
			return nil
		case err := <-g.failures:
			if g.automatically(ctx, err) {
				g.log.Warn("discord wants more shards", "err", err)
				continue
			}
			g.log.Error("group stopped", "err", err)
			return err
		case err := <-g.hopeless:
			g.log.Error("group stopped", "err", err)
			return err
		case err := <-g.identify.limited:
			if g.config.StopAtSessionLimit {
				g.log.Error("group stopped", "err", err)
				return err
			}
			g.log.Warn("no session starts left, shards wait", "err", err, "until", err.ResetAt)
		}
	}
}

// fail reports a shard that Discord does not want. In the current generation
// that ends the group.
func (g *Group) fail(gen *generation, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	failed := g.failures
	if g.generations[0] != gen {
		failed = gen.failed
	}
	select {
	case failed <- fmt.Errorf("%v stopped: %w", gen, err):
	default:
	}
}

// failAgain reports a failure that was put aside.
func (g *Group) failAgain(err error) {
	select {
	case g.failures <- err:
	default:
	}
}

// giveUp ends the group.
func (g *Group) giveUp(err error) {
	select {
	case g.hopeless <- err:
	default:
	}
}

// finish waits for everything that runs, and returns the generation that was
// the current one.
func (g *Group) finish() *generation {
	g.mu.Lock()
	g.finishing = true
	generations := g.generations
	g.mu.Unlock()
	g.closers.Wait()
	for _, gen := range generations {
		gen.running.Wait()
	}
	g.running.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.generations[0]
}

// Close ends the group for good, and Run returns nil. With [gatewayshard.KeepSession] the
// next process resumes where the handlers are: events that wait in queues are
// left to it. With [gatewayshard.EndSession] the handlers get what was received, the bot goes
// offline, and stored sessions are deleted.
//
// Close returns when handlers have finished and sessions are saved, or the
// error that kept them from being saved. When ctx ends first, the context of
// the handlers ends too, and the cause is returned. If a handler still runs after 10 s it
// returns [gatewayshard.ErrHandlerRuns]; then the group ends when the handler does.
// With the context of a handler, or one of [gatewayshard.WithinHandler], Close does not
// wait. A second Close only waits.
func (g *Group) Close(ctx context.Context, mode gatewayshard.CloseMode) error {
	if !g.beginClose(ctx, mode) || g.inHandler(ctx) {
		return nil
	}
	patience := time.NewTicker(handlerPatience)
	defer patience.Stop()
	for ended := false; !ended; {
		select {
		case <-g.ended:
			ended = true
		case <-patience.C:
			if g.handling() {
				return fmt.Errorf("sharding: close: %w", gatewayshard.ErrHandlerRuns)
			}
		case <-ctx.Done():
			cause := fmt.Errorf("sharding: close: %w", context.Cause(ctx))
			g.mu.Lock()
			stop := g.stop
			g.mu.Unlock()
			stop(cause)
			return cause
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.saveErr
}

// insideHandler is the key of the group in the contexts of its handlers.
type insideHandler struct{}

// inHandler reports whether the context is that of a handler of the group, or
// marked by the caller.
func (g *Group) inHandler(ctx context.Context) bool {
	of := ctx.Value(insideHandler{})
	return of == g || of == nil && gatewayshard.InHandler(ctx)
}

// beginClose tells everybody. It reports whether there is something to wait for.
func (g *Group) beginClose(ctx context.Context, mode gatewayshard.CloseMode) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return g.started
	}
	g.closed, g.mode = true, mode
	if mode == gatewayshard.KeepSession {
		g.discard.Store(true)
	}
	close(g.closing)
	if g.finishing {
		return true
	}
	if g.inHandler(ctx) {
		ctx = context.WithoutCancel(ctx) // Close returns at once, and what it has begun goes on
	}
	for _, gen := range g.generations {
		g.closers.Go(func() { _ = gen.close(ctx, mode) })
	}
	return g.started
}

// tooFewShards reports whether err says that the stored sessions will never do.
func tooFewShards(err error) bool {
	var fatal *gatewayshard.FatalError
	return errors.As(err, &fatal) && fatal.Err.CloseCode == closecode.ShardingRequired
}
