package sharding

import (
	"context"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
)

// An Event is one dispatch of one shard of a [Group].
type Event struct {
	Shard gateway.ShardID
	Total uint // the shard count of the session: it changes when the group is resharded
	Name  event.Type

	// Seq numbers the events of a session. It grows, with gaps where events
	// were not wanted.
	Seq int64

	// Session is the id of the session.
	Session string

	// Replay reports that a handler of a former process may have seen the
	// event before: see [Group].
	Replay bool

	// Data is valid until the handler returns. [Event.Clone] copies it.
	Data gateway.RawMessage

	member *member
}

// Clone returns a copy of e whose data is valid for ever.
func (e Event) Clone() Event {
	e.Data = append(gateway.RawMessage(nil), e.Data...)
	return e
}

// Acknowledge says that this event and all events of the session before it
// were dealt with: they are not replayed to the next process. It is for groups
// with Config.ManualAcknowledge; in others it is done when the handler returns. It may
// be called from anywhere and at any time. For a session that is over it does nothing.
func (e Event) Acknowledge() {
	if e.member != nil {
		e.member.acknowledge(e.Session, e.Seq)
	}
}

// On registers a handler for one kind of event, besides that of the
// configuration. Several handlers of one kind are called in the order in which
// they were registered. On panics after [Group.Run] was called.
func (g *Group) On(name event.Type, handler func(ctx context.Context, e Event) error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.started {
		panic("sharding: handler registered after the group was started")
	}
	g.routes[name] = append(g.routes[name], handler)
}

// Handle registers a handler that receives the data of one kind of event in a
// type of the caller's own, by encoding/json: any struct that has the fields of
// interest, those of other libraries too. See [Group.On] for the rest. Data
// that does not fit is an error, reported like those of the handler.
//
// Intents follow from the handlers, unless an option names some: see [Group.Run].
func Handle[T any](g *Group, name event.Type, f func(ctx context.Context, shard gateway.ShardID, v *T) error) {
	g.On(name, func(ctx context.Context, e Event) error {
		v, err := gateway.Decode[T](e.Data)
		if err != nil {
			return err
		}
		return f(ctx, e.Shard, &v)
	})
}

// call hands an event to its handlers. It returns the first error.
func (g *Group) call(ctx context.Context, e Event) (err error) {
	if g.config.Handler != nil {
		err = g.config.Handler(ctx, e)
	}
	for _, handler := range g.routes[e.Name] {
		if failed := handler(ctx, e); err == nil {
			err = failed
		}
	}
	return err
}

// wanted returns the option that keeps events from being decoded which no
// handler wants.
func (g *Group) wanted() []gateway.Option {
	if g.config.Handler != nil {
		return nil
	}
	names := make([]event.Type, 0, len(g.routes))
	for name := range g.routes {
		names = append(names, name)
	}
	if len(g.routes[event.GuildCreate]) > 0 {
		names = append(names, event.GuildDelete) // which guilds are news when they come
	}
	return []gateway.Option{gateway.WithEvents(names...)}
}

// report tells about an error of a handler.
func (g *Group) report(e Event, err error) {
	if hook := g.config.Hooks.HandlerError; hook != nil {
		hook(e, err)
		return
	}
	g.log.Error("handler failed", "shard", uint(e.Shard), "session", e.Session, "seq", e.Seq, "event", string(e.Name), "err", err)
}
