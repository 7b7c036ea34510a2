package lvsp

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/discordpkg/gateway/internal/deadline"
	"github.com/discordpkg/gateway/internal/heart"
	"github.com/discordpkg/gateway/ratelimit"
)

// A Link is the voice server's end of one websocket. It belongs to the
// [Server] that made it, and like that one it is not safe for concurrent use.
type Link struct {
	s          *Server
	number     uint64
	nonce      string
	identifyBy time.Time
	session    *session // nil before IDENTIFY and after the end
	closed     bool
	queued     bool // among Server.ready

	dog  heart.Watchdog
	rate *ratelimit.Window
	out  outbox
}

// Receive takes one message of the backend, of text or bytes. Msg is not kept.
func (l *Link) Receive(now time.Time, msg []byte) {
	if l.closed {
		return
	}
	l.Alive(now)
	if _, ok := l.rate.Take(now); !ok {
		l.fail(now, RateLimited, "too many messages")
		return
	}
	m, err := parseMessage(msg)
	if err == nil {
		err = l.handle(now, m)
	}
	if err != nil {
		var why *closeError
		if !errors.As(err, &why) {
			why = &closeError{DecodeError, err.Error()}
		}
		l.fail(now, why.code, why.reason)
	}
}

// A closeError ends the link on which a message arrived.
type closeError struct {
	code   CloseCode
	reason string
}

func (e *closeError) Error() string { return e.reason }

func (l *Link) handle(now time.Time, m message) error {
	login := m.op == OpIdentify || m.op == OpResume
	switch {
	case !m.op.fromBackend():
		return &closeError{GeneralError, m.op.String() + " is not for backends to send"}
	case !login && l.session == nil:
		return &closeError{NotAuthenticated, m.op.String() + " before IDENTIFY"}
	case login && l.session != nil:
		return &closeError{AlreadyAuthenticated, "second " + m.op.String()}
	}
	switch m.op {
	case OpIdentify:
		return l.handleIdentify(now, m)
	case OpResume:
		return l.handleResume(now, m)
	case OpInfo:
		return l.handleInfo(now, m)
	case OpVSTRequest:
		return l.handleVSTRequest(now, m)
	}
	l.handleHeartbeat(now, m)
	return nil
}

// handleHeartbeat accepts any body: clients of different documents send {},
// {"s":0} and {"s":n}.
func (l *Link) handleHeartbeat(now time.Time, m message) {
	se := l.session
	l.dog.Beat(now)
	ack := HeartbeatACK{Health: l.s.health, Received: se.receivedSoFar()}
	n, ok := m.number()
	if ok {
		ack.Seq = &n
		se.acked(n)
	}
	if se.dialect == ByEvidence {
		d := Final
		if ok {
			d = Wire2022
		}
		se.decide(now, d, false)
	}
	l.send(now, OpHeartbeatACK, ack)
}

func (l *Link) handleInfo(now time.Time, m message) error {
	raw, err := parseInfo(m)
	if err != nil {
		return err
	}
	se := l.session
	if d := raw.evidence(); d != ByEvidence && !se.certain {
		se.decide(now, d, true)
	}
	d := se.dialect
	if d == ByEvidence {
		d = Final // in which the number in question means the same
	}
	in := raw.info(d, true)
	in.Request = se.count()
	if in.Type == 0 {
		l.s.refuse(now, se, in, Unsupported, fmt.Sprintf("type %d", raw.number))
		return nil
	}
	l.s.request(now, se, in)
	return nil
}

func (l *Link) handleVSTRequest(now time.Time, m message) error {
	in, err := parseVSTRequest(m)
	if err != nil {
		return err
	}
	se := l.session
	if !se.certain {
		se.decide(now, Seed, true)
	}
	in.Request = se.count()
	l.s.request(now, se, in)
	return nil
}

// TooLarge tells that the header of a frame claims more than [MaxMessage]. The
// frame must not be read: the link ends with [DecodeError].
func (l *Link) TooLarge(now time.Time) {
	l.fail(now, DecodeError, fmt.Sprintf("message of more than %d bytes", MaxMessage))
}

