package lifecycle

import (
	"encoding/json"
	"math/rand/v2"
	"time"

	"github.com/discordpkg/gateway"
)

// A Shard is the life of one shard over all of its connections. It is not safe
// for concurrent use. See the package comment for how to drive it.
//
// What follows a close code is decided by the state of the connection, see
// [gateway.WithDecision]. Give it [github.com/discordpkg/gateway/closecode.ResumeFirst]: after 4009 (session
// timed out) the session is tried once before it is given up, and loses no
// events if Discord still has it.
//
// Each input takes the time at which it happened. Times before that of an
// earlier input are taken for that one.
type Shard struct {
	backoff Backoff
	limits  Limits
	random  func() float64
	stored  ShardState // of a former process, until Start

	phase    ShardPhase
	now      time.Time // last time the caller told
	session  gateway.Session
	best     int64 // highest sequence number that was received in session
	presence json.RawMessage

	failures  int         // connections in a row that came to nothing
	why       ShardReason // of waiting
	until     time.Time   // end of waiting
	notBefore time.Time   // until when a server asked to wait
	err       error       // why the last connection ended or was not opened

	atResumeURL bool // where the connection was dialed
	avoidURL    bool // the resume URL did not work the last time
	resumes     bool // the connection wrote resume, not identify
	activated   bool // the connection became active
	activeAt    time.Time
	activeSeq   int64 // last sequence number by then
	replayed    bool  // new events came before RESUMED

	handshake
	refusals
	place unreadable
	taken int // how often in a row the session was taken away soon after it was resumed
}

