package sharding

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
)

// A Filter selects the event that [Group.Await] waits for. The zero Filter takes
// the next event of any shard.
type Filter struct {
	// Events are the kinds of events to look at, empty: all that the options
	// let through.
	Events []event.Type

	// Shards are those to look at, empty: all. A handler that waits for an
	// event of its own guild names its shard, [Event.Shard]: then no other one has to read on.
	Shards []gateway.ShardID

	// Match looks at an event of these, nil: each one will do. It must be
	// quick, as a shard waits for it. Data is valid until it returns, Replay is not known yet. It
	// may be called concurrently, and after the call has ended.
	Match func(e Event) bool
}

// Await waits for an event of the group's shards, and returns a copy of it. The
// handlers get the event as well, if they want it.
//
// It may be called from anywhere, in particular by a handler or in the body of
// the loop over [Group.Events], on any goroutine and with any context: meanwhile
// the shards go on reading, past a full [Queue] too, into a buffer of 1,024
// events or 8 MiB for each, and deliver what came, in order, when their handlers
// return. What was not handed to a handler before Await was called counts as
// later, what waits in a Queue too, unless another Await has returned it.
//
// It ends with an error when ctx ends; at once with [gatewayshard.ErrFiltered]
// if the options filter the event out, and with [ErrNotRunning] if the group does not run, or not any more; with
// [gatewayshard.ErrBufferFull] when the buffer of one of the shards is full and its handler does
// not return; and with why a connection ended if it ends while a handler of its shard
// runs: that could be the one that waits.
func (g *Group) Await(ctx context.Context, filter Filter) (Event, error) {
	if err := context.Cause(ctx); err != nil {
		return Event{}, fmt.Errorf("sharding: await: %w", err)
	}
	w := &waiter{filter: filter, events: event.NewSet(filter.Events...), queued: make(chan Event, 1)}
	g.waiters.add(w)
	defer g.waiters.remove(w)
	for {
		gen, moved := g.current()
		if gen == nil {
			return Event{}, ErrNotRunning
		}
		e, again, err := g.awaitOf(ctx, w, gen, moved)
		if !again {
			return e, err
		}
	}
}

// current returns the generation whose events are delivered, nil if the group
// does not run, and a channel that is closed when that changes.
func (g *Group) current() (*generation, <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.generations) == 0 || g.closed {
		return nil, nil
	}
	return g.generations[0], g.moved
}

// awaitOf waits for an event of one generation. It reports again when that is not
// the current one any more.
func (g *Group) awaitOf(ctx context.Context, w *waiter, gen *generation, moved <-chan struct{}) (e Event, again bool, err error) {
	if e, ok := w.findEarlier(gen); ok {
		return e, false, nil
	}
	read := make(chan gatewayshard.Awaited, len(gen.all()))
	stop, err := w.join(gen, read)
	if err != nil {
		stop()
		return Event{}, false, err
	}
	e, again, err = g.awaitResult(ctx, w, gen, read, moved)
	stop()
	return w.first(e, err == nil && !again, gen, read), again, err
}

// awaitResult waits for the first result.
func (g *Group) awaitResult(ctx context.Context, w *waiter, gen *generation, read <-chan gatewayshard.Awaited, moved <-chan struct{}) (Event, bool, error) {
	for {
		select {
		case e := <-w.queued:
			return e, false, nil
		case a := <-read:
			switch {
			case errors.Is(a.Err, gatewayshard.ErrClosed):
				continue // the others may go on
			case a.Err != nil:
				return Event{}, false, fmt.Errorf("sharding: await: shard %d: %w", a.Shard, a.Err)
			}
			return gen.member(a.Shard).event(a.Payload), false, nil
		case <-moved:
			return Event{}, true, nil
		case <-g.closing:
			return Event{}, false, ErrNotRunning
		case <-g.ended:
			return Event{}, false, ErrNotRunning
		case <-ctx.Done():
			return Event{}, false, fmt.Errorf("sharding: await: %w", context.Cause(ctx))
		}
	}
}

