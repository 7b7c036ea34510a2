package gatewayshard

import (
	"errors"
	"io"

	"github.com/discordpkg/gateway"
)

// maxImpasse is how often the same place of a session may be unreadable for
// the same reason. What is resumed is replayed, and so is a message that is too
// large or makes no sense: the session would never get past it.
const maxImpasse = 3

// An impasse is the place where a session could not be read, and how often.
type impasse struct {
	session string
	seq     int64
	reason  string
	times   int
}

// abandonImpasse gives the session up if resuming it leads to the same error
// again and again: the next connection identifies. Connections that were lost
// for other reasons do not count. It reports the session that is given up. The
// caller holds mu.
func (s *Shard) abandonImpasse(err error) (at impasse, abandoned bool) {
	session := s.state.SessionID()
	if session == "" || !errors.Is(err, gateway.ErrMalformed) {
		return at, false
	}
	at = impasse{session: session, seq: s.state.SequenceNumber(), reason: err.Error(), times: s.impasse.times}
	if at != s.impasse {
		at.times = 0
	}
	at.times++
	if s.impasse = at; at.times < maxImpasse {
		return at, false
	}
	s.state.InvalidateSession(io.Discard)
	s.impasse = impasse{}
	s.stats.Abandoned++
	return at, true
}

func (s *Shard) logAbandoned(at impasse) {
	s.log.Error("session given up, it cannot be read past this place",
		"err", at.reason, "session", at.session, "seq", at.seq, "times", at.times)
}