// Refuse closes the link with code, for a breach of websocket's rules.
func (l *Link) Refuse(now time.Time, code CloseCode, why string) { l.fail(now, code, why) }

// Alive tells that the peer gave a sign of life below the messages: a pong.
// Where heartbeats cannot be relied on, it counts for one, so that a quiet
// backend of the dialect Wire2022 is kept if it is pinged every minute or two.
func (l *Link) Alive(now time.Time) {
	if l.session != nil && l.session.dialect.lenient() {
		l.dog.Beat(now)
	}
}

// watch starts to wait for heartbeats. The backend in the field sleeps for
// heartbeat_interval seconds, and then gives an answer 300 s.
func (l *Link) watch(now time.Time) {
	i := l.s.cfg.interval
	allowed := i * 3 / 2
	if l.session.dialect.lenient() {
		allowed = max(3*i, 330*time.Second)
	}
	l.dog.Start(now, allowed, 0)
}

// NextDeadline returns the time at which HandleTimeout must be called, zero
// when nothing is scheduled.
func (l *Link) NextDeadline() time.Time {
	switch {
	case l.closed:
		return time.Time{}
	case l.session == nil:
		return l.identifyBy
	}
	return deadline.Earliest(l.dog.Deadline(), l.session.decideBy)
}

// HandleTimeout does what is due at now. An early call does nothing.
func (l *Link) HandleTimeout(now time.Time) {
	switch {
	case l.closed:
	case l.session == nil:
		if deadline.Due(l.identifyBy, now) {
			l.fail(now, NotAuthenticated, "no IDENTIFY in time")
		}
	case l.dog.Expired(now):
		l.fail(now, SessionTimedOut, "no heartbeat in time")
	case deadline.Due(l.session.decideBy, now):
		l.session.decide(now, Final, false)
	}
}

// Next returns the next frame to send, false while there is none.
func (l *Link) Next() (Frame, bool) { return l.out.pop() }

// Closed reports whether the server is done with the link. Frames may be left
// to send, the last of them a [FrameClose].
func (l *Link) Closed() bool { return l.closed }

// Backend returns the name of the backend and the dialect it speaks, which may
// be [ByEvidence], false while it has not identified itself.
func (l *Link) Backend() (name string, d Dialect, ok bool) {
	if l.session == nil {
		return "", ByEvidence, false
	}
	return l.session.b.label, l.session.dialect, true
}

// Lost tells that the websocket is gone, whichever end closed it. Further calls do
// nothing.
func (l *Link) Lost(now time.Time) {
	if !l.closed {
		l.shut(now)
	}
}

// fail ends the link with a close frame. The session can be resumed.
func (l *Link) fail(now time.Time, code CloseCode, reason string) {
	if l.closed {
		return
	}
	if l.out.full() {
		l.out.clear()
	}
	l.shut(now)
	l.close(code, reason)
}

func (l *Link) shut(now time.Time) {
	l.closed = true
	l.dog.Stop()
	delete(l.s.links, l)
	if se := l.session; se != nil {
		l.session = nil
		l.s.detach(now, se)
	}
}

func (l *Link) close(code CloseCode, reason string) {
	l.closed = true
	l.push(closeFrame(code, reason))
}

func (l *Link) send(now time.Time, op Opcode, payload any) {
	if !l.closed {
		l.sendFrame(now, appendMessage(nil, op, -1, encode(payload)))
	}
}

// sendFrame ends a link whose backend lets too much pile up.
func (l *Link) sendFrame(now time.Time, data []byte) {
	l.push(Frame{Kind: FrameText, Data: data})
	if l.out.full() {
		l.fail(now, GeneralError, "reads too slowly")
	}
}

func (l *Link) push(f Frame) {
	l.out.push(f)
	if !l.queued {
		l.queued = true
		l.s.ready = append(l.s.ready, l)
	}
}

// String returns a short description without secrets.
func (l *Link) String() string {
	name, d, ok := l.Backend()
	if !ok {
		return "lvsp: link without a backend"
	}
	return fmt.Sprintf("lvsp: link with %q, %v", name, d)
}

// Format implements [fmt.Formatter] with what String returns.
func (l *Link) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, l.String()) }
