package voiceshard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/internal/rtp"
)

// A step is what a session does next.
type step uint8

const (
	stepJoin        step = iota // ask the main gateway for the channel
	stepRejoin                  // leave, and ask for it again
	stepConnect                 // with what is known: a new introduction, or a session to resume
	stepAwaitMove               // the voice server has closed; where to?
	stepAwaitServer             // the voice server is gone, Discord looks for another one
)

// failures are what went wrong in a row.
type failures struct {
	total  int // since audio flowed for a while
	resume int // since the session was new, or resumed
}

// resumeAttempts is how often in a row a session is tried to be resumed before
// the main gateway is asked for a new one.
const resumeAttempts = 3

// run is the goroutine of a session.
func (s *Session) run() {
	if s.last != nil {
		<-s.last.done // its last command is that the bot leaves
		s.last = nil
	}
	s.finish(s.supervise())
}

// supervise connects and connects again until the session ends.
func (s *Session) supervise() error {
	next, cause := stepJoin, error(nil)
	for {
		err := s.introduce(next, cause)
		switch {
		case err == nil:
			cause = s.connect()
		case s.unanswered(err):
			cause = err
		default:
			return err
		}
		if s.ctx.Err() != nil {
			return context.Cause(s.ctx)
		}
		if next, err = s.judge(cause); err != nil {
			return err
		}
	}
}

// unanswered reports whether an error of the main gateway is a reason to try
// again. For the first command it is not, but the answer to Join.
func (s *Session) unanswered(err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	var silence *NoAnswerError
	return s.connects > 0 && (errors.Is(err, errUntold) || errors.As(err, &silence))
}

// judge decides how to go on after a connection, and waits if it has to.
func (s *Session) judge(cause error) (step, error) {
	var refusal *gateway.VoiceError
	switch {
	case errors.Is(cause, errIntroduced):
		return stepConnect, nil
	case errors.Is(cause, errUnallocated):
		return stepAwaitServer, nil
	case errors.Is(cause, rtp.ErrNoMode):
		return 0, cause
	case errors.As(cause, &refusal) && refusal.Decision == closecode.Stop:
		overtaken, err := s.overtaken(refusal)
		if err != nil {
			return 0, err
		}
		if !overtaken {
			return 0, fmt.Errorf("voiceshard: %w", refusal)
		}
	}
	next := s.decide(cause)
	if next == stepAwaitMove {
		return next, nil // which Discord bounds, nothing happens without its events
	}
	f := s.countFailure()
	if f.total > s.voice.config.backoff.Attempts {
		return 0, fmt.Errorf("%w: the last of %d attempts: %w", ErrUnreachable, f.total, cause)
	}
	wait := s.voice.config.backoff.wait(f.total - 1)
	s.log.Warn("voice connection lost, connecting again", "err", cause, "failures", f.total, "wait", wait, "rejoin", next == stepRejoin)
	return next, s.pause(wait)
}

// overtakeTime is how long the events may take that explain why a token has
// become wrong.
const overtakeTime = time.Second

// overtaken reports whether a refusal is no reason to stop: the token was wrong
// because there is a newer one, as when the bot is moved twice in a row, or will
// be if the main gateway is asked.
func (s *Session) overtaken(refusal *gateway.VoiceError) (bool, error) {
	if refusal.CloseCode != closecode.VoiceAuthenticationFailed {
		return false, nil
	}
	newer, err := s.await(overtakeTime, nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	return newer || s.connects > 0, err
}

// decide returns the step that an error asks for.
func (s *Session) decide(cause error) step {
	s.mu.Lock()
	defer s.mu.Unlock()
	var v *gateway.VoiceError
	if errors.As(cause, &v) {
		switch v.Decision {
		case closecode.WaitForMove:
			return stepAwaitMove
		case closecode.NewSession, closecode.Identify:
			return stepRejoin
		}
	}
	hopeless := s.session.Token == "" || s.failures.resume+1 >= resumeAttempts
	for _, e := range []error{errMedia, errWornOut, errUntold} {
		hopeless = hopeless || errors.Is(cause, e)
	}
	var silence *NoAnswerError
	if hopeless || errors.As(cause, &silence) {
		return stepRejoin
	}
	return stepConnect
}

// countFailure returns the failures in a row, the last connection included.
func (s *Session) countFailure() failures {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures.total++
	s.failures.resume++
	return s.failures
}

// pause waits, but not longer than until the main gateway names a voice server.
func (s *Session) pause(wait time.Duration) error {
	_, err := s.await(wait, nil)
	return err
}

// await waits for a new introduction, or until something else is so. It reports
// false when the time is up.
func (s *Session) await(limit time.Duration, or func() bool) (bool, error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		s.mu.Lock()
		ok, _ := s.intro.ready(time.Now())
		ok = ok || or != nil && or()
		changed := s.changed
		s.mu.Unlock()
		if ok {
			return true, nil
		}
		select {
		case <-changed:
		case <-timer.C:
			return false, nil
		case <-s.ctx.Done():
			return false, context.Cause(s.ctx)
		}
	}
}
