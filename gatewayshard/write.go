package gatewayshard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/command"
)

// Write writes one command. Data is the inner object ("d") as JSON.
//
// It waits while the limit of 120 commands a minute is exhausted, until ctx
// ends; meanwhile nothing else does, heartbeats least of all. It refuses at
// once what makes no sense: [ErrNotConnected], [gateway.ErrNotReady] before
// READY or RESUMED, [gateway.ErrPayloadTooLarge], [gateway.ErrInvalidPayload].
//
// Nil means that the command is on its way, not that it arrived: it may be
// behind others that are being written. A failure to write ends the connection
// and is reported by EventLoop too.
func (s *Shard) Write(ctx context.Context, cmd command.Type, data []byte) error {
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("gatewayshard: %v: %w", cmd, err)
	}
	for {
		c, err := s.tryWrite(cmd, data)
		var limit *gateway.RateLimitError
		if !errors.As(err, &limit) {
			if err == nil {
				err = c.flushNow()
			}
			return err
		}
		if err := c.waitUntil(ctx, limit.RetryAt); err != nil {
			return fmt.Errorf("gatewayshard: %v: %w", cmd, err)
		}
	}
}

// Send is Write for the structs of package command. It validates them first.
func (s *Shard) Send(ctx context.Context, cmd command.Command) error {
	data, err := command.Marshal(cmd)
	if err != nil {
		return fmt.Errorf("gatewayshard: %w", err)
	}
	return s.Write(ctx, cmd.Command(), data)
}

// UpdateVoiceState sends opcode 4: a shard is the gateway of the voice
// connections of its guilds. While [Shard.Run] is between two connections it
// waits for the next one, until ctx ends; in a loop of the caller's own the
// error is [ErrNotConnected]. See [Shard.Send] for the other errors.
//
// https://discord.com/developers/docs/events/gateway-events#update-voice-state
func (s *Shard) UpdateVoiceState(ctx context.Context, v command.VoiceState) error {
	for {
		changed, runs := s.awaitActive()
		err := s.Send(ctx, v)
		if !runs || !errors.Is(err, ErrNotConnected) && !errors.Is(err, gateway.ErrNotReady) {
			return err
		}
		select {
		case <-changed:
		case <-s.done:
			return ErrClosed
		case <-ctx.Done():
			return fmt.Errorf("gatewayshard: %v: %w: %w", v.Command(), err, context.Cause(ctx))
		}
	}
}

// awaitActive returns what is closed when the shard becomes active or Run ends,
// and whether Run keeps the shard connected.
func (s *Shard) awaitActive() (changed <-chan struct{}, runs bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.activated == nil {
		s.activated = make(chan struct{})
	}
	return s.activated, s.running
}

// announceActive wakes those who wait in UpdateVoiceState. The caller holds mu.
func (s *Shard) announceActive() {
	if s.activated != nil {
		close(s.activated)
		s.activated = nil
	}
}

// SetPresence sets the presence of the bot on this shard: opcode 3. It is part
// of the next identify as well, in the place of that of [gateway.WithPresence]: when
// the session is lost, the presence is not. So is one that [Shard.Send] or
// [Shard.Write] sets. A presence of more than 3 KiB is not kept.
//
// https://discord.com/developers/docs/events/gateway-events#update-presence
func (s *Shard) SetPresence(ctx context.Context, p command.Presence) error {
	return s.Send(ctx, &p)
}

// keepPresence notes what was written. The caller holds mu.
func (s *Shard) keepPresence(data []byte) {
	if err := s.life.SetPresence(data); err != nil {
		_ = s.life.SetPresence(nil) // better that of the options than an old one
		s.log.Warn("presence is not part of the next identify", "err", err)
	}
}

func (s *Shard) tryWrite(cmd command.Type, data []byte) (*connection, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.conn
	switch {
	case s.closed:
		return nil, ErrClosed
	case c == nil || c.err != nil || c.state.Closed():
		return nil, ErrNotConnected
	}
	now := time.Now()
	c.state.Advance(now)
	err := c.state.Write(messageWriter{c}, cmd, data)
	if err == nil && cmd == command.UpdatePresence {
		s.keepPresence(data)
	}
	if c.looping {
		c.settle(now)
	}
	return c, err
}

// flushNow is flush with the error of a connection that was broken by it.
func (c *connection) flushNow() error {
	c.flush()
	c.shard.mu.Lock()
	defer c.shard.mu.Unlock()
	if c.broken {
		return c.err
	}
	return nil
}

// commandPause is how soon a command limiter is asked again that names no time
// to come.
const commandPause = 10 * time.Millisecond

// waitUntil waits for a time, but not longer than for ctx or the connection.
func (c *connection) waitUntil(ctx context.Context, at time.Time) error {
	timer := time.NewTimer(max(commandPause, time.Until(at)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.quit:
		return ErrNotConnected
	case <-c.shard.done:
		return ErrClosed
	}
}
