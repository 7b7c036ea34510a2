package gatewayshard

import (
	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/lifecycle"
)

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
