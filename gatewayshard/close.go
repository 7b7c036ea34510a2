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
// a Dial, a Write, an Await, a pause between connections, ends too.
//
// When ctx ends first its cause is returned, and the connection is cut: at once
// if the close frame has gone out, otherwise as soon as it has, within 2 s.
// For a handler Close waits 10 s, and returns [ErrHandlerRuns]; then the loop ends when the handler returns. With
// the context of a handler, see [WithinHandler], it does not wait at all.
//
// A second Close waits as well and does nothing else.
func (s *Shard) Close(ctx context.Context, mode CloseMode) error {
	c := s.beginClose(mode)
	s.tellPhase()
	if c == nil {
		return nil
	}
	stop := context.AfterFunc(ctx, c.cut)
	defer stop()
	c.flush()
	if InHandler(ctx) {
		return nil
	}
	if c.idle() {
		_ = c.finish(ErrClosed)
	}
	return c.awaitEnd(ctx)
}

// cut closes the socket, but not before what is queued was written.
func (c *connection) cut() {
	s := c.shard
	s.mu.Lock()
	c.end(ErrClosed)
	writing := c.flushing
	s.mu.Unlock()
	if writing {
		_ = c.nc.SetWriteDeadline(time.Now().Add(parting))
	}
	c.flush()
}

// awaitEnd returns when nothing of the connection runs any more, or ctx or the
// patience with a handler has ended.
func (c *connection) awaitEnd(ctx context.Context) error {
	patience := time.NewTicker(handlerPatience)
	defer patience.Stop()
	for {
		select {
		case <-c.ended:
			return nil
		case <-patience.C:
			if c.busy() {
				return fmt.Errorf("gatewayshard: close: %w", ErrHandlerRuns)
			}
			continue
		case <-ctx.Done():
		}
		if c.written() && !c.busy() {
			<-c.ended
		}
		return fmt.Errorf("gatewayshard: close: %w", context.Cause(ctx))
	}
}

// busy reports whether the loop waits for a handler.
func (c *connection) busy() bool {
	c.shard.mu.Lock()
	defer c.shard.mu.Unlock()
	return c.inCall()
}

// written reports whether nothing is left to write.
func (c *connection) written() bool {
	c.shard.mu.Lock()
	defer c.shard.mu.Unlock()
	return !c.flushing && len(c.pending) == 0
}

// beginClose ends what waits, and returns the connection if there is one.
func (s *Shard) beginClose(mode CloseMode) *connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		close(s.done)
		s.failCalls(ErrClosed)
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
