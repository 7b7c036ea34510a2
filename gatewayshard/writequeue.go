package gatewayshard

import (
	"net"
	"time"

	"github.com/gobwas/ws"

	"github.com/discordpkg/gateway/internal/frame"
)

const (
	// maxPending bounds what waits for a peer that does not read: all commands
	// of a minute fit.
	maxPending = 1 << 20

	// maxPongs is the size of the queue from which on pings are not answered:
	// the next answer serves as well.
	maxPongs = 64 << 10

	// keepPending is the capacity of a queue that is kept between writes.
	keepPending = 1 << 10

	// parting is how long a last close frame may take to be written.
	parting = 2 * time.Second
)

// Outbound is the queue of frames to write. Those who append to it hold the
// shard's mutex, and call flush after they have let go of it. One of them
// writes, for all: the others need not wait.
type outbound struct {
	pending  []byte        // whole frames
	flushing bool          // somebody writes
	flushed  chan struct{} // not nil: closed when nobody writes any more
	shut     bool          // close the socket when everything is written
	broken   bool          // a write failed
	hungUp   bool          // the socket was closed
}

// A messageWriter queues messages. The caller holds mu.
type messageWriter struct{ c *connection }

func (w messageWriter) Write(p []byte) (int, error) { return w.c.queue(w.c.op, p) }

// A closeWriter queues close frames. The caller holds mu.
type closeWriter struct{ c *connection }

func (w closeWriter) Write(p []byte) (int, error) { return w.c.queue(ws.OpClose, p) }

func (c *connection) queue(op ws.OpCode, p []byte) (int, error) {
	if c.broken || c.hungUp {
		return 0, net.ErrClosed
	}
	if len(c.pending)+len(p) > maxPending {
		return 0, errBacklog
	}
	c.pending = frame.AppendClient(c.pending, op, p)
	return len(p), nil
}

// flush writes what is queued, unless somebody else is at it. Frames go out in
// the order in which they were queued.
func (c *connection) flush() {
	s := c.shard
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.flushing {
		return
	}
	c.flushing = true
	var spare []byte
	for len(c.pending) > 0 && !c.broken {
		batch := c.pending
		c.pending = spare
		s.mu.Unlock()
		_ = c.nc.SetWriteDeadline(time.Now().Add(c.patience()))
		n, err := c.nc.Write(batch)
		s.mu.Lock()
		s.stats.BytesOut += uint64(n)
		if spare = batch[:0]; cap(spare) > keepPending {
			spare = nil
		}
		if err != nil {
			c.broken = true
			c.end(&LostError{err})
		}
	}
	if c.pending == nil {
		c.pending = spare
	}
	c.hangUp()
	c.flushing = false
	if c.flushed != nil {
		close(c.flushed)
		c.flushed = nil
	}
}

// hangUp closes the socket if it is time to. The caller holds mu.
func (c *connection) hangUp() {
	if !c.shut || c.hungUp {
		return
	}
	c.hungUp = true
	c.shard.mu.Unlock()
	_ = c.nc.Close()
	c.shard.mu.Lock()
}

// patience is how long the next write may take. It takes the mutex of nobody:
// quit tells whether the connection is about to end.
func (c *connection) patience() time.Duration {
	limit := c.shard.config.WriteTimeout
	select {
	case <-c.quit:
		return min(limit, parting)
	default:
		return limit
	}
}

// waitFlushed returns when nobody writes any more.
func (c *connection) waitFlushed() {
	s := c.shard
	s.mu.Lock()
	if !c.flushing {
		s.mu.Unlock()
		return
	}
	if c.flushed == nil {
		c.flushed = make(chan struct{})
	}
	flushed := c.flushed
	s.mu.Unlock()
	<-flushed
}
