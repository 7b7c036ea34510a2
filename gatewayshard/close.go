package gatewayshard

import (
	"context"
	"fmt"
	"io"
	"time"
)

// A CloseMode says what becomes of the session.
type CloseMode uint8

const (
	// KeepSession closes so that another shard, or the next process, can
	// resume: see [Shard.Session].
	KeepSession CloseMode = iota
	// EndSession closes with 1000: Discord shows the bot offline.
	EndSession
)

// Close ends the shard for good. It writes a close frame, waits for the answer
// until ctx ends (or for Config.WriteTimeout), and returns when the event loop
// has ended; [Shard.EventLoop] returns [ErrClosed], [Shard.Run] returns nil. What waits,
// a Dial, a Write, a pause between connections, ends too.
//
// When ctx ends first the connection is cut, and the cause is returned; then
// the loop may still be running if a handler is. From within the handler Close
// does not wait: the loop ends when the handler returns.
//
// A second Close waits as well and does nothing else.
func (s *Shard) Close(ctx context.Context, mode CloseMode) error {
	c := s.beginClose(mode)
	if c == nil {
		return nil
	}
	stop := context.AfterFunc(ctx, func() { _ = c.nc.Close() })
	defer stop()
	c.flush()
	if c.inHandler() {
		return nil
	}
	if c.idle() {
		_ = c.finish(ErrClosed)
	}
	select {
	case <-c.ended:
		return nil
	case <-ctx.Done():
	}
	if !c.handling.Load() {
		<-c.ended
	}
	return fmt.Errorf("gatewayshard: close: %w", context.Cause(ctx))
}

// beginClose tells everybody, and returns the connection if there is one.
func (s *Shard) beginClose(mode CloseMode) *connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		close(s.done)
	}
	if s.cancelDial != nil {
		s.cancelDial(ErrClosed)
	}
	c := s.conn
	if c == nil {
		if mode == EndSession {
			s.state.InvalidateSession(io.Discard)
		}
		return nil
	}
	if c.closing || c.err != nil {
		return c
	}
	c.closing = true
	c.stopWaiting()
	if mode == EndSession {
		s.state.InvalidateSession(closeWriter{c})
	} else {
		_ = s.state.WriteRestartClose(closeWriter{c})
	}
	now := time.Now()
	c.echo = now.Add(s.config.WriteTimeout)
	if c.looping {
		c.settle(now)
	}
	return c
}

// idle reports whether the connection has no event loop.
func (c *connection) idle() bool {
	c.shard.mu.Lock()
	defer c.shard.mu.Unlock()
	return !c.looping
}
