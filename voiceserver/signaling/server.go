package signaling

import (
	"cmp"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/internal/deadline"
	"github.com/discordpkg/gateway/ratelimit"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver/relay"
)

// A Server is the half of a voice server that clients talk to over websockets,
// as a pure machine: members, channels, sessions and the connections to them.
// Time is an argument, and must not run backwards; what is to be sent is asked
// for, see [Conn.Next]. It is not safe for concurrent use. The half that
// forwards audio is a [relay.Relay], which has to be told [Server.Routes].
type Server struct {
	cfg   settings
	ports []netip.AddrPort // where clients send audio
	turn  int              // of the ports

	rooms         map[channelKey]*room
	members       map[memberKey]*member
	byToken       map[string]*member
	channelTokens map[string]channelKey // tokens that are good for a whole channel
	sessions      map[uint32]*session   // by SSRC
	waiting       map[*room]time.Time   // for their delivery service
	detached      []detachment          // in the order of time; may hold sessions that came back
	absences      absences
	backends      []string // other than the nameless one

	conns        map[*Conn]bool
	logins       int     // connections that have not identified
	unidentified []*Conn // these, the oldest first; may hold others
	ready        []*Conn // those with frames to send
	spare        []*Conn // the last result of Ready
	routes       []relay.Route

	stats      Stats
	violations violations
}

// New returns a server without members. Ports are the addresses that clients
// are told to send audio to, at least one; each has a [relay.Relay]. The error
// names the option that is wrong.
func New(ports []netip.AddrPort, options ...Option) (*Server, error) {
	if len(ports) == 0 {
		return nil, errors.New("signaling: no ports")
	}
	cfg, err := newSettings(options)
	if err != nil {
		return nil, err
	}
	return &Server{
		cfg:           cfg,
		ports:         append([]netip.AddrPort(nil), ports...),
		rooms:         make(map[channelKey]*room),
		members:       make(map[memberKey]*member),
		byToken:       make(map[string]*member),
		channelTokens: make(map[string]channelKey),
		sessions:      make(map[uint32]*session),
		waiting:       make(map[*room]time.Time),
		conns:         make(map[*Conn]bool),
		stats:         Stats{Closes: make(map[closecode.Voice]int)},
	}, nil
}

// LoginTimeout returns what [WithLoginTimeout] set.
func (v *Server) LoginTimeout() time.Duration { return v.cfg.login }

// MessageSize returns what [WithMessageSize] set, in bytes.
func (v *Server) MessageSize() int { return v.cfg.messageSize }

// Open returns the number of connections.
func (v *Server) Open() int { return len(v.conns) }

// Accept opens a connection. Version is the query parameter v of the URL. The
// first frame is Hello, or a close frame with code 4012 for versions other than
// 4 to 8.
//
// https://discord.com/developers/docs/topics/voice-connections#voice-gateway-versioning
func (v *Server) Accept(now time.Time, version string) *Conn {
	v.stats.Connections++
	conn := &Conn{
		srv:      v,
		id:       v.stats.Connections,
		messages: ratelimit.NewWindow(v.cfg.messages, ratelimit.CommandPeriod),
		loginBy:  now.Add(v.cfg.login),
	}
	v.conns[conn] = true
	v.logins++
	if conn.hello(now, version); !conn.isClosed() {
		v.unidentified = append(v.unidentified, conn)
		v.cutOldest(now)
	}
	return conn
}

// MaxLogins is how many connections there may be that have not identified.
const MaxLogins = 256

// cutOldest breaks the oldest connection that has not identified if there are
// too many: clients that do nothing but connect do not keep others out.
func (v *Server) cutOldest(now time.Time) {
	if v.logins <= MaxLogins && len(v.unidentified) < 2*MaxLogins {
		return
	}
	v.unidentified = slices.DeleteFunc(v.unidentified, func(conn *Conn) bool { return conn.loginBy.IsZero() })
	if v.logins > MaxLogins {
		v.unidentified[0].cut(now, "made room for others")
	}
}

// Ready returns the connections that got frames to send, or another deadline,
// since the last call. The slice is valid until the next one.
func (v *Server) Ready() []*Conn {
	for _, conn := range v.ready {
		conn.queued = false
	}
	ready := v.ready
	v.ready, v.spare = v.spare[:0], ready
	return ready
}

