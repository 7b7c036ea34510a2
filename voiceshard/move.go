package voiceshard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/discordpkg/gateway/snowflake"
)

var errNoChannel = errors.New("voiceshard: move: no channel; leaving is another method")

// Move moves to another channel of the guild with one command, and returns when
// audio can flow there. The numbering of packets and the speaking flags are
// kept. For the channel where the session is already, it does what
// [Session.Ready] does.
//
// The session stays where it is when Discord does not answer, which is a
// [*NoAnswerError]. When ctx ends, the move happens or not.
func (s *Session) Move(ctx context.Context, channel snowflake.ID) error {
	if channel == 0 {
		return errNoChannel
	}
	var move uint64
	s.input(func(now time.Time) {
		if channel != s.life.Channel() {
			move = s.life.Move(now, channel)
		}
	})
	if move == 0 {
		return s.Ready(ctx)
	}
	if err := s.awaitMove(ctx, move); err != nil {
		return err
	}
	s.emit(Event{Kind: EventMoved, Channel: channel})
	return s.Ready(ctx)
}

// awaitMove returns when a move is over.
func (s *Session) awaitMove(ctx context.Context, move uint64) error {
	for {
		s.mu.Lock()
		over, err := s.life.Moved(move)
		changed := s.changed
		s.mu.Unlock()
		if over {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("voiceshard: move: %w", context.Cause(ctx))
		}
	}
}
