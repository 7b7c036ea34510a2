package voiceshard

import (
	"context"
	"fmt"
	"time"

	"github.com/discordpkg/gateway/snowflake"
)

// moveSettle is how long a voice server that stays the same may take to say so
// by doing nothing.
const moveSettle = time.Second

// Move moves to another channel of the guild, and returns when audio can flow
// there. The numbering of packets and the speaking flags are kept. For the
// channel where the session is already, it does what [Session.Ready] does.
//
// The session stays where it is when Discord does not answer, which is a
// [*NoAnswerError]. When ctx ends, the move happens or not.
func (s *Session) Move(ctx context.Context, channel snowflake.ID) error {
	if channel == 0 {
		return fmt.Errorf("voiceshard: move: no channel; leaving is another method")
	}
	s.mu.Lock()
	before, connects := s.channel, s.connects
	if before == channel || s.over {
		s.mu.Unlock()
		return s.Ready(ctx)
	}
	s.channel = channel
	command := s.intro.ask(time.Now(), false)
	s.mu.Unlock()
	err := s.tell(ctx, channel)
	if err == nil {
		err = s.awaitChannel(ctx, channel, connects)
	}
	s.settleDown(command, before, channel)
	if err != nil {
		return err
	}
	s.emit(Event{Kind: EventMoved, Channel: channel})
	return s.Ready(ctx)
}

// awaitChannel returns when the bot is in a channel and on a connection for it.
func (s *Session) awaitChannel(ctx context.Context, channel snowflake.ID, connects uint64) error {
	timer := time.NewTimer(answerTime)
	defer timer.Stop()
	there := false
	for {
		s.mu.Lock()
		if !there && s.intro.channel == channel {
			there = true
			timer.Reset(moveSettle)
		}
		arrived := there && s.connects > connects && s.flows()
		answer := NoAnswerError{State: s.intro.state, Server: s.intro.server}
		changed := s.changed
		s.mu.Unlock()
		if arrived {
			return nil
		}
		select {
		case <-changed:
		case <-timer.C:
			if !there {
				return &answer
			}
			return nil
		case <-s.ctx.Done():
			return context.Cause(s.ctx)
		case <-ctx.Done():
			return fmt.Errorf("voiceshard: move: %w", context.Cause(ctx))
		}
	}
}

// settleDown ends a move: if the bot has not got to the channel, it is meant to
// be where it was before.
func (s *Session) settleDown(command uint64, before, channel snowflake.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.intro.dismiss(command)
	if s.channel == channel && s.intro.channel != channel {
		s.channel = before
	}
}

// SetSelf mutes the bot or makes it deaf, as others see it, or undoes that. Deaf
// bots get no audio. It returns when the main gateway has taken the command.
func (s *Session) SetSelf(ctx context.Context, mute, deaf bool) error {
	if err := s.alive(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	s.mute, s.deaf = mute, deaf
	channel := s.channel
	s.mu.Unlock()
	return s.tell(ctx, channel)
}