// first returns, of the event that arrived first and those of its shard that arrived
// as well, the one that comes first in the session. The others are still to come for the next Await.
func (w *waiter) first(e Event, arrived bool, gen *generation, read <-chan gatewayshard.Awaited) Event {
	var rest []Event
	for more := true; more; {
		select {
		case other := <-w.queued:
			rest = append(rest, other)
		case a := <-read:
			if a.Payload != nil {
				rest = append(rest, gen.member(a.Shard).event(a.Payload))
			}
		default:
			more = false
		}
	}
	for i, other := range rest {
		if arrived && other.member == e.member && other.Seq < e.Seq {
			rest[i], e = e, other
		}
	}
	if arrived {
		e.member.take(e.Seq)
	}
	for _, other := range rest {
		if !arrived || other.member != e.member || other.Seq != e.Seq {
			other.member.giveBack(other)
		}
	}
	return e
}

// A waiter is an Await that waits.
type waiter struct {
	filter Filter
	events event.Set
	queued chan Event // one element: found on its way into a queue
}

func (w *waiter) looksAt(m *member) bool {
	return len(w.filter.Shards) == 0 || slices.Contains(w.filter.Shards, m.id)
}

// accepts reports whether the event is the one.
func (w *waiter) accepts(e Event) bool {
	return (len(w.filter.Events) == 0 || w.events.Has(e.Name)) && (w.filter.Match == nil || w.filter.Match(e))
}

// findEarlier looks for the event among those that were read and not handed to a handler.
func (w *waiter) findEarlier(gen *generation) (Event, bool) {
	for _, m := range gen.all() {
		if !w.looksAt(m) {
			continue
		}
		if e, ok := m.find(w); ok {
			return e, true
		}
	}
	return Event{}, false
}

// join makes the shards of a generation look for the event. Stop is never nil.
func (w *waiter) join(gen *generation, read chan<- gatewayshard.Awaited) (stop func(), err error) {
	var stops []func()
	stop = func() {
		for _, stop := range stops {
			stop()
		}
	}
	for _, m := range gen.all() {
		if !w.looksAt(m) {
			continue
		}
		filter := gatewayshard.Filter{Events: w.filter.Events, Current: m.queue != nil, Match: func(p *gateway.GatewayPayload) bool {
			return m.isLater(p.Seq) && (w.filter.Match == nil || w.filter.Match(m.event(p)))
		}}
		leave, err := m.shard.AwaitInto(filter, read)
		switch {
		case errors.Is(err, gatewayshard.ErrClosed):
		case err != nil:
			return stop, err
		default:
			stops = append(stops, leave)
		}
	}
	if len(stops) == 0 {
		return stop, ErrNoShard
	}
	return stop, nil
}

// event returns a payload as an event.
func (m *member) event(p *gateway.GatewayPayload) Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Event{
		Shard: m.id, Total: m.gen.total, Name: p.EventName, Seq: p.Seq, Session: m.progress.Session(), Data: p.Data, member: m,
	}
}

// Waiters are the calls of a group that wait for an event. They are shown what a
// queue gets: it may have been read before they came.
type waiters struct {
	n   atomic.Int32
	mu  sync.Mutex // guards all
	all []*waiter
}

func (w *waiters) add(one *waiter) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, one)
	w.n.Add(1)
}

func (w *waiters) remove(one *waiter) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i := slices.Index(w.all, one); i >= 0 {
		w.all = slices.Delete(w.all, i, i+1)
		w.n.Add(-1)
	}
}

// offer shows an event that has been put into the queue of m.
func (w *waiters) offer(m *member, e Event) {
	if w.n.Load() == 0 {
		return
	}
	w.mu.Lock()
	all := slices.Clone(w.all)
	w.mu.Unlock()
	for _, one := range all {
		if !one.looksAt(m) || !one.accepts(e) {
			continue
		}
		if m.isTaken(e.Seq) {
			return // an Await had it when it was read
		}
		select {
		case one.queued <- e.Clone():
		default:
		}
	}
}
