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
	return s.state.Session()
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
	acked := session.Seq
	if ok {
		session.Seq = s.state.SequenceNumber()
	}
	// The fields one by one too: the user's own WithSessionID was for the
	// first connection only.
	return []gateway.Option{gateway.WithSession(session), gateway.WithSessionID(session.ID),
		gateway.WithSequenceNumber(session.Seq), gateway.WithAcknowledgedSequence(acked)}
}