// NewShard returns a shard that has not been started.
func NewShard(options ...ShardOption) (*Shard, error) {
	s := &Shard{random: rand.Float64}
	s.backoff, _ = Backoff{}.WithDefaults()
	s.limits, _ = Limits{}.WithDefaults()
	for _, o := range options {
		if err := o(s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Phase returns where the shard is in its life.
func (s *Shard) Phase() ShardPhase { return s.phase }

// Session returns the session that the next connection resumes, the zero
// Session when there is none. While a connection is active it is the one that
// the connection began or resumed; its sequence number is then an old one, ask
// the state of the connection for the current one.
func (s *Shard) Session() gateway.Session { return s.session }

// Elsewhere returns how often in a row Discord took the session away within a
// minute of resuming it, with close code 4000. That is what it does when
// another process resumes the same session. From three times on a bot most
// likely runs twice.
func (s *Shard) Elsewhere() int { return s.taken }

// NextDeadline returns the time at which HandleTimeout must be called, zero
// when nothing is scheduled.
func (s *Shard) NextDeadline() time.Time {
	switch s.phase {
	case ShardWaiting:
		return s.until
	case ShardConnected, ShardAuthenticating:
		return s.handshake.next(s.limits)
	}
	return time.Time{}
}

// HandleTimeout does what is due at now: it ends a wait, or gives up a
// connection on which Discord does not say what it has to say. An early call
// does nothing. Traffic is that of the connection, if there is one.
func (s *Shard) HandleTimeout(now time.Time, t Traffic) {
	s.advance(now)
	if at := s.NextDeadline(); at.IsZero() || s.now.Before(at) {
		return
	}
	if s.phase == ShardWaiting {
		s.ask()
		return
	}
	if s.handshake.judge(s.now, t, s.limits, s.phase == ShardAuthenticating) {
		return
	}
	s.err = s.overdue()
	s.enter(ShardLeaving)
}

// Start begins the life of a shard, or ends a wait at once, or begins again
// after a stop.
func (s *Shard) Start(now time.Time) error {
	if err := s.legal(onStart); err != nil {
		return err
	}
	s.advance(now)
	if s.phase == ShardNew {
		s.restore()
		if s.now.Before(s.notBefore) {
			s.wait(BecauseHost, s.notBefore)
			return nil
		}
	}
	s.ask()
	return nil
}

// A Grant is the answer to ShardAsk.
type Grant struct {
	// AvoidResumeURL sends the shard to the ordinary URL, because the resume
	// URL is not allowed, or its host does not answer.
	AvoidResumeURL bool
}

// Granted lets the shard dial.
func (s *Shard) Granted(now time.Time, g Grant) error {
	if err := s.legal(onGranted); err != nil {
		return err
	}
	s.advance(now)
	wanted := s.wantsResumeURL()
	s.atResumeURL = wanted && !g.AvoidResumeURL
	if wanted && !s.atResumeURL {
		s.refusals.resumeURL = true // it cannot be tried
	}
	s.enter(ShardDialing)
	return nil
}

// Refused makes the shard wait until a time and then ask again. It is not
// counted as a failure. A time that is not later than now makes it wait as long
// as after a failed dial.
func (s *Shard) Refused(now, until time.Time, why ShardReason) error {
	if err := s.legal(onRefused); err != nil {
		return err
	}
	s.advance(now)
	if !until.After(s.now) {
		until = s.now.Add(s.backoff.Wait(max(1, s.failures), s.random()))
	}
	s.wait(why, until)
	return nil
}

// Dialed says that a connection was opened where the decision said.
func (s *Shard) Dialed(now time.Time) error {
	if err := s.legal(onDialed); err != nil {
		return err
	}
	s.advance(now)
	s.resumes, s.activated = false, false
	s.handshake.begin(s.now, Traffic{})
	s.enter(ShardConnected)
	return nil
}

// A DialFailure is why no connection could be opened.
type DialFailure struct {
	Err error

	// RetryAfter is how long the server asked to wait, zero if it did not:
	// see [RetryAfter]. More than [MaxRetryAfter] is cut to it.
	RetryAfter time.Duration
}

// DialFailed says that no connection could be opened. After a failure at the
// resume URL the ordinary one is tried at once.
func (s *Shard) DialFailed(now time.Time, f DialFailure) error {
	if err := s.legal(onDialFailed); err != nil {
		return err
	}
	s.advance(now)
	s.err = f.Err
	if s.atResumeURL {
		s.avoidURL, s.refusals.resumeURL = true, true
		s.ask()
		return nil
	}
	// The next round begins at the resume URL again.
	s.avoidURL = false
	s.failures = min(s.failures+1, maxCount)
	until := s.now.Add(s.backoff.Wait(s.failures, s.random()))
	why := BecauseDialFailed
	if asked := min(f.RetryAfter, MaxRetryAfter); asked > 0 {
		// Shards that were refused together must not come back together.
		s.notBefore = s.now.Add(asked + time.Duration(s.random()*float64(asked/4)))
		if s.notBefore.After(until) {
			until, why = s.notBefore, BecauseHost
		}
	}
	s.wait(why, until)
	return nil
}

// Hello says that Hello came.
func (s *Shard) Hello(now time.Time) error {
	if err := s.legal(onHello); err != nil {
		return err
	}
	s.advance(now)
	s.enter(ShardGreeted)
	return nil
}

// Authenticated says that the connection wrote resume (true) or identify.
func (s *Shard) Authenticated(now time.Time, resume bool, t Traffic) error {
	if err := s.legal(onAuthenticated); err != nil {
		return err
	}
	s.advance(now)
	s.resumes = resume
	s.handshake.begin(s.now, t)
	s.enter(ShardAuthenticating)
	return nil
}

// Activated says that READY or RESUMED came, of which session, and what was the
// last sequence number that was received, that of READY or RESUMED included.
func (s *Shard) Activated(now time.Time, session gateway.Session, seq int64) error {
	if err := s.legal(onActivated); err != nil {
		return err
	}
	s.advance(now)
	s.activated, s.activeAt, s.activeSeq = true, s.now, seq
	s.replayed = s.resumes && session.ID == s.session.ID && seq-1 > s.best // RESUMED has a number of its own
	s.follow(session, 0)
	s.refusals = refusals{}
	s.notBefore = time.Time{}
	s.enter(ShardActive)
	return nil
}

// Observe tells the shard what the state of the connection shows: Hello,
// identify or resume, READY or RESUMED. It may be called at any time during a
// connection; it is cheap, and does nothing once the shard is active.
func (s *Shard) Observe(now time.Time, state *gateway.GatewayState, t Traffic) {
	if s.phase == ShardConnected && !state.NextDeadline().IsZero() {
		_ = s.Hello(now)
	}
	if s.phase == ShardGreeted && state.HaveIdentified() {
		_ = s.Authenticated(now, state.HaveSessionID(), t)
	}
	if s.phase == ShardAuthenticating && state.Active() {
		session, _ := state.Session()
		_ = s.Activated(now, session, state.SequenceNumber())
	}
}

// Woken says that the network is back: a wait that is due to a failure ends at
// the given time, if it would be longer. Other waits go on.
func (s *Shard) Woken(now, at time.Time) error {
	if err := s.legal(onWoken); err != nil {
		return err
	}
	s.advance(now)
	if at.Before(s.notBefore) {
		at = s.notBefore // a server asked for it
	}
	if s.why.Wakeable() && at.Before(s.until) {
		s.until = at
	}
	return nil
}

// Stop ends the life of the shard. The session stays. Err is what the decision
// names then. While there is a connection, Ended ends the life instead.
func (s *Shard) Stop(now time.Time, err error) error {
	if err := s.legal(onStop); err != nil {
		return err
	}
	s.advance(now)
	s.err = err
	s.enter(ShardStopped)
	return nil
}

func (s *Shard) advance(now time.Time) {
	if now.After(s.now) {
		s.now = now
	}
}

func (s *Shard) ask() { s.enter(ShardAsking) }

func (s *Shard) wait(why ShardReason, until time.Time) {
	s.why, s.until = why, until
	s.enter(ShardWaiting)
}

func (s *Shard) wantsResumeURL() bool {
	return s.session.ID != "" && s.session.ResumeURL != "" && !s.avoidURL
}

// follow notes the session that the connection has, and how far it was received.
func (s *Shard) follow(session gateway.Session, seq int64) {
	if session.ID != s.session.ID {
		s.best, s.refusals, s.place, s.taken, s.avoidURL = 0, refusals{}, unreadable{}, 0, false
	}
	s.session = session
	s.best = max(s.best, session.Seq, seq)
}
