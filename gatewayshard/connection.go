package gatewayshard

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/frame"
	"github.com/discordpkg/gateway/lifecycle"
)

// A connection is one websocket of a shard, from Dial to the end of its event loop.
type connection struct {
	shard *Shard
	nc    net.Conn
	op    ws.OpCode     // of messages: text or binary
	quit  chan struct{} // closed when the connection is about to end
	ended chan struct{} // closed when nothing of it runs any more

	// Of the goroutine that reads.
	frames *frame.Reader
	now    time.Time // when what is being processed was read, zero: ask the clock

	heard    atomic.Bool  // bytes arrived, and the state was not told yet
	duty     atomic.Int32 // of the loop, see handler.go
	loggedIn atomic.Bool  // identify or resume was written
	bytesIn  atomic.Uint64

	// Guarded by shard.mu.
	state    *gateway.GatewayState
	since    time.Time
	looping  bool
	closing  bool      // a close frame of ours was written because Close wants it
	left     bool      // the caller of the event loop has ended it
	over     bool      // finish has begun
	quitting bool      // quit is closed
	err      error     // why the connection ends, the first cause
	resumes  bool      // resume was written, not identify
	active   bool      // READY or RESUMED arrived
	turn     sync.Cond // with shard.mu: who reads, or what was read, has changed
	ahead    ahead
	watch
	timeouts
	outbound
}

// newConnection takes the state of the shard over. The caller holds mu.
func (s *Shard) newConnection(nc net.Conn, early []byte, binary bool) *connection {
	c := &connection{
		shard: s,
		nc:    nc,
		op:    ws.OpText,
		quit:  make(chan struct{}),
		ended: make(chan struct{}),
		state: s.state,
		since: time.Now(),
	}
	c.turn.L = &s.mu
	c.timer.ring = c.tick
	if binary {
		c.op = ws.OpBinary
	}
	c.frames = frame.NewReader(source{c}, ws.StateClientSide, s.config.ReadLimit, early)
	c.bytesIn.Add(uint64(len(early)))
	return c
}

// A source is the connection as its frame reader sees it.
type source struct{ c *connection }

func (r source) Read(p []byte) (int, error) {
	c := r.c
	c.shard.mu.Lock()
	c.state.Recycle()
	c.shard.mu.Unlock()
	n, err := c.nc.Read(p)
	c.now = time.Now()
	if n > 0 {
		c.heard.Store(true)
		c.bytesIn.Add(uint64(n))
	}
	return n, err
}

// end records why the connection ends, if nothing did before. The caller holds mu.
func (c *connection) end(err error) {
	if c.closing {
		err = ErrClosed
	}
	if c.err == nil {
		c.err = err
	}
	c.shut = true
	c.stopWaiting()
}

// stopWaiting wakes those who wait for the connection. The caller holds mu.
func (c *connection) stopWaiting() {
	if !c.quitting {
		c.quitting = true
		close(c.quit)
		c.turn.Broadcast()
	}
}

// manyTimes is how often in a row a session must be taken away to be reported.
const manyTimes = 3

// finish closes the socket, waits for those who write to it, and hands the
// connection's results to the shard. It returns why the connection ended.
func (c *connection) finish(err error) error {
	s := c.shard
	s.mu.Lock()
	if c.over {
		s.mu.Unlock()
		<-c.ended
		return c.err
	}
	c.over = true
	c.end(err)
	c.timer.stop()
	s.mu.Unlock()

	_ = c.nc.SetWriteDeadline(time.Now().Add(c.patience()))
	c.flush()
	c.waitFlushed()

	s.mu.Lock()
	for c.ahead.reader {
		c.turn.Wait()
	}
	session := gateway.Session{ID: s.state.SessionID(), Seq: s.state.SequenceNumber()}
	givenUp := c.report()
	s.lost = undelivered{s.state.SessionID(), c.ahead.first()}
	elsewhere := s.life.Elsewhere()
	c.frames.Close()
	s.conn = nil
	close(c.ended)
	s.mu.Unlock()
	s.tellPhase()
	if givenUp != lifecycle.NoReason {
		s.log.Error("session given up, the next connection starts a new one", "why", givenUp.String(),
			"err", c.err, "session", session.ID, "seq", session.Seq)
	}
	if elsewhere >= manyTimes && elsewhere%manyTimes == 0 {
		s.log.Error("session is resumed elsewhere again and again: most likely this bot runs twice",
			"times", elsewhere, "session", session.ID)
	}
	return c.err
}
