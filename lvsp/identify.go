package lvsp

import "time"

// authenticate returns the backend whose token it is, and whether it was the
// plain secret. It compares all of them, whichever is right.
func (l *Link) authenticate(token string) (found *backend, plain bool) {
	for _, b := range l.s.backends {
		if b.sign.accepts(l.nonce, token) {
			found, plain = b, false
		}
		if b.plain != nil && b.plain.accepts("", token) {
			found, plain = b, true
		}
	}
	return found, plain
}

var errAuthentication = &closeError{AuthenticationFailed, "authentication failed"}

func (l *Link) handleIdentify(now time.Time, m message) error {
	var id Identify
	if err := m.decode(&id); err != nil {
		return err
	}
	b, plain := l.authenticate(id.Token)
	if b == nil {
		return errAuthentication
	}
	name, err := newNonce(l.s.cfg.random, sessionLength)
	if err != nil {
		return &closeError{GeneralError, "no randomness"}
	}
	se := &session{b: b, s: l.s, id: name, dialect: b.dialect, certain: b.dialect != ByEvidence}
	if d, ok := ParseDialect(id.Dialect); ok && !se.certain {
		se.dialect, se.certain = d, true
	} else if plain && !se.certain {
		se.dialect = Seed
	}
	b.sessions = append(b.sessions, se)
	b.rush(now.Add(l.s.cfg.grace))
	l.attach(now, se)
	return nil
}

// sessionLength is the number of random characters in a session id, which
// cannot be guessed.
const sessionLength = 32

// handleResume sends what was missed, and then READY: the order of the first
// document.
func (l *Link) handleResume(now time.Time, m message) error {
	var r Resume
	if err := m.decode(&r); err != nil {
		return err
	}
	b, _ := l.authenticate(r.Token)
	if b == nil {
		return errAuthentication
	}
	seq := int64(-1)
	if r.Seq != nil {
		seq = *r.Seq
	}
	se := b.resumable(r.Session)
	if se == nil || !se.canReplay(seq) {
		return &closeError{GeneralError, "session cannot be resumed, identify"}
	}
	if old := se.link; old != nil {
		old.session = nil // it does not take the session with it
		old.fail(now, GeneralError, "session resumed elsewhere")
	}
	se.acked(seq)
	for _, n := range se.replay {
		l.push(Frame{Kind: FrameText, Data: n.data})
	}
	b.mark(se, time.Time{})
	l.attach(now, se)
	return nil
}

// resumable returns the session with an id. Documents before this package's
// have no ids: then it is the one that lost its link last, or the only one.
func (b *backend) resumable(id string) *session {
	var found *session
	for _, se := range b.sessions {
		switch {
		case id != "":
			if se.id == id {
				return se
			}
		case se.link == nil:
			if found == nil || found.link != nil || !se.expires.Before(found.expires) {
				found = se
			}
		case len(b.sessions) == 1:
			found = se
		}
	}
	return found
}

func (l *Link) attach(now time.Time, se *session) {
	l.session, se.link, se.expires = se, l, time.Time{}
	l.watch(now)
	r := Ready{
		Health: l.s.health, Session: se.id,
		ResumeWindow: l.s.cfg.window.Milliseconds(), Received: se.receivedSoFar(),
	}
	if se.certain {
		r.Dialect = se.dialect.String()
	}
	l.send(now, OpReady, r)
}
