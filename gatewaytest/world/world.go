package world

import (
	"encoding/hex"
	"encoding/json"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/internal/phase"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/ratelimit"
	"github.com/discordpkg/gateway/snowflake"
)

// A World is Discord's backend as a pure machine: guilds, sessions and the
// connections to them. Time is an argument, and must not run backwards; what
// is to be sent is asked for, see [Conn.Next]. It is not safe for concurrent
// use.
type World struct {
	cfg    settings
	rng    *rand.Rand
	guilds []*Guild
	byID   map[snowflake.ID]*Guild

	sessions map[string]*Session
	order    []*Session // in the order of their start; may hold ended ones
	byShard  map[shardKey][]*Session
	counts   []uint // the shard counts in byShard
	sweepAt  time.Time

	conns map[int]*Conn // open ones, by number
	ready []*Conn       // those with frames to send
	spare []*Conn       // the last result of Ready

	bots      []*bot                 // by the order of their tokens
	wholes    map[placeKey]time.Time // when all members were requested
	places    map[placeKey]*place
	abandoned []*Session // that ended, and may have been in voice
	traffic   uint64     // ids given to made up messages

	voiceRequests []VoiceRequest

	nextFaults []Fault
	stats      Stats
	commands   log[Command]
	violations log[Violation]
}

// New returns a world without connections. The error names the option that is
// wrong.
func New(options ...Option) (*World, error) {
	cfg, err := newSettings(options)
	if err != nil {
		return nil, err
	}
	w := &World{
		cfg:      cfg,
		rng:      rand.New(rand.NewPCG(cfg.seed, 0x6a09e667f3bcc908)),
		byID:     make(map[snowflake.ID]*Guild),
		conns:    make(map[int]*Conn),
		sessions: make(map[string]*Session),
		byShard:  make(map[shardKey][]*Session),
		bots:     newBots(len(cfg.tokens)),
		wholes:   make(map[placeKey]time.Time),
		places:   make(map[placeKey]*place),
	}
	w.stats.Closes = make(map[closecode.Type]int)
	for i := range cfg.guilds {
		g := newGuild(i, cfg.members, len(w.bots), cfg.seed)
		w.guilds = append(w.guilds, g)
		w.byID[g.ID] = g
	}
	return w, nil
}

// Accept opens a connection: its first frame is Hello, or a close frame if
// the parameters are wrong.
//
// https://discord.com/developers/docs/events/gateway#connecting
func (w *World) Accept(now time.Time, p Params) *Conn {
	w.sweep(now)
	w.vacate(now)
	w.stats.Connections++
	c := &Conn{
		w:        w,
		id:       w.stats.Connections,
		params:   p,
		phase:    phase.Hello,
		messages: ratelimit.NewWindow(w.cfg.commands, ratelimit.CommandPeriod),
		enc:      newEncoder(p.Encoding),
		cutAfter: -1,
	}
	w.conns[c.id] = c
	var ok bool
	c.stream, ok = newCompressor(p.Compress)
	switch {
	case p.Version != "9" && p.Version != "10":
		c.fail(now, closecode.InvalidAPIVersion, "api version "+quoted(p.Version))
	case c.enc == nil:
		c.fail(now, closecode.DecodeError, "encoding "+quoted(p.Encoding))
	case !ok:
		c.fail(now, closecode.DecodeError, "compression "+quoted(p.Compress))
	default:
		c.hello(now)
	}
	return c
}

func (c *Conn) hello(now time.Time) {
	c.phase = phase.Identify
	c.dog.Start(now, c.w.cfg.interval, c.w.cfg.grace)
	interval, _ := json.Marshal(c.w.cfg.interval.Milliseconds())
	c.control(now, opcode.Hello, append(append([]byte(`{"heartbeat_interval":`), interval...), `,"_trace":["gatewaytest"]}`...))
	if f, ok := c.w.takeFault(func(f Fault) bool { return !f.OnDial() }); ok {
		c.arm(now, f)
	}
}

// quoted returns the beginning of what a client sent, fit to be shown.
func quoted(s string) string { return string(jsonString(s[:min(len(s), 32)])) }

// add registers a new session.
func (w *World) add(s *Session) {
	var id [16]byte
	for i := range id {
		id[i] = byte(w.rng.Uint32())
	}
	s.id = hex.EncodeToString(id[:])
	w.sessions[s.id] = s
	w.order = append(w.order, s)
	if _, ok := w.byShard[s.shard]; !ok {
		w.addCount(s.shard.count)
	}
	w.byShard[s.shard] = append(w.byShard[s.shard], s)
}

func (w *World) addCount(count uint) {
	for _, c := range w.counts {
		if c == count {
			return
		}
	}
	w.counts = append(w.counts, count)
}

// find returns the session to resume, nil if there is none.
func (w *World) find(now time.Time, id string) *Session {
	s := w.sessions[id]
	if s != nil && s.expired(now, w.cfg.ttl) {
		w.drop(s, endedByAge)
		return nil
	}
	return s
}

// sweep drops the sessions whose clients never came back: without it they,
// and what they keep for a resume, would stay until something happens to them.
// A sweep for each lifetime is enough to bound how many there are.
func (w *World) sweep(now time.Time) {
	if now.Before(w.sweepAt) {
		return
	}
	w.sweepAt = now.Add(w.cfg.ttl)
	for _, s := range w.order {
		if s.ended == "" && s.expired(now, w.cfg.ttl) {
			w.drop(s, endedByAge)
		}
	}
}

