package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewaytest/world"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/internal/splitmix"
	"github.com/discordpkg/gateway/lifecycle"
	"github.com/discordpkg/gateway/ratelimit"
)

// A Sim runs clients, each a [gateway.GatewayState] under a [lifecycle.Shard],
// all with one [lifecycle.Shared], against a [world.World], over links that are
// slow and break, in virtual time: days pass in seconds. So the policy between
// connections is the one that the shells have. It uses one goroutine and no
// clock. Equal values give equal results.
//
// The zero Sim is a small run; [Sim.Run] fills in what is left out.
type Sim struct {
	Seed       uint64
	Clients    int           // shards of one bot, 100 by default
	Dispatches int           // how many events sessions get, 100 for each client by default
	Rate       float64       // events per second of virtual time, one for each 5 clients by default
	FaultEvery time.Duration // mean time between the faults of a client, 1 min by default; negative: no faults
	Faults     []world.Fault // drawn at random, all kinds by default
	Outages    time.Duration // mean time between outages and restarts, which all clients feel; none by default
	Script     Script        // what goes wrong, drawn by default: see [Sim.Draw]
	Starts     int           // identifies in 24 hours, 1,048,576 by default
	SendEvery  time.Duration // how often some clients send commands, 1 s by default

	hasty      bool           // end with the first problem
	MinLatency time.Duration  // one way, 5 ms by default
	MaxLatency time.Duration  // 200 ms by default
	Params     world.Params   // version 10 and JSON by default
	Options    []world.Option // of the world, after those that Run chooses
}

// A SimResult is what a simulation came to.
type SimResult struct {
	Connections int // opened
	Refused     int // dials
	Identifies  int // answered with READY
	Resumes     int // answered with RESUMED
	Dispatches  int // events for sessions
	Delivered   int // events that handlers saw
	Lost        int // events of sessions that could be resumed which no handler saw
	Duplicated  int // events that a handler saw twice
	Forgone     int // events of sessions that Discord ended, those it forgot because Options say so included
	Commands    int // messages that the server received
	Refusals    int // commands that clients kept back because of the rate limit
	Faults      int // injected by the world, or cut links
	Violations  int // of Discord's rules, by clients
	Stopped     int // clients that gave up
	Dead        int // sessions that the world served no more, without a word
	DeadFound   int // of them those that a client gave up for that reason
	Unreadable  int // sessions that a client gave up because nothing could be read past one place
	GivenUp     int // sessions that clients gave up without being told, dead ones included
	MaxStarts   int // identifies in any 24 hours
	Steps       int
	Time        time.Duration // virtual
	Hash        uint64        // of everything that happened, in order

	Problems []string // the first few broken invariants, in words
}

// simEpoch is when simulations start.
var simEpoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// identifyBuckets lets thousands of clients in within minutes.
const identifyBuckets = 256

// simGiant is above what the clients accept, and small enough to be made often.
const (
	simMessageLimit = 256 << 10
	simGiant        = simMessageLimit + 1
)

// quiet is how long a run goes on at most after the last event: long enough
// for zombies to be noticed and every resume.
const quiet = 30 * time.Minute

// simLife is how long a session waits for its client: one that takes longer
// has lost what happened meanwhile.
const simLife = 5 * time.Minute

// patient are limits that hold all that a session gets in that time, twice over.
func (s Sim) patient() world.Limits {
	events := max(10_000, int(2*simLife.Seconds()*s.Rate/float64(s.Clients)))
	return world.Limits{SessionLife: simLife, ReplayEvents: events, ReplayBytes: max(8<<20, 512*events), ReplayAge: simLife}
}

// forgetful reports whether a world keeps less than that in any respect.
func forgetful(l, patient world.Limits) bool {
	return l.SessionLife < patient.SessionLife || l.ReplayEvents < patient.ReplayEvents ||
		l.ReplayBytes < patient.ReplayBytes || l.ReplayAge < patient.ReplayAge
}

// A simulation is a run of a Sim.
type simulation struct {
	Sim
	SimResult
	rng     *rand.Rand
	world   *world.World
	guilds  []*world.Guild
	limits  world.Limits
	heap    simHeap
	now     time.Duration
	clients []*simClient
	links   map[*world.Conn]*simLink
	limiter gateway.IdentifyRateLimiter
	traces  map[string]*simTrace
	known   map[string]bool        // sessions whose READY arrived
	buckets map[uint]time.Duration // when each was last used, to check the world's own bookkeeping
	nextID  uint64

	identifies int           // until now
	endsBy     time.Duration // zero while events are still made

	shared  *lifecycle.Shared
	script  Script
	outages map[string]hostOutage
	excuses []span            // in which clients may be late because no host answered
	dead    map[string]string // sessions that are not served any more, and how RESUME is answered
	gaveUp  map[string]lifecycle.ShardReason
	waits   map[lifecycle.ShardReason]int
	starts  []time.Duration // identifies of the last 24 hours

	forgetful bool // Options make sessions end before a client can resume
	over      bool
}

