package lvsp

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/discordpkg/gateway/internal/deadline"
	"github.com/discordpkg/gateway/ratelimit"
)

// A Server is the voice server's end of all links with backends, as a pure
// machine: messages and time go in, frames and deadlines come out. It has no
// socket, clock or goroutine. It never calls its owner: what the voice server
// has to do comes from [Server.NextTask]. With its links it makes one unit that
// is not safe for concurrent use.
type Server struct {
	cfg      serverSettings
	backends []*backend
	health   float64

	links    map[*Link]bool // open ones
	ready    []*Link
	accepted uint64
	tickets  map[Ticket]*pending
	ticket   Ticket
	requests uint64

	tasks    []Task // from nextTask on
	nextTask int
}

// A backend is what a voice server knows of one backend, over all its links.
type backend struct {
	label   string // its name
	dialect Dialect
	sign    signer
	plain   signer // nil: not accepted

	channels map[Snowflake]*channel
	states   map[seat]*state
	byID     map[string][]*state // by session id
	sessions []*session          // in the order of their start
	sweepAt  time.Time           // the earliest of any channel or state, zero for none
}

// NewServer returns a server without links. Of the options, [WithBackend] is
// required.
func NewServer(options ...ServerOption) (*Server, error) {
	s := &Server{
		cfg: defaultServerSettings(), health: 1,
		links: make(map[*Link]bool), tickets: make(map[Ticket]*pending),
	}
	for _, o := range options {
		if err := o(s); err != nil {
			return nil, err
		}
	}
	if len(s.backends) == 0 {
		return nil, errors.New("lvsp: no backend")
	}
	return s, nil
}

// Accept begins a link: a backend has connected. Its first frame is HELLO, or
// a close frame if there are too many links. Strangers do not keep backends
// out: of the links without IDENTIFY the oldest makes room.
func (s *Server) Accept(now time.Time) *Link {
	s.accepted++
	l := &Link{s: s, number: s.accepted, rate: ratelimit.NewWindow(s.cfg.rate, s.cfg.ratePeriod)}
	if len(s.links) >= s.cfg.links {
		strangers := s.openLinks(func(l *Link) bool { return l.session == nil })
		if len(strangers) == 0 {
			l.close(GeneralError, "too many links")
			return l
		}
		strangers[0].fail(now, GeneralError, "too many links")
	}
	nonce, err := newNonce(s.cfg.random, NonceLength)
	if err != nil {
		l.close(GeneralError, "no randomness")
		return l
	}
	s.links[l] = true
	l.nonce, l.identifyBy = nonce, now.Add(IdentifyTimeout)
	hello := Hello{HeartbeatInterval: s.cfg.interval.Milliseconds(), Nonce: nonce}
	if s.cfg.helloSeconds {
		hello.HeartbeatInterval = int64(s.cfg.interval / time.Second)
	}
	for d := Seed; d <= Extended; d++ {
		hello.Dialects = append(hello.Dialects, d.String())
	}
	l.send(now, OpHello, hello)
	return l
}

// SetHealth sets how much the voice server can take, from 0, nothing, to 1, which
// it is at first. Backends are told with each answer to a heartbeat. Numbers out
// of range count as the nearest of them.
func (s *Server) SetHealth(health float64) { s.health = clampHealth(health) }

// Ready returns the links that have got frames to send since the last call, in
// the order in which they got them. It is to be asked after each call to the
// server or a link: an answer that came late, or a backend that resumes
// elsewhere, concerns links other than the one that was called.
func (s *Server) Ready() []*Link {
	ready := s.ready
	s.ready = nil
	for _, l := range ready {
		l.queued = false
	}
	return ready
}

// NextDeadline returns the time at which HandleTimeout must be called, zero
// when nothing is scheduled. Links have deadlines of their own.
func (s *Server) NextDeadline() time.Time {
	var at time.Time
	for _, b := range s.backends {
		at = deadline.Earliest(at, b.sweepAt)
		for _, se := range b.sessions {
			at = deadline.Earliest(at, se.expires)
		}
	}
	return at
}

// HandleTimeout ends the sessions that were not resumed, and the channels and
// voice states that their backend did not come back for. An early call does
// nothing.
func (s *Server) HandleTimeout(now time.Time) {
	for _, b := range s.backends {
		b.sessions = slices.DeleteFunc(b.sessions, func(se *session) bool {
			over := deadline.Due(se.expires, now)
			if over {
				se.end()
			}
			return over
		})
		if deadline.Due(b.sweepAt, now) {
			s.sweep(now, b)
		}
	}
}

// Close ends every link with code 4000: the voice server goes away. Sessions
// can be resumed where the Server lives on.
func (s *Server) Close(now time.Time, reason string) {
	for _, l := range s.openLinks(func(*Link) bool { return true }) {
		l.fail(now, GeneralError, reason)
	}
}

// openLinks returns some of the links, the oldest first.
func (s *Server) openLinks(which func(*Link) bool) []*Link {
	links := slices.SortedFunc(maps.Keys(s.links), func(a, b *Link) int { return cmp.Compare(a.number, b.number) })
	return slices.DeleteFunc(links, func(l *Link) bool { return !which(l) })
}

// VoiceStates returns the voice states of all backends, in the order of the
// options that admitted them, then by guild or private call, and user.
func (s *Server) VoiceStates() []VoiceState {
	var all []VoiceState
	for _, b := range s.backends {
		for _, st := range sorted(b.states) {
			all = append(all, st.VoiceState)
		}
	}
	return all
}

// String returns a short description without secrets.
func (s *Server) String() string {
	return fmt.Sprintf("lvsp: voice server, %d backends, %d links", len(s.backends), len(s.links))
}

// Format implements [fmt.Formatter] with what String returns.
func (s *Server) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }
