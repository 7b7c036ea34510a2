package sim

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/splitmix"
	"github.com/discordpkg/gateway/voiceserver/relay"
	"github.com/discordpkg/gateway/voiceserver/signaling"
)

// A VoiceSim runs voice calls, each a [gateway.VoiceGatewayState] with its
// datagrams and the policy that the decisions of [gateway.VoiceError] ask for,
// against the pure half of voiceserver, in virtual time. The websockets are
// slow and break at any byte or without a sign, datagrams get lost, overtake
// one another and come twice, servers crash and move, and Discord moves and
// removes members. It uses one goroutine and no clock. Equal values give equal
// results.
//
// The zero VoiceSim is a small run; [VoiceSim.Run] fills in what is left out.
type VoiceSim struct {
	Seed       uint64
	Calls      int           // at a time, 40 by default, 2 at least; a user whose call ends begins another one
	RoomSize   int           // members of a channel, 5 by default; each guild has two channels
	Servers    int           // one for each 100 calls by default, 2 at least
	For        time.Duration // how long faults go on, 3 min by default
	FaultEvery time.Duration // mean time between the faults of a call, 30 s by default; negative: no faults
	Faults     []VoiceFault  // drawn at random, all kinds by default
	FrameEvery time.Duration // mean time between the frames of a call, 1 s by default
	MinLatency time.Duration // one way, 5 ms by default
	MaxLatency time.Duration // 200 ms by default

	E2EE bool // encrypt end to end, which costs far more time

	// Network is how bad the way of the datagrams always is, in both
	// directions. By default some are lost, doubled, overtaken and padded.
	Network relay.Network

	Options []signaling.Option // of the servers, after those that Run chooses
}

// A VoiceSimResult is what a simulation of voice came to.
type VoiceSimResult struct {
	Begun       int            // calls
	Speaking    int            // calls that were heard to the end
	Stopped     map[string]int // calls that ended otherwise, by the reason
	Connections int            // opened
	Refused     int            // dials
	Identifies  int            // answered with Ready
	Resumes     int            // answered with Resumed
	NewSessions int            // that the main gateway was asked for after a failure
	Moves       int            // to another channel or server, followed
	Cuts        int            // connections that broke
	Zombies     int            // connections that were given up because nothing answered

	Sent  int // datagrams, by both ends
	Lost  int // of them, on their way
	Heard int // frames that a member got, equal to what was sent
	Early int // frames of senders, or with keys, that were not known yet, or not any more
	Held  int // frames that could not be encrypted yet
	Dark  int // frames that were not, or not yet, encrypted for who got them

	Injected map[VoiceFault]int

	Steps int
	Time  time.Duration // virtual
	Hash  uint64        // of everything that happened, in order

	Problems []string // the first few broken invariants, in words
}

// A voiceSimulation is a run of a VoiceSim.
type voiceSimulation struct {
	VoiceSim
	VoiceSimResult
	rng    *rand.Rand
	now    time.Duration
	events voiceEvents

	users  []*voiceUser
	guilds []*voiceGuild
	hosts  []*voiceHost
	media  map[netip.AddrPort]*voiceMedia // by where its datagrams come from
	nonces map[gateway.VoiceKey]*voiceNonces

	died    time.Duration // when a server died last
	settled time.Duration // when the faults ended, zero before
	leaving bool
}

// Run runs the simulation to its end. The error tells which promise was
// broken: that every call ends up heard by another member, or stopped for a
// reason that has a type and that something happened to account for; that
// frames arrive as they were sent, numbered messages without gap or repetition,
// and heartbeats in time; that members who are deaf, or elsewhere, hear
// nothing; that no nonce is used twice; that servers forget who has left; and
// that runs end.
func (s VoiceSim) Run() (VoiceSimResult, error) {
	m, err := s.start()
	if err != nil {
		return VoiceSimResult{}, fmt.Errorf("sim: %w", err)
	}
	m.run()
	m.finish()
	if len(m.Problems) > 0 {
		return m.VoiceSimResult, fmt.Errorf("sim: simulation of voice with seed %d: %s", s.Seed, m.Problems[0])
	}
	return m.VoiceSimResult, nil
}

