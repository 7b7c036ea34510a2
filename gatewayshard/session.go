package gatewayshard

import (
	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/lifecycle"
)

// Session returns what another shard, in this process or the next, resumes
// with: see [gateway.WithSession]. It reports false when there is no session.
//
// It never names an event that was not given to the handler yet, and
// with [gateway.WithManualAcknowledge] it never names an event that was not
// given to [Shard.Acknowledge].
func (s *Shard) Session() (gateway.Session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	session, ok := s.state.Session()
	session.Seq = s.delivered(session)
	return session, ok
}

// Undelivered is the first event of a session that was received and did not
// reach the handler, because that ended the event loop.
type undelivered struct {
	session string
	first   int64 // zero: none
}

// delivered returns the session's sequence number, or that of the last event before those
// that wait for the handler. The caller holds mu.
func (s *Shard) delivered(session gateway.Session) int64 {
	first := int64(0)
	if s.lost.session == session.ID {
		first = s.lost.first
	}
	if s.conn != nil && len(s.conn.ahead.events) > 0 {
		first = s.conn.ahead.first()
	}
	if first > 0 && session.Seq >= first {
		return first - 1
	}
	return session.Seq
}

// Acknowledge tells the shard that every event up to the sequence number was
// dealt with, see [gateway.WithManualAcknowledge] and [Config].PayloadHandler.
func (s *Shard) Acknowledge(seq int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Acknowledge(seq)
}

// carry returns options that make the state of the next connection continue
// the session of the last one: what was received is not delivered again, and
// what was not acknowledged is not named. The caller holds mu.
func (s *Shard) carry() []gateway.Option {
	session, ok := s.state.Session()
	acked := s.delivered(session)
	if ok {
		session.Seq = s.state.SequenceNumber()
		session.Seq = s.delivered(session)
	}
	// The fields one by one too: the user's own WithSessionID was for the
	// first connection only.
	return []gateway.Option{gateway.WithSession(session), gateway.WithSessionID(session.ID),
		gateway.WithSequenceNumber(session.Seq), gateway.WithAcknowledgedSequence(acked)}
}

// A Progress is how far a shard is in its session, at one moment.
type Progress struct {
	// Session is what [Shard.Session] returns, zero without a session.
	Session gateway.Session

	// State is what else the next process needs to know, see [Config].State.
	State lifecycle.ShardState

	// Received is the sequence number of the last event received, wanted or
	// not, before those that were read ahead and wait for the handler.
	Received int64

	// Handling reports that the handler has not returned from an event that
	// was received, or was not called with it yet. If it is false, the handler
	// has returned from every wanted event up to Received.
	Handling bool
}

// Progress returns a consistent snapshot, for a caller that keeps account of
// what its handler has finished. It does not wait for anything.
func (s *Shard) Progress() Progress {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := Progress{State: s.life.State(), Handling: s.conn != nil && s.conn.duty.Load() != reading}
	p.Session, _ = s.state.Session()
	p.Session.Seq = s.delivered(p.Session)
	p.Received = s.delivered(gateway.Session{ID: p.Session.ID, Seq: s.state.SequenceNumber()})
	return p
}

// AcknowledgeSession is [Shard.Acknowledge] for a caller that may be late: it
// does nothing if the shard has another session by now.
func (s *Shard) AcknowledgeSession(session string, seq int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.SessionID() == session {
		s.state.Acknowledge(seq)
	}
}
