package gatewayshard

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
)

// ErrFiltered reports an Await for an event that the options of the shard filter out: it
// would never come. See [gateway.WithEvents] and [gateway.WithGuildEvents].
var ErrFiltered = errors.New("gatewayshard: the options filter the event out")

// A Filter selects the event that a call waits for. The zero Filter takes the
// next event.
type Filter struct {
	// Events are the kinds of events to look at, empty: all that the options
	// let through.
	Events []event.Type

	// Current looks at the event that the handler has now, too: for a handler
	// that only puts events into a queue.
	Current bool

	// Match looks at an event of these kinds, nil: each one will do. It must be
	// quick: the shard waits for it. The payload is valid until it returns. It
	// may be called concurrently, and after the call has ended.
	Match func(p *gateway.GatewayPayload) bool
}

// An Awaited is the result of [Shard.AwaitInto].
type Awaited struct {
	Shard   gateway.ShardID
	Payload *gateway.GatewayPayload // a copy, nil with an error
	Err     error
}

// Await waits for an event, and returns a copy of it. The handler gets the
// event as well, if it wants it; when there is none, or it does not want such
// events, they are decoded only while a call waits for them.
//
// It may be called from anywhere, in particular by the handler, on any
// goroutine and with any context: meanwhile the shard goes on reading, into a
// buffer of 1,024 events or 8 MiB, and delivers them, in order, when the handler has
// returned. What was not handed to the handler before Await was called counts as
// later, unless another Await has returned it.
//
// It ends with an error when ctx ends, with [ErrClosed] when the shard is
// closed, with [ErrFiltered] at once, and with [ErrBufferFull]. It goes on from one
// connection to the next, unless a handler runs when the connection ends: then
// it returns why that ended, as [Shard.EventLoop] does.
func (s *Shard) Await(ctx context.Context, filter Filter) (*gateway.GatewayPayload, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("gatewayshard: await: %w", err)
	}
	result := make(chan Awaited, 1)
	stop, err := s.AwaitInto(filter, result)
	if err != nil {
		return nil, err
	}
	defer stop()
	select {
	case a := <-result:
		return a.Payload, a.Err
	case <-ctx.Done():
		return nil, fmt.Errorf("gatewayshard: await: %w", context.Cause(ctx))
	}
}

// AwaitInto is [Shard.Await] for those who wait for several shards at once. It
// sends one result, without waiting for a receiver: give the channel room. Stop
// ends the wait and must be called, also after a result.
func (s *Shard) AwaitInto(filter Filter, result chan<- Awaited) (stop func(), err error) {
	a := &awaiter{match: filter.Match, events: event.NewSet(filter.Events...), any: len(filter.Events) == 0, current: filter.Current, result: result}
	if err := s.addAwaiter(a); err != nil {
		return nil, err
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.removeAwaiter(a)
	}, nil
}

// An awaiter is an Await that waits.
type awaiter struct {
	match  func(*gateway.GatewayPayload) bool
	events event.Set
	any    bool
	// The event that the handler has counts as later, see Filter.
	current bool
	result  chan<- Awaited
}

// accepts reports whether the event is the one. A panic of the caller's function is
// the caller's error.
func (a *awaiter) accepts(p *gateway.GatewayPayload) (ok bool, err error) {
	switch {
	case !a.any && !a.events.Has(p.EventName):
		return false, nil
	case a.match == nil:
		return true, nil
	}
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return a.match(p), nil
}

// addAwaiter lets the awaiter wait, unless the event has come already and waits itself.
func (s *Shard) addAwaiter(a *awaiter) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting++ // what the handler has stays as it is from here on
	if s.conn != nil {
		s.conn.relieve()
	}
	found, err := s.findHeld(a)
	if err != nil || found {
		s.waiting--
		s.turn()
		return err
	}
	s.awaiters = append(s.awaiters, a)
	s.narrow()
	s.turn()
	return nil
}

// turn tells the goroutines of the connection that something has changed. The caller holds mu.
func (s *Shard) turn() {
	if s.conn != nil {
		s.conn.turn.Broadcast()
	}
}

