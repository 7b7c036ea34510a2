package voiceshard

import (
	"context"
	"fmt"
	"time"

	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/snowflake"
)

// commandTime is how long the main gateway may take to send a command: more than
// the minute in which it may send no more than 120 of them, for those who join
// hundreds of channels at once.
const commandTime = 90 * time.Second

// tell sends one command to the main gateway, in its turn. There are none when
// the session has ended, but for the farewell: one that overtook it would leave
// the bot behind in a channel. The error is why the session ended then.
func (s *Session) tell(ctx context.Context, channel snowflake.ID) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	err := s.order(ctx, func() bool { return s.ctx.Err() == nil }, channel)
	if cause := context.Cause(s.ctx); cause != nil {
		return cause
	}
	return err
}

// farewell tells the main gateway that the bot leaves, if it was told anything
// and does not know.
func (s *Session) farewell() {
	err := s.order(context.Background(), func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.told && !s.gone
	}, 0)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaveErr = err
}

// order waits for its turn, and sends a command if that is still wanted.
func (s *Session) order(ctx context.Context, wanted func() bool, channel snowflake.ID) error {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", errUntold, context.Cause(ctx))
	}
	if !wanted() {
		return nil
	}
	s.mu.Lock()
	state := command.VoiceState{GuildID: s.guild, ChannelID: channel, SelfMute: s.mute, SelfDeaf: s.deaf}
	s.mu.Unlock()
	if err := s.voice.gw.UpdateVoiceState(ctx, state); err != nil {
		return fmt.Errorf("%w: %w", errUntold, err)
	}
	s.mu.Lock()
	s.told = true
	s.mu.Unlock()
	return nil
}
