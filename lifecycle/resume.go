package lifecycle

import (
	"errors"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
)

const (
	// stable is how long a new session must live to count as a success. A
	// session that breaks soon after READY, again and again, must not be
	// started quickly.
	stable = time.Minute

	// alive is how long a resumed session must live to count as a success when
	// its sequence number does not grow. Resuming costs nothing of any limit, but a
	// server that cuts every connection right after RESUMED must not be met without end.
	alive = 10 * time.Second

	// maxRefusals is how often in a row RESUME may be answered by nothing good,
	// and refusalTime over what time at least, before the session is given up.
	maxRefusals = 3
	refusalTime = time.Minute

	// takenWithin is how soon after RESUMED a close with 4000 counts as a
	// session that was resumed elsewhere.
	takenWithin = time.Minute
)

// ErrNotPermitted is matched by the error of a connection that the caller ended
// because it may not log in any more. It is not counted as a failure.
var ErrNotPermitted = errors.New("lifecycle: not permitted")

// refusals are the connections in a row on which RESUME was written and neither
// RESUMED nor an event came.
type refusals struct {
	times     int
	since     time.Time // when the first one ended
	resumeURL bool      // one of them was at the resume URL, or that does not work
	ordinary  bool      // one of them was at the ordinary URL
}

// An End is how a connection ended.
type End struct {
	Err     error           // what the state or the network said
	Session gateway.Session // of the state, the zero Session if it has none
	Seq     int64           // last sequence number that was received
	Traffic Traffic

	// Own says that the caller ended the connection on its own account. It is
	// then neither a failure nor an answer.
	Own bool
}

// Ended says that the connection is over. The machine decides what follows: a
// new connection after a wait, with the session or without, or the end.
func (s *Shard) Ended(now time.Time, e End) error {
	if err := s.legal(onEnded); err != nil {
		return err
	}
	s.advance(now)
	e.Own = e.Own || errors.Is(e.Err, ErrNotPermitted)
	had := s.session.ID != "" || s.activated
	if e.Err != nil || s.phase != ShardLeaving {
		s.err = e.Err
	}
	s.count(e)
	s.noteElsewhere(e)
	if decision(e.Err) == closecode.Stop {
		s.session = e.Session
		s.enter(ShardStopped)
		return nil
	}
	s.follow(e.Session, e.Seq)
	why := s.keep(e, had)
	s.avoidURL = s.atResumeURL && !s.activated
	failures := s.failures
	if errors.Is(e.Err, ErrNotPermitted) {
		why, failures = BecauseNotPermitted, max(1, failures)
	}
	s.wait(why, s.now.Add(s.backoff.Wait(failures, s.random())))
	return nil
}

// decision returns what the table of the connection says.
func decision(err error) closecode.Decision {
	var discord *gateway.DiscordError
	if !errors.As(err, &discord) || discord.CloseCode == closecode.HeartbeatAckNotReceived {
		return closecode.Resume
	}
	return discord.Decision()
}

// count counts failures in a row. Only a sequence number that grows is
// progress: a server may replay the same event for ever.
func (s *Shard) count(e End) {
	if e.Own {
		return
	}
	lasted := s.now.Sub(s.activeAt)
	grown := e.Seq > s.best
	if s.activated {
		grown = s.replayed || e.Seq > max(s.activeSeq, s.best)
	}
	if s.resumes && grown || s.activated && (lasted >= stable || s.resumes && lasted >= alive) {
		s.failures = 0
		return
	}
	s.failures = min(s.failures+1, maxCount)
}

// noteElsewhere counts how often the session was taken away.
func (s *Shard) noteElsewhere(e End) {
	var discord *gateway.DiscordError
	taken := errors.As(e.Err, &discord) && discord.CloseCode == closecode.UnknownError
	switch {
	case !s.activated:
	case taken && s.resumes && s.now.Sub(s.activeAt) < takenWithin:
		s.taken = min(s.taken+1, maxCount)
	default:
		s.taken = 0
	}
}

// keep decides whether the session is kept, and returns why the shard waits.
func (s *Shard) keep(e End, had bool) ShardReason {
	switch {
	case s.session.ID == "":
		if had {
			return BecauseSessionEnded
		}
		return BecauseLost
	case decision(e.Err) == closecode.Identify, s.triedInVain(e):
		s.forget()
		return BecauseSessionEnded
	case s.isUnreadable(e):
		s.forget()
		return BecauseSessionUnreadable
	case s.isDead(e):
		s.forget()
		return BecauseSessionDead
	}
	return BecauseLost
}

// triedInVain reports whether Discord answered RESUME with a code for which its
// own table asks for a new session.
func (s *Shard) triedInVain(e End) bool {
	var discord *gateway.DiscordError
	return s.resumes && !s.activated && errors.As(e.Err, &discord) &&
		discord.CloseCode != 0 && discord.CloseCode.Decision() == closecode.Identify
}

func (s *Shard) isDead(e End) bool {
	if !s.resumes || e.Own {
		return false
	}
	if s.activated || e.Traffic.Events > s.handshake.first.Events {
		s.refusals = refusals{}
		return false
	}
	r := &s.refusals
	if r.times == 0 {
		r.since = s.now
	}
	r.times++
	r.ordinary = r.ordinary || !s.atResumeURL
	r.resumeURL = r.resumeURL || s.atResumeURL || s.session.ResumeURL == ""
	return r.times >= maxRefusals && r.ordinary && r.resumeURL && s.now.Sub(r.since) >= refusalTime
}

// forget gives the session up.
func (s *Shard) forget() { s.follow(gateway.Session{}, 0) }