// findHeld looks for the event among those that have come already. Nothing
// comes unseen between its return and the moment when the caller lets go of mu, which it holds.
func (s *Shard) findHeld(a *awaiter) (found bool, err error) {
	looked, seq := uint64(0), int64(0)
	for {
		if err := s.mayAwait(a); err != nil {
			return false, err
		}
		fresh := s.heldSince(looked)
		if current := s.current(a, seq); current != nil {
			seq = current.Seq
			fresh = append([]held{{payload: current, number: looked, current: true}}, fresh...)
		}
		if len(fresh) == 0 {
			return false, nil
		}
		s.mu.Unlock()
		p, err := a.among(fresh)
		s.mu.Lock()
		if err != nil {
			return false, err
		}
		if p != nil && (p.current || s.take(p.payload)) {
			a.tell(Awaited{Shard: s.id, Payload: p.payload.Clone()})
			return true, nil
		}
		looked = fresh[len(fresh)-1].number
		if p != nil {
			looked = p.number
		}
	}
}

// current returns a copy of the event that the handler has, if the awaiter wants it and its
// sequence number is greater than seq, otherwise nil. The caller holds mu, and a call waits.
func (s *Shard) current(a *awaiter, seq int64) *gateway.GatewayPayload {
	c := s.conn
	if !a.current || c == nil || c.duty.Load() == reading || c.delivering == nil || c.delivering.Seq <= seq {
		return nil
	}
	return c.delivering.Clone()
}

// mayAwait returns why an event will not come. The caller holds mu.
func (s *Shard) mayAwait(a *awaiter) error {
	if s.closed {
		return ErrClosed
	}
	for _, e := range a.events.All() {
		if s.hidden.Has(e) || !s.state.EventIsWhitelisted(e) {
			return fmt.Errorf("%w: %s", ErrFiltered, string(e))
		}
	}
	if c := s.conn; c != nil && c.ahead.err != nil && c.inCall() {
		return c.ahead.err
	}
	return nil
}

// heldSince returns the events that wait for the handler, and no Await has
// returned, from a number on. The caller holds mu.
func (s *Shard) heldSince(number uint64) (fresh []held) {
	if s.conn == nil {
		return nil
	}
	for _, h := range s.conn.ahead.events {
		if h.number > number && !h.taken {
			fresh = append(fresh, h)
		}
	}
	return fresh
}

// among returns the first event that the awaiter accepts.
func (a *awaiter) among(events []held) (*held, error) {
	for i := range events {
		if ok, err := a.accepts(events[i].payload); ok || err != nil {
			return &events[i], err
		}
	}
	return nil, nil
}

// take marks an event that an Await returns. It reports false when another one
// has done so, or the handler has it now. The caller holds mu.
func (s *Shard) take(p *gateway.GatewayPayload) bool {
	if s.conn == nil {
		return false
	}
	for i := range s.conn.ahead.events {
		if h := &s.conn.ahead.events[i]; h.payload == p && !h.taken {
			h.taken = true
			return true
		}
	}
	return false
}

// removeAwaiter ends a wait, if it has not ended. The caller holds mu.
func (s *Shard) removeAwaiter(a *awaiter) bool {
	i := slices.Index(s.awaiters, a)
	if i < 0 {
		return false
	}
	s.awaiters = slices.Delete(s.awaiters, i, i+1)
	s.waiting--
	s.narrow()
	if c := s.conn; c != nil {
		c.turn.Broadcast()
	}
	return true
}

// answer ends a wait with a result. The caller holds mu.
func (s *Shard) answer(a *awaiter, result Awaited) {
	if !s.removeAwaiter(a) {
		return
	}
	result.Shard = s.id
	a.tell(result)
}

// tell sends the result, if there is room for it.
func (a *awaiter) tell(result Awaited) {
	select {
	case a.result <- result:
	default:
	}
}

// failCalls ends everything that waits for an event. The caller holds mu.
func (s *Shard) failCalls(err error) {
	for _, a := range slices.Clone(s.awaiters) {
		s.answer(a, Awaited{Err: err})
	}
	for _, col := range s.collectors {
		if col.waiting {
			col.err = err
			s.wake(col)
		}
	}
}

// offer shows an event to the calls that wait. It reports whether an Await has taken it.
// It runs on the goroutine that reads.
func (c *connection) offer(p *gateway.GatewayPayload) (taken bool) {
	s := c.shard
	s.mu.Lock()
	waiting := slices.Clone(s.awaiters)
	s.mu.Unlock()
	for _, a := range waiting {
		ok, err := a.accepts(p)
		if !ok && err == nil {
			continue
		}
		result := Awaited{Err: err}
		if ok {
			result.Payload, taken = p.Clone(), true
		}
		s.mu.Lock()
		s.answer(a, result)
		s.mu.Unlock()
	}
	switch p.EventName {
	case event.GuildMembersChunk:
		c.collectChunk(p.Data)
	case event.RateLimited:
		c.collectLimit(p.Data)
	}
	return taken
}