// drop ends a session for good. Its connection, if any, stays open.
func (w *World) drop(s *Session, why Ending) {
	if s.ended != "" {
		return
	}
	s.ended = why
	if s.conn != nil {
		s.conn.session, s.conn = nil, nil
	}
	s.buffer = replayBuffer{}
	if len(w.places) > 0 {
		w.abandoned = append(w.abandoned, s)
	}
	delete(w.sessions, s.id)
	w.byShard[s.shard] = without(w.byShard[s.shard], s)
	if len(w.order) > 32 && len(w.order) > 2*len(w.sessions) {
		w.compact()
	}
}

func (w *World) compact() {
	kept := make([]*Session, 0, len(w.sessions))
	for _, s := range w.order {
		if s.ended == "" {
			kept = append(kept, s)
		}
	}
	w.order = kept
}

// without returns list less v, as a fresh slice: a caller may be going through the old one.
func without[T comparable](list []T, v T) []T {
	for i := range list {
		if list[i] == v {
			return append(list[:i:i], list[i+1:]...)
		}
	}
	return list
}

// guildsOf returns the guilds of a shard. As neighbours differ by one in what
// sharding looks at, these are every count-th of all.
func (w *World) guildsOf(k shardKey) iter.Seq[*Guild] {
	return func(yield func(*Guild) bool) {
		first := (uint64(k.id) + uint64(k.count) - firstGuild%uint64(k.count)) % uint64(k.count)
		for i := first; i < uint64(len(w.guilds)); i += uint64(k.count) {
			if !yield(w.guilds[i]) {
				return
			}
		}
	}
}

// Ready returns the connections that got frames to send, or another deadline,
// since the last call. The slice is valid until the next one.
func (w *World) Ready() []*Conn {
	for _, c := range w.ready {
		c.queued = false
	}
	ready := w.ready
	w.ready, w.spare = w.spare[:0], ready
	return ready
}

// RequestHeartbeats asks every session's client for a heartbeat (op 1).
//
// https://discord.com/developers/docs/events/gateway#heartbeat-requests
func (w *World) RequestHeartbeats(now time.Time) {
	for _, s := range w.order {
		if s.conn != nil {
			s.conn.control(now, opcode.Heartbeat, nil)
		}
	}
}

// Limits are what options set about sessions, for a check of the world's own
// bookkeeping.
type Limits struct {
	Buckets          int // of identifies
	IdentifyInterval time.Duration
	SessionLife      time.Duration
	ReplayEvents     int
	ReplayBytes      int
	ReplayAge        time.Duration
}

// Limits returns what was set.
func (w *World) Limits() Limits {
	return Limits{
		Buckets: w.cfg.buckets, IdentifyInterval: w.cfg.identify, SessionLife: w.cfg.ttl,
		ReplayEvents: w.cfg.replay.events, ReplayBytes: w.cfg.replay.bytes, ReplayAge: w.cfg.replay.age,
	}
}

// Guilds returns the guilds.
func (w *World) Guilds() []*Guild { return append([]*Guild(nil), w.guilds...) }

// Stats returns the counters.
func (w *World) Stats() Stats {
	s := w.stats
	s.Open, s.Sessions = len(w.conns), len(w.sessions)
	s.Closes = make(map[closecode.Type]int, len(w.stats.Closes))
	for code, n := range w.stats.Closes {
		s.Closes[code] = n
	}
	return s
}

// Identifies returns the number of identifies that were answered with READY.
func (w *World) Identifies() int { return w.stats.Identifies }

// Commands returns what clients sent, see [WithRecord].
func (w *World) Commands() []Command { return w.commands.all() }

// Violations returns how clients broke the rules, see [WithRecord].
func (w *World) Violations() []Violation { return w.violations.all() }

func (w *World) record(now time.Time, c *Conn, op opcode.Type, data []byte) {
	if w.cfg.records == 0 {
		return
	}
	kept := json.RawMessage(append([]byte(nil), data...))
	if op == opcode.Identify || op == opcode.Resume {
		kept = withoutToken(data)
	}
	w.commands.add(Command{At: now, Conn: c.id, SessionID: c.SessionID(), Op: op, Data: kept}, w.cfg.records)
}

func (w *World) violation(now time.Time, c *Conn, code closecode.Type, text string) {
	w.stats.Violations++
	w.violations.add(Violation{At: now, Conn: c.id, SessionID: c.SessionID(), Code: code, Text: text}, w.cfg.records)
}

// A SessionInfo describes a session.
type SessionInfo struct {
	ID         string `json:"id"`
	ShardID    uint   `json:"shard_id"`
	ShardCount uint   `json:"shard_count"`
	Intents    uint64 `json:"intents"`
	Seq        int64  `json:"seq"`  // of the last dispatch
	Conn       int    `json:"conn"` // the number of its connection, zero while there is none
}

// Session returns the session with an id that can be resumed, nil if there is
// none, or none any more.
func (w *World) Session(id string) *Session { return w.sessions[id] }

// Sessions returns the sessions that can be resumed, the oldest first, and
// those that have expired since the last connections came.
func (w *World) Sessions() []SessionInfo {
	infos := make([]SessionInfo, 0, len(w.sessions))
	for _, s := range w.order {
		if s.ended != "" {
			continue
		}
		info := SessionInfo{ID: s.id, ShardID: s.shard.id, ShardCount: s.shard.count, Intents: uint64(s.intents), Seq: s.seq}
		if s.conn != nil {
			info.Conn = s.conn.id
		}
		infos = append(infos, info)
	}
	return infos
}

func jsonString(s string) []byte {
	b, _ := json.Marshal(s) // strings cannot fail
	return b
}
