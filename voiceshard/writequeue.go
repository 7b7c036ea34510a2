package voiceshard

import (
	"errors"
	"net"
	"time"

	"github.com/gobwas/ws"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/frame"
)

const (
	// maxPending bounds what waits for a peer that does not read.
	maxPending = 1 << 20

	// maxPongs is the size of the queue from which on pings are not answered:
	// the next answer serves as well.
	maxPongs = 64 << 10

	// parting is how long a last close frame may take to be written.
	parting = 2 * time.Second
)

var errBacklog = errors.New("voiceshard: voice server does not read")

// Outbound is the queue of frames to write. Those who append to it hold the
// mutex of the session, and call flush after they have let go of it. One of
// them writes, for all.
type outbound struct {
	pending  []byte // whole frames
	flushing bool   // somebody writes
	hangup   bool   // close the socket when everything is written
	hungUp   bool   // it was closed
}

// A messageWriter queues messages. The caller holds the mutex of the session.
type messageWriter struct {
	c  *connection
	op ws.OpCode
}

func (w messageWriter) Write(p []byte) (int, error) { return w.c.queue(w.op, p) }

// A closeWriter queues close frames. The caller holds the mutex of the session.
type closeWriter struct{ c *connection }

func (w closeWriter) Write(p []byte) (int, error) { return w.c.queue(ws.OpClose, p) }

func (c *connection) writers() gateway.VoiceWriters {
	return gateway.VoiceWriters{Text: messageWriter{c, ws.OpText}, Binary: messageWriter{c, ws.OpBinary}, Close: closeWriter{c}}
}

func (c *connection) queue(op ws.OpCode, p []byte) (int, error) {
	if c.hungUp {
		return 0, net.ErrClosed
	}
	if len(c.pending)+len(p) > maxPending {
		return 0, errBacklog
	}
	c.pending = frame.AppendClient(c.pending, op, p)
	return len(p), nil
}

// flush writes what is queued, unless somebody else is at it. A failure to
// write closes the socket, which ends the connection.
func (c *connection) flush() {
	s := c.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.flushing {
		return
	}
	c.flushing = true
	for len(c.pending) > 0 && !c.hungUp {
		batch, limit := c.pending, s.voice.config.writeTimeout
		if c.hangup {
			limit = min(limit, parting)
		}
		c.pending = nil
		s.mu.Unlock()
		_ = c.nc.SetWriteDeadline(time.Now().Add(limit))
		_, err := c.nc.Write(batch)
		s.mu.Lock()
		if err != nil {
			c.hangup = true
			break
		}
		if c.pending == nil {
			c.pending = batch[:0]
		}
	}
	if c.hangup && !c.hungUp {
		c.hungUp = true
		s.mu.Unlock()
		_ = c.nc.Close()
		s.mu.Lock()
	}
	c.flushing = false
}