// Run runs the simulation to its end. The error tells which promise was
// broken: that no event is lost or seen twice, that no rule of Discord is
// broken, and that runs end.
func (s Sim) Run() (SimResult, error) {
	m, err := s.start()
	if err != nil {
		return SimResult{}, fmt.Errorf("sim: %w", err)
	}
	m.run()
	m.finish()
	if len(m.Problems) > 0 {
		return m.SimResult, fmt.Errorf("sim: simulation with seed %d: %s", s.Seed, m.Problems[0])
	}
	return m.SimResult, nil
}

func (m *simulation) run() {
	for !m.over && !(m.hasty && len(m.Problems) > 0) {
		e, ok := m.heap.pop()
		if !ok {
			m.problem("nothing left to do before the end")
			break
		}
		m.now = e.at
		m.Steps++
		m.mixIn(uint64(e.at), uint64(e.kind))
		m.step(e)
		m.pump()
	}
}

func (s Sim) withDefaults() Sim {
	if s.Clients <= 0 {
		s.Clients = 100
	}
	if s.Dispatches <= 0 {
		s.Dispatches = 100 * s.Clients
	}
	if s.Rate <= 0 {
		s.Rate = float64(s.Clients) / 5
	}
	if s.FaultEvery == 0 {
		s.FaultEvery = time.Minute
	}
	if s.Faults == nil {
		s.Faults = everyFault()
	}
	if s.MinLatency <= 0 {
		s.MinLatency = 5 * time.Millisecond
	}
	if s.MaxLatency < s.MinLatency {
		s.MaxLatency = max(s.MinLatency, 200*time.Millisecond)
	}
	if s.Starts <= 0 {
		s.Starts = 1 << 20
	}
	if s.SendEvery <= 0 {
		s.SendEvery = time.Second
	}
	if s.Params == (world.Params{}) {
		s.Params = world.Params{Version: "10", Encoding: "json"}
	}
	return s
}

func (s Sim) start() (*simulation, error) {
	s = s.withDefaults()
	patient := s.patient()
	options := append([]world.Option{
		world.WithSeed(s.Seed), world.WithGuilds(s.Clients, 3), world.WithMaxConcurrency(identifyBuckets), world.WithSessionStarts(s.Starts),
		world.WithReplay(patient.ReplayEvents, patient.ReplayBytes, patient.ReplayAge), world.WithSessionLife(simLife), world.WithRecord(10), world.WithResumeURL(resumeURLs...),
	}, s.Options...)
	w, err := world.New(options...)
	if err != nil {
		return nil, err
	}
	m := &simulation{
		Sim:     s,
		guilds:  w.Guilds(),
		limits:  w.Limits(),
		rng:     rand.New(rand.NewPCG(s.Seed, 0xbb67ae8584caa73b)),
		world:   w,
		links:   make(map[*world.Conn]*simLink),
		traces:  make(map[string]*simTrace),
		known:   make(map[string]bool),
		buckets: make(map[uint]time.Duration),
		outages: make(map[string]hostOutage),
		dead:    make(map[string]string),
		gaveUp:  make(map[string]lifecycle.ShardReason),
		waits:   make(map[lifecycle.ShardReason]int),
		script:  s.Script,
	}
	return m, m.prepare(patient)
}

// prepare lets the clients begin, and plans what is to happen.
func (m *simulation) prepare(patient world.Limits) error {
	if m.script == nil {
		m.script = m.Draw()
	}
	if err := m.share(lifecycle.BudgetState{}); err != nil {
		return err
	}
	m.forgetful = forgetful(m.limits, patient)
	m.limiter = ratelimit.NewIdentify(uint(m.limits.Buckets)) //nolint:gosec // positive
	for i := range m.Clients {
		c := &simClient{m: m, id: uint(i)}
		m.clients = append(m.clients, c)
		if err := c.begin(gateway.Session{}, lifecycle.ShardState{}); err != nil {
			return err
		}
		c.arm(m.time().Add(m.upTo(10 * time.Second)))
	}
	m.heap.push(simEvent{kind: simTraffic})
	if len(m.script) > 0 {
		m.heap.push(simEvent{at: m.script[0].At, kind: simFault})
	}
	m.heap.push(simEvent{at: m.SendEvery, kind: simCommand})
	return nil
}

