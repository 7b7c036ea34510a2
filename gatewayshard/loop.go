package gatewayshard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gobwas/ws"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/internal/frame"
	"github.com/discordpkg/gateway/opcode"
)

// EventLoop reads the connection until it ends, calls the handler for each
// event, and returns why it ended, never nil:
//
//   - a [*gateway.DiscordError] when Discord ended it, or when it was given up
//     because Discord fell silent. CanReconnect says whether to go on.
//   - a [*LostError], which matches [net.ErrClosed], when the network did.
//   - an error that matches [gateway.ErrMalformed] or
//     [gateway.ErrSequenceNumberSkipped] when what came made no sense.
//   - [ErrClosed] after [Shard.Close].
//   - an error that wraps the cause of ctx when that ended. The session is kept.
//
// The connection is closed and nothing of it runs any more when EventLoop
// returns. [ErrNotConnected] and [ErrConnected] report that there was nothing
// to run, or that it is running already.
func (s *Shard) EventLoop(ctx context.Context) (err error) {
	c, err := s.startLoop()
	if err != nil {
		return err
	}
	err = ErrHandlerExit // unless this function returns
	defer func() { err = c.finish(err) }()
	stop := context.AfterFunc(ctx, func() { c.leave(context.Cause(ctx)) })
	defer stop()
	return c.read()
}

func (s *Shard) startLoop() (*connection, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.conn
	switch {
	case s.closed:
		return nil, ErrClosed
	case c == nil || c.over:
		return nil, ErrNotConnected
	case c.looping:
		return nil, ErrConnected
	}
	c.looping = true
	now := time.Now()
	c.look = now.Add(s.config.HandlerLimit)
	c.state.Advance(now)
	if err := s.life.Dialed(now); err != nil {
		return nil, err
	}
	c.settle(now)
	return c, nil
}

// leave ends the connection and keeps the session.
func (c *connection) leave(cause error) {
	s := c.shard
	s.mu.Lock()
	if !c.over && c.err == nil {
		_ = c.state.WriteRestartClose(closeWriter{c})
		c.left = true
		c.end(fmt.Errorf("gatewayshard: event loop stopped: %w", cause))
	}
	s.mu.Unlock()
	c.flush()
}

func (c *connection) read() error {
	for {
		if err := c.next(false); err != nil {
			return err
		}
	}
}

// next reads one message or control frame and acts on it: on the loop, or ahead of it.
func (c *connection) next(ahead bool) error {
	op, payload, err := c.frames.Next()
	if err != nil {
		return c.unreadable(err)
	}
	switch op {
	case ws.OpText, ws.OpBinary:
		if err := c.mayLogIn(); err != nil {
			return err
		}
		return c.receive(payload, ahead)
	case ws.OpPing:
		c.pong(payload)
	case ws.OpClose:
		return c.dismissed(payload)
	}
	return nil
}

// unreadable returns why nothing more can be read, and tells Discord if it is to blame.
func (c *connection) unreadable(err error) error {
	s := c.shard
	s.mu.Lock()
	defer s.mu.Unlock()
	var broken *frame.ProtocolError
	switch {
	case c.closing:
		return ErrClosed
	case errors.Is(err, frame.ErrTooLarge):
		c.quitWith(ws.StatusMessageTooBig)
		return &gateway.MessageTooLargeError{Limit: s.config.ReadLimit}
	case errors.As(err, &broken):
		c.quitWith(ws.StatusProtocolError)
		return fmt.Errorf("%w: %w", gateway.ErrMalformed, err)
	}
	return &LostError{err}
}

// quitWith closes the state and queues a close frame. The caller holds mu.
func (c *connection) quitWith(code ws.StatusCode) {
	if !c.state.Closed() {
		_ = c.state.Close()
		_, _ = c.queue(ws.OpClose, ws.NewCloseFrameBody(code, ""))
	}
}

