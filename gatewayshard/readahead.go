package gatewayshard

import (
	"errors"
	"time"

	"github.com/discordpkg/gateway"
)

// A handler that waits for a later event of its own shard would wait for ever
// if the event loop, which it holds, were the only one to read. So while a call
// waits and the loop is in a handler, another goroutine reads: it hands events to
// the calls that wait for them, and keeps them for the handler, in order. When no call
// waits any more it ends, the loop delivers what was kept, and reads again
// itself. Who called from where does not matter.
//
// At any time one goroutine reads, and the loop alone calls the handler.

const (
	maxHeld      = 1024    // events
	maxHeldBytes = 8 << 20 // of their data

	// fullPatience is how long a call may go on waiting when the buffer is
	// full. A handler that is merely slow makes room meanwhile; one that waits for
	// the call never does.
	fullPatience = time.Second
)

// ErrBufferFull reports a call that waited for an event while a handler of the shard
// ran, until 1,024 events or 8 MiB had come for that handler. Then the shard stops reading.
// Nothing is dropped: the events are delivered when the handler returns.
var ErrBufferFull = errors.New("gatewayshard: the buffer is full, a handler must return first")

// An ahead is what was read while the loop was in a handler. The mutex of the shard guards it.
type ahead struct {
	reader bool   // the goroutine runs
	err    error  // that it ended with: nothing more can be read
	events []held // to deliver
	bytes  int    // of the data of events and chunks
	chunks int    // of members, that no call has taken yet
}

// A held event waits for the handler.
type held struct {
	payload *gateway.GatewayPayload // a copy
	number  uint64
	taken   bool // an Await has returned it
	current bool // it does not wait: the handler has it
}

func (a *ahead) full() bool {
	return len(a.events)+a.chunks >= maxHeld || a.bytes >= maxHeldBytes
}

// keep adds a copy of an event with a number that grows.
func (a *ahead) keep(p *gateway.GatewayPayload, number uint64) *gateway.GatewayPayload {
	a.bytes += len(p.Data) + len(p.Encoded)
	p = p.Clone()
	a.events = append(a.events, held{payload: p, number: number})
	return p
}

// pop removes the event that came first.
func (a *ahead) pop() *gateway.GatewayPayload {
	p := a.events[0].payload
	a.events[0] = held{}
	if a.events = a.events[1:]; len(a.events) == 0 {
		a.events = nil
	}
	a.bytes -= len(p.Data) + len(p.Encoded)
	return p
}

// first returns the sequence number of the first event that waits, zero if none does.
func (a *ahead) first() int64 {
	if len(a.events) == 0 {
		return 0
	}
	return a.events[0].payload.Seq
}

// unread reports whether nothing is being read, so that silence means nothing.
// The caller holds mu.
func (c *connection) unread() bool {
	duty := c.duty.Load()
	return duty == handling || duty == relieved && !c.ahead.reader
}

// deliverLater keeps an event for the handler if it wants it, and shows it to the calls
// that wait. It is kept first: an Await that begins meanwhile finds it there.
func (c *connection) deliverLater(p *gateway.GatewayPayload, to route) {
	s := c.shard
	var kept *gateway.GatewayPayload
	if to.handler {
		s.mu.Lock()
		s.kept++
		kept = c.ahead.keep(p, s.kept)
		to.calls = to.calls || s.waiting > 0 // it may have come since the event was read
		c.turn.Broadcast()
		s.mu.Unlock()
	}
	if to.calls && c.offer(p) && kept != nil {
		s.mu.Lock()
		s.take(kept)
		s.mu.Unlock()
	}
}

// relieve starts the reader if a call waits while the loop does not read. The caller holds mu.
func (c *connection) relieve() {
	if c.shard.waiting == 0 || c.ahead.reader || c.ahead.err != nil || c.over {
		return
	}
	if c.duty.CompareAndSwap(handling, relieved) {
		// The handler has the memory of the event.
		c.frames.Detach()
		c.state.Detach()
	}
	if c.duty.Load() == relieved {
		c.ahead.reader = true
		go c.readAhead()
	}
}

// readAhead is the reader. The loop waits for its end before it reads again,
// and before the connection ends.
func (c *connection) readAhead() {
	for c.mayReadAhead() {
		if err := c.next(true); err != nil {
			c.stopReadingAhead(err)
			return
		}
	}
}

// mayReadAhead reports whether the reader goes on. It fails the calls that wait
// when the buffer is full and stays so.
func (c *connection) mayReadAhead() bool {
	s := c.shard
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.ahead.full() && s.waiting > 0 {
		c.waitForRoom()
		if c.ahead.full() && !c.quitting {
			s.failCalls(ErrBufferFull)
		}
	}
	c.ahead.reader = s.waiting > 0
	c.turn.Broadcast()
	return c.ahead.reader
}

// waitForRoom waits until the buffer is not full, but not for long. The caller holds mu.
func (c *connection) waitForRoom() {
	s := c.shard
	expired := false
	timer := time.AfterFunc(fullPatience, func() {
		s.mu.Lock()
		expired = true
		c.turn.Broadcast()
		s.mu.Unlock()
	})
	defer timer.Stop()
	for c.ahead.full() && s.waiting > 0 && !expired && !c.quitting {
		c.turn.Wait()
	}
}

// stopReadingAhead leaves the end of the connection to the loop. If a handler
// runs, the calls that wait may be its own, and the loop gets to it only after them.
func (c *connection) stopReadingAhead(err error) {
	s := c.shard
	s.mu.Lock()
	defer s.mu.Unlock()
	c.end(err)
	c.ahead.reader, c.ahead.err = false, c.err
	if c.inCall() {
		s.failCalls(c.err)
	}
	c.turn.Broadcast()
}

// inCall reports whether the handler runs, or is about to. The caller holds mu.
func (c *connection) inCall() bool {
	return c.duty.Load() != reading && (c.delivering != nil || len(c.ahead.events) > 0)
}

// handled ends the call of a handler: the loop reads again, or delivers first
// what was read meanwhile.
func (c *connection) handled() error {
	if c.duty.CompareAndSwap(handling, reading) {
		c.now = time.Time{}
		return nil
	}
	for {
		p, err := c.nextHeld()
		if p == nil {
			return err
		}
		c.call(p)
	}
}

// nextHeld returns the next event that was read ahead. Without one, the loop reads
// again, or the connection is over.
func (c *connection) nextHeld() (*gateway.GatewayPayload, error) {
	s := c.shard
	s.mu.Lock()
	defer s.mu.Unlock()
	c.returned()
	for {
		a := &c.ahead
		switch {
		case len(a.events) > 0:
			p := a.pop()
			c.entered(p, time.Now())
			c.turn.Broadcast()
			return p, nil
		case a.reader, a.err == nil && c.behind():
			c.turn.Wait()
		case a.err != nil:
			return nil, a.err
		default:
			c.now = time.Time{}
			c.duty.Store(reading)
			return nil, nil
		}
	}
}

// behind reports whether chunks of members were not taken while nothing else
// waits: then they should not become more. The caller holds mu.
func (c *connection) behind() bool {
	return c.ahead.chunks > 0 && c.shard.waiting == 0 && !c.quitting
}

// hold keeps the loop from reading while it is [connection.behind], or when there
// is no room for more. It is called on duty handling, and ends when the
// duty does.
func (c *connection) hold() {
	s := c.shard
	s.mu.Lock()
	defer s.mu.Unlock()
	c.returned()
	if c.ahead.full() {
		c.relieve()
	}
	for c.behind() && c.duty.Load() == handling {
		c.turn.Wait()
	}
}
