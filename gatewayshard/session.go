package gatewayshard

import "github.com/discordpkg/gateway"

// Session returns what another shard, in this process or the next, resumes
// with: see [gateway.WithSession]. It reports false when there is no session.
//
// With [gateway.WithManualAcknowledge] it never names an event that was not
// given to [Shard.Acknowledge].
func (s *Shard) Session() (gateway.Session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	session, ok := s.state.Session()
	if ok && s.lag.holds(session.ID) {
		session.Seq = s.lag.acked
	}
	return session, ok
}

// Acknowledge tells the shard that every event up to the sequence number was
// dealt with, see [gateway.WithManualAcknowledge] and [Config].PayloadHandler.
func (s *Shard) Acknowledge(seq int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Acknowledge(seq)
	if seq <= s.state.SequenceNumber() {
		s.lag.acknowledge(seq)
	}
}

// A lag is what was received on an earlier connection, and is not acknowledged
// yet. The next connection must not receive it again, and the session that is
// stored must not name it.
type lag struct {
	session  string
	acked    int64
	received int64
}

func (l *lag) holds(session string) bool { return l.session == session && l.acked < l.received }

func (l *lag) acknowledge(seq int64) { l.acked = max(l.acked, seq) }

// carry returns the session for the next connection, and what of it is not
// acknowledged. The caller holds mu.
func (s *Shard) carry() (gateway.Session, lag) {
	session, ok := s.state.Session()
	if !ok {
		return gateway.Session{}, lag{}
	}
	acked := session.Seq
	if s.lag.holds(session.ID) {
		acked = s.lag.acked
	}
	session.Seq = s.state.SequenceNumber()
	return session, lag{session: session.ID, acked: acked, received: session.Seq}
}
