package gateway

import (
	"io"
	"net" // for net.ErrClosed only
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/internal/deadline"
)

// maxInterval is the longest heartbeat interval a server may ask for. Discord's is about 41 s.
const maxInterval = time.Hour

// NextDeadline returns the time at which HandleTimeout must be called, zero
// when nothing is scheduled. It changes only in calls to the state.
func (s *GatewayState) NextDeadline() time.Time {
	if s.closed {
		return time.Time{}
	}
	return deadline.Earliest(s.heart.Next(), s.identifyAt, s.invalidAt, s.beatAt)
}

// HandleTimeout does what is due at now: it writes a heartbeat, asks the
// identify limiter again, closes a connection whose last heartbeat met only
// silence, or leaves after an invalid session. An early call does nothing.
// The connection is over, and the state closed, when the error is not nil.
func (s *GatewayState) HandleTimeout(now time.Time, textWriter, closeWriter io.Writer) error {
	s.Advance(now)
	if s.closed {
		return net.ErrClosed
	}
	if s.due(s.invalidAt) {
		return s.leaveInvalidSession(closeWriter)
	}
	due, dead := s.heart.Due(s.now)
	if dead { // a zombie: a beat is due, the last one is not acknowledged, and nothing came since
		_ = s.WriteRestartClose(closeWriter)
		return &DiscordError{CloseCode: closecode.HeartbeatAckNotReceived, Reason: "heartbeat not acknowledged and nothing else received"}
	}
	if due {
		if err := s.Heartbeat(textWriter); err != nil {
			return s.endOn(err)
		}
	}
	if s.due(s.beatAt) {
		if err := s.answerHeartbeatRequest(textWriter); err != nil {
			return s.endOn(err)
		}
	}
	if s.due(s.identifyAt) {
		return s.endOn(s.authenticate(textWriter))
	}
	return nil
}

func (s *GatewayState) due(at time.Time) bool { return deadline.Due(at, s.now) }

// answerHeartbeatRequest answers at once if that leaves room for the beats
// that are due anyway. Otherwise one heartbeat answers for all requests, as soon
// as there is room: a server that asks without end must not make the client
// exceed the limit of messages.
//
// https://discord.com/developers/docs/events/gateway#heartbeat-requests
func (s *GatewayState) answerHeartbeatRequest(textWriter io.Writer) error {
	if !s.beatAt.IsZero() && s.now.Before(s.beatAt) {
		return nil
	}
	take := s.commands.Take
	if b, ok := s.commands.(HeartbeatBudget); ok {
		take = b.Answer
	}
	if retryAt, ok := take(s.now); !ok {
		if s.beatAt = retryAt; !retryAt.After(s.now) {
			s.beatAt = s.now.Add(limiterPause)
		}
		return nil
	}
	msg, err := s.encode(command.Heartbeat, s.heartbeatData())
	if err != nil {
		return err
	}
	if err := s.writeMessage(textWriter, msg); err != nil {
		return err
	}
	s.wrote(command.Heartbeat)
	return nil
}

// startHeart arms the heartbeat.
func (s *GatewayState) startHeart(interval time.Duration) {
	// Discord wants the first beat after a random share of the interval:
	// https://discord.com/developers/docs/events/gateway#heartbeat-interval
	s.heart.Start(s.now, interval, s.jitter())
	if b, ok := s.commands.(HeartbeatBudget); ok {
		// The beats of a minute, identify or resume, and one answer to a request.
		b.Reserve(min(int(time.Minute/interval)+3, maxReserved))
	}
}

// maxReserved bounds the share of the 120 messages a minute that is kept for
// heartbeats. Only servers made for tests ask for so many.
const maxReserved = 60