// Routes returns what the relays have to be told, in order, since the last
// call. The slice is valid until the next one.
func (v *Server) Routes() []relay.Route {
	routes := v.routes
	v.routes = v.routes[len(v.routes):]
	return routes
}

// A detachment is a session that lost its connection.
type detachment struct {
	session *session
	at      time.Time
}

// stale reports whether the session came back, or is over, since.
func (d detachment) stale() bool {
	return d.session.over || d.session.conn != nil || !d.session.detachedAt.Equal(d.at)
}

// NextDeadline returns the time at which HandleTimeout must be called, zero
// when nothing is scheduled. Connections have deadlines of their own.
func (v *Server) NextDeadline() (at time.Time) {
	for len(v.detached) > 0 && v.detached[0].stale() {
		v.detached = v.detached[1:]
	}
	if len(v.detached) > 0 {
		at = v.detached[0].at.Add(v.cfg.life)
	}
	at = deadline.Earliest(at, v.absences.next(v.cfg.life))
	for _, t := range v.waiting {
		at = deadline.Earliest(at, t)
	}
	return at
}

// HandleTimeout does what is due at now: sessions expire whose clients did not
// come back. An early call does nothing.
func (v *Server) HandleTimeout(now time.Time) {
	for len(v.detached) > 0 && (v.detached[0].stale() || !now.Before(v.detached[0].at.Add(v.cfg.life))) {
		d := v.detached[0]
		v.detached = v.detached[1:]
		if !d.stale() {
			v.end(now, d.session, closecode.VoiceSessionInvalid)
			v.absences.give(d.session.member)
		}
	}
	v.absences.expire(now, v.cfg.life)
	for _, r := range v.due(now) {
		r.deliver(now, r.delivery.HandleTimeout(now))
	}
}

// due returns the channels whose delivery service waits no longer, in order.
func (v *Server) due(now time.Time) (due []*room) {
	for r, at := range v.waiting {
		if !now.Before(at) {
			due = append(due, r)
		}
	}
	slices.SortFunc(due, func(a, b *room) int {
		return cmp.Or(cmp.Compare(a.id.backend, b.id.backend), cmp.Compare(a.id.channel, b.id.channel))
	})
	return due
}

// Close closes the connections of a user with a code, of all if user is
// zero, and returns how many they were. Codes after which clients may resume,
// 4015 and those below 4000, keep the sessions.
func (v *Server) Close(now time.Time, user snowflake.ID, code closecode.Voice) (closed int) {
	return v.each(user, func(conn *Conn) { conn.close(now, code) })
}

// Cut breaks the connections of a user, or of all if user is zero, and
// returns how many they were.
func (v *Server) Cut(now time.Time, user snowflake.ID) (cut int) {
	return v.each(user, func(conn *Conn) { conn.cut(now, "cut") })
}

// Stall keeps what is for a user, or for all if user is zero, from being
// sent for a time, without end if d is zero. It returns the number of
// connections. What clients send is still read.
func (v *Server) Stall(now time.Time, user snowflake.ID, d time.Duration) (stalled int) {
	return v.each(user, func(conn *Conn) { conn.stall(now, d) })
}

// each calls f for the connections of a user, or for all, the oldest first.
func (v *Server) each(user snowflake.ID, f func(*Conn)) (n int) {
	var found []*Conn
	for conn := range v.conns {
		if user == 0 || conn.User() == user {
			found = append(found, conn)
		}
	}
	slices.SortFunc(found, func(a, b *Conn) int { return a.id - b.id })
	for _, conn := range found {
		f(conn)
	}
	return len(found)
}

// Stats returns the counters.
func (v *Server) Stats() Stats {
	s := v.stats
	s.Open, s.Members, s.Channels, s.Sessions = len(v.conns), len(v.members), len(v.rooms), len(v.sessions)
	s.Closes = make(map[closecode.Voice]int, len(v.stats.Closes))
	for code, n := range v.stats.Closes {
		s.Closes[code] = n
	}
	return s
}

// Violations returns how clients broke the rules, see [WithRecord].
func (v *Server) Violations() []Violation { return v.violations.all() }
