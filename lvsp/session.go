package lvsp

import (
	"slices"
	"time"
)

// A session is what outlives the link of a backend: the numbers, and the
// messages that may have been lost.
type session struct {
	b  *backend
	s  *Server
	id string

	dialect  Dialect
	certain  bool      // the dialect does not change any more
	decideBy time.Time // while messages are held
	held     []Info    // until the dialect is known

	link     *Link     // nil while there is none
	expires  time.Time // while there is no link
	over     bool
	received int64 // requests

	seq    int64 // of the next message
	replay []numbered
	bytes  int
}

type numbered struct {
	seq  int64
	at   time.Time
	data []byte
}

// send sends a message to the backend, now or when it resumes.
func (se *session) send(now time.Time, in Info) {
	switch {
	case se.over:
		return
	case se.dialect == ByEvidence:
		if len(se.held) == 0 {
			se.decideBy = now.Add(se.s.cfg.undecided)
		}
		se.held = append(se.held, in)
		if len(se.held) > se.s.cfg.queue {
			se.decide(now, Final, false)
		}
		return
	case se.dialect == Wire2022 && in.Type == ChannelAssign:
		return // the peer would close the link over it
	}
	data, ok := AppendInfo(nil, se.dialect, se.seq, in)
	if !ok {
		return
	}
	se.keep(now, numbered{se.seq, now, data})
	se.seq++
	if l := se.link; l != nil {
		l.sendFrame(now, data)
	}
}

// keep puts a message into the replay buffer, and what is too much or too old
// out of it.
func (se *session) keep(now time.Time, n numbered) {
	cfg := &se.s.cfg
	se.replay = append(se.replay, n)
	se.bytes += len(n.data)
	drop := 0
	for drop < len(se.replay) {
		first := &se.replay[drop]
		if len(se.replay)-drop <= cfg.replay && se.bytes <= cfg.replayBytes && now.Sub(first.at) <= cfg.window {
			break
		}
		se.bytes -= len(first.data)
		*first = numbered{}
		drop++
	}
	se.replay = se.replay[drop:]
}

// acked forgets what the backend has received. It cannot have received what
// was not sent.
func (se *session) acked(seq int64) {
	n := 0
	for n < len(se.replay) && se.replay[n].seq <= seq && seq < se.seq {
		se.bytes -= len(se.replay[n].data)
		se.replay[n] = numbered{}
		n++
	}
	se.replay = se.replay[n:]
}

// canReplay reports whether everything after seq is still there.
func (se *session) canReplay(seq int64) bool {
	first := se.seq
	if len(se.replay) > 0 {
		first = se.replay[0].seq
	}
	return seq >= first-1 && seq < se.seq
}

// count returns the number of a request that arrived.
func (se *session) count() int64 {
	se.received++
	return se.received
}

// receivedSoFar is what Ready and HeartbeatACK say in the extended dialect.
func (se *session) receivedSoFar() *int64 {
	if se.dialect != Extended {
		return nil
	}
	n := se.received
	return &n
}

func (se *session) end() {
	se.over, se.replay, se.held, se.decideBy = true, nil, nil, time.Time{}
}

// maxDetached is how many sessions of one backend wait to be resumed.
const maxDetached = 4

// detach leaves a session to be resumed, and its channels and voice states to
// be claimed.
func (s *Server) detach(now time.Time, se *session) {
	se.link, se.expires = nil, now.Add(s.cfg.window)
	se.b.mark(se, now.Add(se.patience()))
	waiting := 0
	for i := len(se.b.sessions) - 1; i >= 0; i-- {
		if old := se.b.sessions[i]; old.link == nil {
			if waiting++; waiting > maxDetached {
				old.end()
				se.b.sessions = slices.Delete(se.b.sessions, i, i+1)
			}
		}
	}
}

// patience returns how long a session that lost its link is waited for: not
// long if the backend has another, which may be the one that replaced it.
func (se *session) patience() time.Duration {
	for _, other := range se.b.sessions {
		if other.link != nil {
			return se.s.cfg.grace
		}
	}
	return se.s.cfg.linger
}
