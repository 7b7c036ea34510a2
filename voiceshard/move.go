package voiceshard

import (
	"context"
	"fmt"
	"time"
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
func (s *Session) Move(ctx context.Context, channel Snowflake) error {
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
	s.intro.ask(false)
	s.mu.Unlock()
	err := s.tell(ctx, answerTime, channel)
	if err == nil {
		err = s.awaitChannel(ctx, channel, connects)
	}
	if err != nil {
		s.stay(before, channel)
		return err
	}
	s.emit(Event{Kind: EventMoved, Channel: channel})
	return s.Ready(ctx)
}

// awaitChannel returns when the bot is in a channel and on a connection for it.
func (s *Session) awaitChannel(ctx context.Context, channel Snowflake, connects uint64) error {
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
			s.mu.Lock()
			s.intro.dismiss()
			s.mu.Unlock()
			return nil
		case <-s.ctx.Done():
			return context.Cause(s.ctx)
		case <-ctx.Done():
			return fmt.Errorf("voiceshard: move: %w", context.Cause(ctx))
		}
	}
}

// stay goes back to a channel when the way to another one failed.
func (s *Session) stay(before, channel Snowflake) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.intro.dismiss()
	if s.channel == channel && s.intro.channel != channel {
		s.channel = before
	}
}
