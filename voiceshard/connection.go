package voiceshard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/gobwas/ws"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/internal/deadline"
	"github.com/discordpkg/gateway/internal/frame"
)

// A connection is one websocket of a session. One goroutine reads it and beats;
// whoever has something to write does so.
type connection struct {
	session  *Session
	nc       net.Conn
	frames   *frame.Reader
	activeAt time.Time // of the goroutine that reads

	// Guarded by session.mu.
	state *gateway.VoiceGatewayState
	by    time.Time // by when audio must flow, zero: it does
	told  gateway.SpeakingFlags
	err   error // why the connection ends, the first cause
	outbound
}

func newConnection(s *Session, state *gateway.VoiceGatewayState, nc net.Conn, early []byte) *connection {
	c := &connection{session: s, nc: nc, state: state, by: time.Now().Add(s.voice.config.handshake)}
	c.frames = frame.NewReader(stream{c}, ws.StateClientSide, messageLimit, early)
	s.mu.Lock()
	s.conn = c
	s.mu.Unlock()
	return c
}

// A stream is the connection as its frame reader sees it. While there is
// nothing to read it does what is due.
type stream struct{ c *connection }

func (r stream) Read(p []byte) (int, error) {
	c := r.c
	for {
		if err := c.expire(time.Now()); err != nil {
			return 0, err
		}
		n, err := c.nc.Read(p)
		if n > 0 {
			c.session.mu.Lock()
			c.state.Alive()
			c.session.mu.Unlock()
			return n, err
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
	}
}

// expire does what is due at now, and lets the next read end when there is more
// to do.
func (c *connection) expire(now time.Time) (err error) {
	s := c.session
	s.mu.Lock()
	switch {
	case c.err != nil:
		err = c.err
	case !c.by.IsZero() && !now.Before(c.by):
		err = fmt.Errorf("%w within %v", errHandshake, s.voice.config.handshake)
	default:
		err = c.state.HandleTimeout(now, c.writers())
	}
	next := deadline.Earliest(c.state.NextDeadline(), c.by, c.speak(now))
	if s.cryptor != nil {
		next = deadline.Earliest(next, s.cryptor.expire(now))
	}
	if err == nil {
		err = c.nc.SetReadDeadline(next)
	}
	s.mu.Unlock()
	c.flush()
	return err
}

// poke makes the goroutine that reads look at what is due. The caller holds the
// mutex of the session.
func (c *connection) poke() { _ = c.nc.SetReadDeadline(time.Unix(1, 0)) }

// read acts on messages until the connection ends.
func (c *connection) read(ctx context.Context) error {
	for {
		op, payload, err := c.frames.Next()
		if err != nil {
			return c.unreadable(err)
		}
		switch op {
		case ws.OpText, ws.OpBinary:
			err = c.receive(ctx, payload, op == ws.OpBinary)
		case ws.OpPing:
			c.pong(payload)
		case ws.OpClose:
			err = c.dismissed(payload)
		}
		if err != nil {
			return err
		}
	}
}

// unreadable returns why nothing more can be read, and tells the server if it
// is to blame.
func (c *connection) unreadable(err error) error {
	s := c.session
	s.mu.Lock()
	defer s.mu.Unlock()
	var broken *frame.ProtocolError
	code := ws.StatusCode(0)
	switch {
	case errors.Is(err, frame.ErrTooLarge):
		code, err = ws.StatusMessageTooBig, &gateway.MessageTooLargeError{Limit: messageLimit}
	case errors.As(err, &broken):
		code, err = ws.StatusProtocolError, fmt.Errorf("%w: %w", gateway.ErrMalformed, err)
	default:
		return fmt.Errorf("voiceshard: connection lost: %w", err)
	}
	if !c.state.Closed() {
		_ = c.state.Close()
		_, _ = c.queue(ws.OpClose, ws.NewCloseFrameBody(code, ""))
	}
	return err
}

func (c *connection) pong(payload []byte) {
	s := c.session
	s.mu.Lock()
	if !c.state.Closed() && len(c.pending) < maxPongs {
		_, _ = c.queue(ws.OpPong, payload)
	}
	s.mu.Unlock()
	c.flush()
}

// dismissed acts on a close frame.
func (c *connection) dismissed(payload []byte) error {
	s := c.session
	s.mu.Lock()
	defer s.mu.Unlock()
	code, reason := frame.ParseClose(payload)
	return c.state.ProcessCloseCode(closecode.Voice(code), reason, closeWriter{c})
}

// leave ends the connection, and its session with it.
func (c *connection) leave(cause error) {
	s := c.session
	s.mu.Lock()
	if c.err == nil {
		c.err = cause
		c.state.InvalidateSession(closeWriter{c})
	}
	c.hangup = true
	s.mu.Unlock()
	_ = c.nc.SetWriteDeadline(time.Now().Add(parting))
	c.flush()
}

// finish closes the socket, and returns why the connection ended.
func (c *connection) finish(err error) error {
	s := c.session
	s.mu.Lock()
	if c.err == nil {
		c.err = err
	}
	c.hangup = true
	err = c.err
	s.mu.Unlock()
	_ = c.nc.SetWriteDeadline(time.Now().Add(parting))
	c.flush()
	c.frames.Close()
	return err
}
