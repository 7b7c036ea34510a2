package voiceshard

import (
	"context"
	"errors"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/lifecycle"
)

// A target is a connection that the life of the session asks for.
type target struct {
	ctx     context.Context // ends when the connection must, its cause is why
	cancel  context.CancelCauseFunc
	session gateway.VoiceSession
}

// run is the goroutine of a session. It makes one connection after another.
func (s *Session) run() {
	if s.last != nil {
		<-s.last.done // its last command is that the bot leaves
		s.last = nil
	}
	s.input(s.life.Join)
	for {
		t := s.nextTarget()
		if t == nil {
			s.finish()
			return
		}
		s.connect(t)
	}
}

// nextTarget waits for the next connection to make, nil when the session has
// ended. Without a session that can be resumed there is no way for audio.
func (s *Session) nextTarget() *target {
	for {
		s.mu.Lock()
		t, stopped, changed := s.target, s.stopped, s.changed
		s.target = nil
		mute := s.media != nil && !s.life.Resumable()
		s.mu.Unlock()
		switch {
		case t != nil || stopped:
			return t
		case mute:
			s.closeMedia()
		default:
			<-changed
		}
	}
}

// input tells the life of the session what happened, and carries out what it
// decides.
func (s *Session) input(happened func(now time.Time)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	happened(now)
	s.follow(now)
}

// follow carries out decisions until there are none. The caller holds mu.
func (s *Session) follow(now time.Time) {
	defer s.wakeUp()
	if err := s.life.Err(); err != nil {
		s.cancel(err) // what waits for the main gateway or a dial ends
	}
	for {
		switch d := s.life.Next(); d.Do {
		case lifecycle.VoiceTell:
			ctx := s.ctx
			if s.life.Err() != nil {
				ctx = context.Background()
			}
			s.wg.Go(func() { s.tellGateway(ctx, d.Command) })
		case lifecycle.VoiceConnect:
			t := &target{session: d.Session}
			t.ctx, t.cancel = context.WithCancelCause(s.ctx)
			s.target, s.interrupt = t, t.cancel
		case lifecycle.VoiceHangUp:
			s.interruptWith(d.Err)
		case lifecycle.VoiceStop:
			s.stopped = true
			return
		default:
			s.ringAt(now, d.Until)
			return
		}
	}
}

// ringAt lets the life of the session be told when a deadline has come. The
// caller holds mu.
func (s *Session) ringAt(now, at time.Time) {
	switch {
	case at.IsZero():
	case s.timer == nil:
		s.timer = time.AfterFunc(at.Sub(now), func() { s.input(s.life.HandleTimeout) })
	default:
		s.timer.Reset(at.Sub(now))
	}
}

// end makes the session end, for the first reason that is given.
func (s *Session) end(err error) {
	s.input(func(time.Time) { s.life.Leave(err) })
}

// interruptWith ends the connection, if there is one. The caller holds mu.
func (s *Session) interruptWith(err error) {
	if s.interrupt != nil {
		s.interrupt(err)
	}
}

// ended tells the life of the session how a connection ended.
func (s *Session) ended(t *target, session gateway.VoiceSession, err error) {
	t.cancel(nil)
	s.input(func(now time.Time) {
		s.conn, s.interrupt = nil, nil
		s.life.Ended(now, lifecycle.VoiceEnd{Session: session, Err: err, Decision: s.decisionAfter(err)})
		if s.life.Phase() == lifecycle.VoiceBackoff {
			s.log.Warn("voice connection lost, connecting again", "err", err,
				"failures", s.life.Failures(), "wait", s.life.NextDeadline().Sub(now), "rejoin", s.life.Rejoins())
		}
	})
}

// decisionAfter returns what follows an error: that of the table of close
// codes, but for errors that come from the datagrams or a certificate. Those do
// not go away by themselves: a session that has never been connected stops at the
// first certificate that is refused, and when UDP has failed twice. The caller
// holds mu.
func (s *Session) decisionAfter(err error) closecode.Decision {
	first := s.life.Connects() == 0
	switch {
	case errors.Is(err, rtp.ErrNoMode), first && distrusted(err), first && errors.Is(err, errMedia) && s.life.Failures() > 0:
		return closecode.Stop
	case errors.Is(err, errMedia), errors.Is(err, errWornOut), distrusted(err):
		return closecode.NewSession
	}
	return lifecycle.VoiceDecisionAfter(err)
}

// currentPhase returns what the session is doing. The caller holds mu.
func (s *Session) currentPhase() Phase {
	switch s.life.Phase() {
	case lifecycle.VoiceNew, lifecycle.VoiceJoining:
		return Joining
	case lifecycle.VoiceConnecting:
		return Connecting
	case lifecycle.VoiceResuming:
		return Resuming
	case lifecycle.VoiceConnected:
		return Connected
	case lifecycle.VoiceBackoff:
		if s.life.Resumable() {
			return Resuming
		}
	case lifecycle.VoiceEnded:
		if s.over {
			return Ended
		}
	}
	return Waiting
}
