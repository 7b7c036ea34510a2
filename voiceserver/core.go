package voiceserver

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/ratelimit"
	"github.com/discordpkg/gateway/snowflake"
)

// A Core is the half of a voice server that clients talk to over websockets,
// as a pure machine: members, channels, sessions and the connections to them.
// Time is an argument, and must not run backwards; what is to be sent is asked
// for, see [Conn.Next]. It is not safe for concurrent use. The half that
// forwards audio is [Relay], which follows [Core.Routes]. [Server] puts both
// behind sockets.
type Core struct {
	cfg   settings
	ports []netip.AddrPort // where clients send audio
	turn  int              // of the ports

	rooms    map[roomKey]*room
	members  map[memberKey]*member
	byToken  map[string]*member
	passes   map[string]roomKey  // tokens that are good for a whole channel
	sessions map[uint32]*session // by SSRC
	waiting  map[*room]time.Time // for their delivery service
	detached []detachment        // in the order of time; may hold sessions that came back
	absences absences
	backends []string // other than the nameless one

	conns     map[*Conn]bool
	logins    int     // connections that have not identified
	strangers []*Conn // these, the oldest first; may hold others
	ready     []*Conn // those with frames to send
	spare     []*Conn // the last result of Ready
	routes    []Route

	stats      Stats
	violations violations
}

// NewCore returns a core without members. Ports are the addresses that clients
// are told to send audio to, at least one; each has a [Relay].
func NewCore(ports []netip.AddrPort, options ...Option) *Core {
	return newCore(ports, newSettings(options))
}

func newCore(ports []netip.AddrPort, cfg settings) *Core {
	return &Core{
		cfg:      cfg,
		ports:    append([]netip.AddrPort(nil), ports...),
		rooms:    make(map[roomKey]*room),
		members:  make(map[memberKey]*member),
		byToken:  make(map[string]*member),
		passes:   make(map[string]roomKey),
		sessions: make(map[uint32]*session),
		waiting:  make(map[*room]time.Time),
		conns:    make(map[*Conn]bool),
		stats:    Stats{Closes: make(map[closecode.Voice]int)},
	}
}

// Accept opens a connection. Version is the query parameter v of the URL. The
// first frame is Hello, or a close frame with code 4012 for versions other than
// 4 to 8.
//
// https://discord.com/developers/docs/topics/voice-connections#voice-gateway-versioning
func (c *Core) Accept(now time.Time, version string) *Conn {
	c.stats.Connections++
	conn := &Conn{
		core:     c,
		id:       c.stats.Connections,
		messages: ratelimit.NewWindow(c.cfg.messages, ratelimit.CommandPeriod),
		loginBy:  now.Add(c.cfg.login),
	}
	c.conns[conn] = true
	c.logins++
	if conn.hello(now, version); !conn.isClosed() {
		c.strangers = append(c.strangers, conn)
		c.makeRoom(now)
	}
	return conn
}

// maxLogins is how many connections may be there that have not identified.
const maxLogins = 256

// makeRoom breaks the oldest connection that has not identified if there are
// too many: those who do nothing but connect keep nobody out.
func (c *Core) makeRoom(now time.Time) {
	if c.logins <= maxLogins && len(c.strangers) < 2*maxLogins {
		return
	}
	c.strangers = slices.DeleteFunc(c.strangers, func(conn *Conn) bool { return conn.loginBy.IsZero() })
	if c.logins > maxLogins {
		c.strangers[0].cut(now, "made room for others")
	}
}

// Ready returns the connections that got frames to send, or another deadline,
// since the last call. The slice is valid until the next one.
func (c *Core) Ready() []*Conn {
	for _, conn := range c.ready {
		conn.queued = false
	}
	ready := c.ready
	c.ready, c.spare = c.spare[:0], ready
	return ready
}

// Routes returns what the relays have to be told, in order, since the last
// call. The slice is valid until the next one.
func (c *Core) Routes() []Route {
	routes := c.routes
	c.routes = c.routes[len(c.routes):]
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
func (c *Core) NextDeadline() (at time.Time) {
	for len(c.detached) > 0 && c.detached[0].stale() {
		c.detached = c.detached[1:]
	}
	if len(c.detached) > 0 {
		at = c.detached[0].at.Add(c.cfg.life)
	}
	at = earlier(at, c.absences.next(c.cfg.life))
	for _, t := range c.waiting {
		at = earlier(at, t)
	}
	return at
}

// HandleTimeout does what is due at now: sessions expire whose clients did not
// come back. An early call does nothing.
func (c *Core) HandleTimeout(now time.Time) {
	for len(c.detached) > 0 && (c.detached[0].stale() || !now.Before(c.detached[0].at.Add(c.cfg.life))) {
		d := c.detached[0]
		c.detached = c.detached[1:]
		if !d.stale() {
			c.end(now, d.session, closecode.VoiceSessionInvalid)
			c.absences.give(d.session.member)
		}
	}
	c.absences.expire(now, c.cfg.life)
	for _, r := range c.due(now) {
		r.deliver(now, r.delivery.HandleTimeout(now))
	}
}

// due returns the channels whose delivery service waits no longer, in order.
func (c *Core) due(now time.Time) (due []*room) {
	for r, at := range c.waiting {
		if !now.Before(at) {
			due = append(due, r)
		}
	}
	slices.SortFunc(due, func(a, b *room) int {
		return cmp.Or(cmp.Compare(a.id.backend, b.id.backend), cmp.Compare(a.id.channel, b.id.channel))
	})
	return due
}

// Close closes the connections of a user with a code, of everybody if user is
// zero, and returns how many they were. Codes after which clients may resume,
// 4015 and those below 4000, keep the sessions.
func (c *Core) Close(now time.Time, user snowflake.ID, code closecode.Voice) (closed int) {
	return c.each(user, func(conn *Conn) { conn.close(now, code) })
}

// Cut breaks the connections of a user, or of everybody if user is zero, and
// returns how many they were.
func (c *Core) Cut(now time.Time, user snowflake.ID) (cut int) {
	return c.each(user, func(conn *Conn) { conn.cut(now, "cut") })
}

// Stall keeps what is for a user, or for everybody if user is zero, from being
// sent for a time, without end if d is zero. It returns the number of
// connections. What clients send is still read.
func (c *Core) Stall(now time.Time, user snowflake.ID, d time.Duration) (stalled int) {
	return c.each(user, func(conn *Conn) { conn.stall(now, d) })
}

// each calls f for the connections of a user, or for all, the oldest first.
func (c *Core) each(user snowflake.ID, f func(*Conn)) (n int) {
	var found []*Conn
	for conn := range c.conns {
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
func (c *Core) Stats() Stats {
	s := c.stats
	s.Open, s.Members, s.Channels, s.Sessions = len(c.conns), len(c.members), len(c.rooms), len(c.sessions)
	s.Closes = make(map[closecode.Voice]int, len(c.stats.Closes))
	for code, n := range c.stats.Closes {
		s.Closes[code] = n
	}
	return s
}

// Violations returns how clients broke the rules, see [WithRecord].
func (c *Core) Violations() []Violation { return c.violations.all() }
