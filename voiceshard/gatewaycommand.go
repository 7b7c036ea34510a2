package voiceshard

import (
	"context"
	"fmt"
	"time"

	"github.com/discordpkg/gateway/command"
)

// commandTime is how long the main gateway may take to send a command: more than
// the minute in which it may send no more than 120 of them, for those who join
// hundreds of channels at once. The first command waits as long as Join does.
const commandTime = 90 * time.Second

// tellGateway sends a command that the life of the session asks for.
func (s *Session) tellGateway(ctx context.Context, c command.VoiceState) {
	s.mu.Lock()
	first := s.life.Connects() == 0 && s.life.Err() == nil
	s.mu.Unlock()
	if !first {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, commandTime)
		defer cancel()
	}
	err := s.order(ctx, c)
	if err != nil && s.ctx.Err() == nil {
		s.log.Warn("the main gateway does not take the command", "err", err, "channel", c.ChannelID.String())
	}
	s.input(func(now time.Time) { s.life.Told(now, err) })
}

// SetSelf mutes the bot or makes it deaf, as others see it, or undoes that. Deaf
// bots get no audio. It returns when the main gateway has taken the command.
func (s *Session) SetSelf(ctx context.Context, mute, deaf bool) error {
	if err := s.alive(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	s.life.SetSelf(mute, deaf)
	state := s.life.State()
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	err := s.order(ctx, state)
	if cause := context.Cause(s.ctx); cause != nil {
		return cause
	}
	return err
}

// order waits for its turn, and sends a command. Commands of one session do not
// overtake each other, and none follows the last one, that the bot leaves.
func (s *Session) order(ctx context.Context, c command.VoiceState) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", errUntold, context.Cause(ctx))
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", errUntold, context.Cause(ctx))
	}
	if err := s.voice.gw.UpdateVoiceState(ctx, c); err != nil {
		return fmt.Errorf("%w: %w", errUntold, err)
	}
	return nil
}