func (m *simulation) step(e simEvent) {
	switch e.kind {
	case simWake:
		e.owner.wake()
	case simDialFailed:
		e.owner.dialFailed(e.link, lifecycle.HostFailure{})
	case simDialed:
		e.link.accepted()
	case simToClient:
		e.link.toClient(e.frame)
	case simTorn:
		e.link.torn(e.frame)
	case simToServer:
		e.link.toServer(e.frame)
	case simClientTimer:
		e.link.clientTimer()
	case simServerTimer:
		e.link.serverTimer()
	case simClientLost:
		e.link.clientLost()
	case simServerLost:
		e.link.serverLost()
	case simTraffic:
		m.makeEvent()
	case simFault:
		m.strike()
	case simCommand:
		m.sendCommands()
	case simCheck:
		m.check()
	}
}

func (m *simulation) time() time.Time { return simEpoch.Add(m.now) }

// upTo returns a random time below d.
func (m *simulation) upTo(d time.Duration) time.Duration {
	return time.Duration(m.rng.Int64N(max(1, int64(d))))
}

func (m *simulation) latency() time.Duration {
	return m.MinLatency + m.upTo(m.MaxLatency-m.MinLatency+1)
}

// mixIn makes the hash depend on what happens, in order.
func (m *simulation) mixIn(values ...uint64) {
	for _, v := range values {
		m.Hash = splitmix.Hash(m.Hash, v)
	}
}

func (m *simulation) problem(format string, args ...any) {
	if len(m.Problems) < 10 {
		m.Problems = append(m.Problems, fmt.Sprintf("after %v: ", m.now)+fmt.Sprintf(format, args...))
	}
}

// patience is when a run gives up on sessions to dispatch to.
func (m *simulation) patience() time.Duration {
	return time.Hour + time.Duration(20*float64(m.Sim.Dispatches)/m.Rate*float64(time.Second))
}

// makeEvent dispatches an event to a random guild: its number is in its data.
func (m *simulation) makeEvent() {
	if m.now > m.patience() {
		m.problem("only %d of %d events found a session", m.SimResult.Dispatches, m.Sim.Dispatches)
		m.Sim.Dispatches = m.SimResult.Dispatches
	}
	if m.SimResult.Dispatches >= m.Sim.Dispatches {
		m.settle()
		return
	}
	m.nextID++
	g := m.guilds[m.rng.IntN(len(m.guilds))]
	receivers, err := m.world.Dispatch(m.time(), event.MessageCreate, fmt.Appendf(nil, `{"n":%d,"guild_id":"%d"}`, m.nextID, g.ID), world.ToGuild(g.ID))
	if err != nil {
		m.problem("%v", err)
	}
	for _, s := range receivers {
		m.SimResult.Dispatches++
		m.trace(s).sent(m.nextID)
	}
	m.heap.push(simEvent{at: m.now + time.Duration(m.rng.ExpFloat64()/m.Rate*float64(time.Second)), kind: simTraffic})
}

func (m *simulation) trace(s *world.Session) *simTrace {
	t := m.traces[s.ID()]
	if t == nil {
		t = &simTrace{session: s}
		m.traces[s.ID()] = t
	}
	return t
}

// settle lets the clients come to rest: no events and no faults any more.
func (m *simulation) settle() {
	m.endsBy = m.now + quiet
	m.world.ForgetFaults()
	for _, c := range m.clients {
		c.nextDial = world.Fault{}
	}
	clear(m.outages)
	m.heap.push(simEvent{at: m.now + time.Second, kind: simCheck})
}

// check ends the run when every event has arrived.
func (m *simulation) check() {
	if m.now > m.endsBy {
		m.problem("clients do not come to rest")
		m.over = true
		return
	}
	for _, c := range m.clients {
		if !c.atRest() {
			m.heap.push(simEvent{at: m.now + time.Second, kind: simCheck})
			return
		}
	}
	m.over = true
}

// sendCommands lets some clients send, and a few of them far too much.
func (m *simulation) sendCommands() {
	if m.endsBy != 0 {
		return
	}
	m.heap.push(simEvent{at: m.now + m.SendEvery, kind: simCommand})
	for range 1 + len(m.clients)/100 {
		n := 1
		if m.rng.IntN(20) == 0 {
			n = 150
		}
		m.clients[m.rng.IntN(len(m.clients))].sendCommands(n)
	}
}

// intents of the clients: what they need for the events of the simulation.
const simIntents = intent.Guilds | intent.GuildMessages | intent.MessageContent