func (s VoiceSim) withDefaults() VoiceSim {
	if s.Calls <= 0 {
		s.Calls = 40
	}
	s.Calls = max(2, s.Calls)
	if s.RoomSize <= 0 {
		s.RoomSize = 5
	}
	if s.Servers <= 0 {
		s.Servers = s.Calls / 100
	}
	s.Servers = max(2, s.Servers)
	if s.For <= 0 {
		s.For = 3 * time.Minute
	}
	if s.FaultEvery == 0 {
		s.FaultEvery = 30 * time.Second
	}
	if s.Faults == nil {
		s.Faults = everyVoiceFault()
	}
	if s.FrameEvery <= 0 {
		s.FrameEvery = time.Second
	}
	if s.MinLatency <= 0 {
		s.MinLatency = 5 * time.Millisecond
	}
	if s.MaxLatency < s.MinLatency {
		s.MaxLatency = max(s.MinLatency, 200*time.Millisecond)
	}
	if s.Network == (relay.Network{}) {
		s.Network = relay.Network{Loss: 0.02, Duplicate: 0.02, Reorder: 0.05, Padding: 0.1}
	}
	return s
}

func (s VoiceSim) start() (*voiceSimulation, error) {
	s = s.withDefaults()
	m := &voiceSimulation{
		VoiceSim: s,
		VoiceSimResult: VoiceSimResult{
			Stopped: make(map[string]int), Injected: make(map[VoiceFault]int),
		},
		rng:    rand.New(rand.NewPCG(s.Seed, 0x3c6ef372fe94f82b)),
		media:  make(map[netip.AddrPort]*voiceMedia),
		nonces: make(map[gateway.VoiceKey]*voiceNonces),
	}
	for n := range s.Servers {
		h, err := m.newHost(n)
		if err != nil {
			return nil, err
		}
		m.hosts = append(m.hosts, h)
	}
	m.populate()
	for _, u := range m.users {
		m.after(m.upTo(10*time.Second), u.begin)
		m.after(m.upTo(s.FrameEvery), u.say)
	}
	if s.FaultEvery > 0 {
		m.after(m.voiceFaultPause(), m.makeFault)
	}
	m.after(s.For, m.settle)
	return m, nil
}

// populate makes guilds with two channels each, and their users.
func (m *voiceSimulation) populate() {
	guilds := max(1, m.Calls/(2*m.RoomSize))
	for n := range guilds {
		m.guilds = append(m.guilds, newVoiceGuild(n, m.hosts[n%len(m.hosts)]))
	}
	for n := range m.Calls {
		m.users = append(m.users, m.newUser(n, m.guilds[n%guilds], n/guilds%2))
	}
}

// run does one thing after another until nothing is left to do.
func (m *voiceSimulation) run() {
	for m.now < m.For+2*voiceQuiet {
		e, ok := m.events.pop()
		if !ok {
			return
		}
		m.now = e.at
		m.Steps++
		m.mixIn(uint64(e.at))
		e.do()
	}
	m.problem("the run does not end")
}

func (m *voiceSimulation) time() time.Time { return simEpoch.Add(m.now) }

// upTo returns a random time below d.
func (m *voiceSimulation) upTo(d time.Duration) time.Duration {
	return time.Duration(m.rng.Int64N(max(1, int64(d))))
}

func (m *voiceSimulation) latency() time.Duration {
	return m.MinLatency + m.upTo(m.MaxLatency-m.MinLatency+1)
}

// chance is true with probability p.
func (m *voiceSimulation) chance(p float64) bool { return p > 0 && m.rng.Float64() < p }

// mixIn makes the hash depend on what happens, in order.
func (m *voiceSimulation) mixIn(values ...uint64) {
	for _, v := range values {
		m.Hash = splitmix.Hash(m.Hash, v)
	}
}

func (m *voiceSimulation) problem(format string, args ...any) {
	if len(m.Problems) < 10 {
		m.Problems = append(m.Problems, fmt.Sprintf("after %v: ", m.now)+fmt.Sprintf(format, args...))
	}
}
