package sharding

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
)

// A Handler receives events, see [Group] for what it may rely on.
type Handler = func(ctx context.Context, e Event) error

// A registration is a handler that was registered once.
type registration struct{ handler Handler }

// The handlers of a group, by kind of event. They are not changed, but replaced.
type handlers map[event.Type][]*registration

// On registers a handler for one kind of event, besides that of the
// configuration. Several handlers of one kind are called in the order in which
// they were registered. It may be called at any time, by a handler too. Remove
// takes the handler away again; one that runs, or is about to, is not waited for.
//
// Intents follow from the handlers that are registered before [Group.Run], see
// there. A handler that comes later adds none: if no intent of the sessions brings the
// event, the error is a [*LateHandlerError] and the handler is not registered. Before Run there is no error.
func (g *Group) On(name event.Type, handler Handler) (remove func(), err error) {
	if err := g.tooLate(name); err != nil {
		return func() {}, err
	}
	r := &registration{handler}
	g.changeHandlers(name, func(all []*registration) []*registration {
		return append(slices.Clone(all), r)
	})
	return func() {
		g.changeHandlers(name, func(all []*registration) []*registration {
			return slices.DeleteFunc(slices.Clone(all), func(other *registration) bool { return other == r })
		})
	}, nil
}

// Handle registers a handler that receives the data of one kind of event in a
// type of the caller's own, by encoding/json: any struct that has the fields of
// interest, those of other libraries too. See [Group.On] for the rest, and [HandleWith]
// for other decoders. Data that does not fit is an error, reported like those of the handler.
func Handle[T any](g *Group, name event.Type, f func(ctx context.Context, shard gateway.ShardID, v *T) error) (remove func(), err error) {
	return g.On(name, func(ctx context.Context, e Event) error {
		v, err := gateway.Decode[T](e.Data)
		if err != nil {
			return err
		}
		return f(ctx, e.Shard, &v)
	})
}

// changeHandlers replaces the handlers of one kind of event, and tells the
// shards what is wanted now.
func (g *Group) changeHandlers(name event.Type, change func([]*registration) []*registration) {
	g.registering.Lock()
	defer g.registering.Unlock()
	changed := maps.Clone(g.handlers())
	if changed == nil {
		changed = make(handlers)
	}
	if changed[name] = change(changed[name]); len(changed[name]) == 0 {
		delete(changed, name)
	}
	g.routes.Store(&changed)
	g.mu.Lock()
	generations := g.generations
	g.mu.Unlock()
	for _, gen := range generations {
		gen.want()
	}
}

func (g *Group) handlers() handlers {
	if h := g.routes.Load(); h != nil {
		return *h
	}
	return nil
}

// want tells the shards which events have a handler.
func (gen *generation) want() {
	wanted := gen.group.wanted()
	for _, m := range gen.all() {
		m.shard.Want(wanted)
	}
}

// wanted returns the events that have a handler, nil if all have.
func (g *Group) wanted() *event.Set {
	if g.config.Handler != nil {
		return nil
	}
	all := g.handlers()
	set := event.NewSet(slices.Collect(maps.Keys(all))...)
	if len(all[event.GuildCreate]) > 0 {
		set.Add(event.GuildDelete) // which guilds are news when they come
	}
	return &set
}

// call hands an event to its handlers. It returns the first error.
func (g *Group) call(ctx context.Context, e Event) (err error) {
	if g.config.Handler != nil {
		err = g.invoke(ctx, g.config.Handler, e)
	}
	for _, r := range g.handlers()[e.Name] {
		if failed := g.invoke(ctx, r.handler, e); err == nil {
			err = failed
		}
	}
	return err
}

// invoke calls one handler. A panic of it is reported, and is its error.
func (g *Group) invoke(ctx context.Context, handler Handler, e Event) (err error) {
	returned := false
	defer func() {
		if value := recover(); !returned {
			err = g.panicked(e, value)
		}
	}()
	err = handler(ctx, e)
	returned = true
	return err
}

// panicked reports a handler that did not return. Without a value it has called
// [runtime.Goexit].
func (g *Group) panicked(e Event, value any) error {
	if value == nil {
		value = gatewayshard.ErrHandlerExit
	}
	err := &gatewayshard.PanicError{Value: value, Stack: debug.Stack()}
	if e.member != nil {
		e.member.panics.Add(1)
	}
	if hook := g.config.Hooks.HandlerPanic; hook != nil {
		hook(e, err)
		return err
	}
	log := g.log
	if g.quiet {
		log = slog.Default() // a panic is never silent
	}
	log.Error("handler panicked", "shard", uint(e.Shard), "session", e.Session, "seq", e.Seq, "event", string(e.Name),
		"panic", fmt.Sprint(value), "stack", string(err.Stack))
	return err
}

// report tells about an error of a handler.
func (g *Group) report(e Event, err error) {
	var panicked *gatewayshard.PanicError
	if errors.As(err, &panicked) || err == gatewayshard.ErrHandlerExit {
		return // it was told
	}
	if hook := g.config.Hooks.HandlerError; hook != nil {
		hook(e, err)
		return
	}
	g.log.Error("handler failed", "shard", uint(e.Shard), "session", e.Session, "seq", e.Seq, "event", string(e.Name), "err", err)
}

// persist runs f until it returns: a handler that calls [runtime.Goexit] ends
// the goroutine, not its work.
func persist(all *sync.WaitGroup, f func()) {
	all.Go(func() {
		returned := false
		defer func() {
			if !returned {
				persist(all, f)
			}
		}()
		f()
		returned = true
	})
}
