package gatewayshard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gobwas/ws"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/event"
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
	c.looping, c.loop = true, goroutineID()
	now := time.Now()
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
		op, payload, err := c.frames.Next()
		if err != nil {
			return c.unreadable(err)
		}
		switch op {
		case ws.OpText, ws.OpBinary:
			err = c.receive(payload)
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
func (c *connection) receive(msg []byte) error {
	s := c.shard
	if err := c.mayLogIn(); err != nil {
		return err
	}
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
	active := c.settle(now)
	write := len(c.pending) > 0
	wanted := err == nil && !redundant && p.Op == opcode.Dispatch
	if wanted {
		c.handling.Store(true)
	}
	s.mu.Unlock()

	if write {
		c.flush()
	}
	if active {
		s.shared.through(now, s.id)
		c.logActive()
	}
	if wanted {
		c.dispatch(p)
	}
	return err
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

// dispatch hands an event to those who want it.
func (c *connection) dispatch(p *gateway.GatewayPayload) {
	s := c.shard
	hidden := s.handle == nil
	switch p.EventName {
	case event.GuildMembersChunk:
		c.collectChunk(p.Data)
		hidden = hidden || s.hidden.Has(p.EventName)
	case event.RateLimited:
		c.collectLimit(p.Data)
		hidden = hidden || s.hidden.Has(p.EventName)
	}
	if !hidden {
		s.handle(s.id, p)
	}
	c.handling.Store(false)
	c.now = time.Time{}
}

func (c *connection) logActive() {
	session, _ := c.shard.Session()
	text := "session started"
	if c.resumes {
		text = "session resumed"
	}
	c.shard.log.Info(text, "session", session.ID, "seq", session.Seq)
}