func (c *connection) pong(payload []byte) {
	s := c.shard
	s.mu.Lock()
	if !c.state.Closed() && len(c.pending) < maxPongs {
		_, _ = c.queue(ws.OpPong, payload)
	}
	s.mu.Unlock()
	c.flush()
}

// dismissed acts on a close frame: Discord's own, or the echo of ours.
func (c *connection) dismissed(payload []byte) error {
	s := c.shard
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.closing {
		return ErrClosed
	}
	code, reason := frame.ParseClose(payload)
	return c.state.ProcessCloseCode(closecode.Type(code), reason, closeWriter{c})
}

// closeCode returns the close code in err, zero when there is none.
func closeCode(err error) closecode.Type {
	var discord *gateway.DiscordError
	if errors.As(err, &discord) {
		return discord.CloseCode
	}
	return 0
}

// receive acts on one message.
func (c *connection) receive(msg []byte, ahead bool) error {
	s := c.shard
	s.mu.Lock()
	if c.closing || c.err != nil {
		// What comes now is replayed when the session is resumed.
		s.mu.Unlock()
		return nil
	}
	now := c.clock()
	c.state.Advance(now)
	p, redundant, err := c.state.ProcessMessage(msg, messageWriter{c}, closeWriter{c})
	s.stats.Messages++
	if p != nil && p.Op == opcode.Dispatch {
		s.stats.Events++
	}
	starting := !c.active
	active := c.settleAfter(p, err, now)
	write := len(c.pending) > 0
	wanted := err == nil && !redundant && p.Op == opcode.Dispatch
	var to route
	if wanted {
		to = c.take(p, ahead, now)
	}
	s.mu.Unlock()

	if write {
		c.flush()
	}
	if starting {
		c.progressed(now, active)
	}
	switch {
	case wanted && ahead:
		c.deliverLater(p, to)
	case wanted:
		return c.deliver(p, to)
	}
	return err
}

// take returns who gets an event. The loop does not read until they have it. The
// caller holds mu.
func (c *connection) take(p *gateway.GatewayPayload, ahead bool, now time.Time) route {
	to := c.shard.route(p.EventName)
	if ahead {
		return to
	}
	c.entered(p, now)
	if to.calls {
		c.duty.Store(offering)
	} else {
		c.duty.Store(handling)
	}
	return to
}

// mayLogIn asks Config.Permit once more: the next message, or the timer, makes
// the state write identify or resume. An error ends the connection.
func (c *connection) mayLogIn() error {
	s := c.shard
	if s.config.Permit == nil || c.loggedIn.Load() {
		return nil
	}
	err := s.permitted()
	if err == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.state.HaveIdentified() {
		return nil // too late
	}
	_ = c.state.WriteRestartClose(closeWriter{c})
	return err
}

// clock returns the time at which the current message arrived. A handler may
// have taken long since then.
func (c *connection) clock() time.Time {
	if c.now.IsZero() {
		c.now = time.Now()
	}
	return c.now
}

// deliver hands an event to the calls that wait for it, and to the handler.
func (c *connection) deliver(p *gateway.GatewayPayload, to route) error {
	if to.calls {
		c.offer(p)
		c.shard.mu.Lock()
		c.duty.Store(handling)
		if to.handler {
			c.relieve()
		} else {
			c.returned()
		}
		c.shard.mu.Unlock()
	}
	if to.handler {
		c.call(p)
	}
	if to.calls {
		c.hold()
	}
	return c.handled()
}

// progressed tells of a step of the handshake.
func (c *connection) progressed(now time.Time, active bool) {
	if active {
		c.becameActive(now)
	}
	c.shard.tellPhase()
}

// becameActive tells the other shards, and the log.
func (c *connection) becameActive(now time.Time) {
	c.shard.shared.through(now, c.shard.id)
	session, _ := c.shard.Session()
	text := "session started"
	if c.resumes {
		text = "session resumed"
	}
	c.shard.log.Info(text, "session", session.ID, "seq", session.Seq)
}
