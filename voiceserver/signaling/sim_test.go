package signaling_test

import (
	"bytes"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver/relay"
	"github.com/discordpkg/gateway/voiceserver/signaling"
	"github.com/stretchr/testify/require"
)

// A sim is a voice server, many calls and their networks in virtual time.
type sim struct {
	t     testing.TB
	rng   *rand.Rand
	now   time.Time
	agend agenda
	count uint64

	core   *signaling.Server
	relay  *relay.Relay
	served map[*signaling.Conn]*link
	coreAt time.Time
	ports  map[netip.AddrPort]*party

	parties []*party
	calm    bool // no more faults
	e2ee    bool
	faults  map[string]int
}

// An event is something that happens at a time.
type event struct {
	at  time.Time
	seq uint64
	do  func()
}

type agenda []event

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at.Before(a[j].at) || a[i].at.Equal(a[j].at) && a[i].seq < a[j].seq
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(event)) }
func (a *agenda) Pop() any {
	old := *a
	e := old[len(old)-1]
	*a = old[:len(old)-1]
	return e
}

func newSim(t testing.TB, seed uint64, e2ee bool) *sim {
	options := []any{signaling.WithRandom(rand.NewChaCha8([32]byte{byte(seed)})), relay.WithSeed(seed), signaling.WithMessageRate(400)}
	if !e2ee {
		options = append(options, signaling.WithoutE2EE())
	}
	core, r := machines(t, options...)
	return &sim{
		t: t, rng: rand.New(rand.NewPCG(seed, 9)), now: epoch, e2ee: e2ee,
		core: core, relay: r,
		served: make(map[*signaling.Conn]*link), ports: make(map[netip.AddrPort]*party), faults: make(map[string]int),
	}
}

// after lets something happen later.
func (s *sim) after(d time.Duration, do func()) {
	s.count++
	heap.Push(&s.agend, event{s.now.Add(max(0, d)), s.count, do})
}

// latency is that of one message.
func (s *sim) latency() time.Duration { return time.Duration(5+s.rng.IntN(75)) * time.Millisecond }

func (s *sim) run(d time.Duration) {
	for end := s.now.Add(d); len(s.agend) > 0 && !s.agend[0].at.After(end); {
		e := heap.Pop(&s.agend).(event)
		s.now = e.at
		e.do()
	}
}

// settle passes on what the server wants sent.
func (s *sim) settle() {
	for _, r := range s.core.Routes() {
		require.NoError(s.t, s.relay.Apply(r))
	}
	for _, conn := range s.core.Ready() {
		if l := s.served[conn]; l != nil {
			l.pull()
		}
	}
	if at := s.core.NextDeadline(); !at.IsZero() && !at.Equal(s.coreAt) {
		s.coreAt = at
		s.after(at.Sub(s.now), func() { s.core.HandleTimeout(s.now); s.coreAt = time.Time{}; s.settle() })
	}
}

// A link is one websocket connection.
type link struct {
	s        *sim
	p        *party
	conn     *signaling.Conn
	state    *gateway.VoiceGatewayState
	down, up time.Time // when the last message arrives, as none overtakes another
	ended    bool      // on the side of the client
	connAt   time.Time
	stateAt  time.Time
}

// arrival returns how long a message takes behind the one before it.
func (l *link) arrival(last *time.Time) time.Duration {
	at := l.s.now.Add(l.s.latency())
	if at.Before(*last) {
		at = *last
	}
	*last = at
	return at.Sub(l.s.now)
}

// pull takes frames from the server's end.
func (l *link) pull() {
	for f, ok := l.conn.Next(); ok; f, ok = l.conn.Next() {
		l.s.after(l.arrival(&l.down), func() { l.receive(f) })
	}
	if at := l.conn.NextDeadline(); !at.IsZero() && !at.Equal(l.connAt) {
		l.connAt = at
		l.s.after(at.Sub(l.s.now), func() { l.connAt = time.Time{}; l.conn.HandleTimeout(l.s.now); l.pull(); l.s.settle() })
	}
}

// A pen writes frames of the client.
type pen struct {
	l      *link
	binary bool
}

func (w pen) Write(b []byte) (int, error) {
	b, l := bytes.Clone(b), w.l
	l.s.after(l.arrival(&l.up), func() { l.conn.Receive(l.s.now, b, w.binary); l.pull(); l.s.settle() })
	return len(b), nil
}

// A closer writes close frames of the client.
type closer struct{ l *link }

func (w closer) Write(b []byte) (int, error) {
	code := closecode.Voice(binary.BigEndian.Uint16(b))
	w.l.s.after(w.l.arrival(&w.l.up), func() { w.l.conn.Lost(w.l.s.now, code); w.l.s.settle() })
	return len(b), nil
}

func (l *link) writers() gateway.VoiceWriters {
	return gateway.VoiceWriters{Text: pen{l, false}, Binary: pen{l, true}, Close: closer{l}}
}

// cut breaks the connection. Each side learns of it in its own time.
func (l *link) cut() {
	l.s.after(time.Duration(l.s.rng.IntN(3000))*time.Millisecond, func() { l.conn.Lost(l.s.now, 1006); l.s.settle() })
	l.s.after(time.Duration(l.s.rng.IntN(3000))*time.Millisecond, func() { l.over(errors.New("connection lost")) })
}

func (l *link) receive(f signaling.Frame) {
	if l.ended {
		return
	}
	l.state.Advance(l.s.now)
	var m *gateway.VoiceMessage
	var err error
	switch f.Kind {
	case signaling.FrameText:
		m, _, err = l.state.ProcessMessage(f.Data, l.writers())
	case signaling.FrameBinary:
		m, _, err = l.state.ProcessBinary(f.Data, l.writers())
	case signaling.FrameClose:
		code, reason := f.CloseCode()
		err = l.state.ProcessCloseCode(code, reason, closer{l})
	case signaling.FrameCut:
		err = errors.New("connection lost")
	}
	if m != nil {
		l.p.handle(l, m)
	}
	if err != nil {
		l.over(err)
	}
	l.rearm()
}

func (l *link) rearm() {
	if at := l.state.NextDeadline(); !l.ended && !at.IsZero() && !at.Equal(l.stateAt) {
		l.stateAt = at
		l.s.after(at.Sub(l.s.now), func() {
			l.stateAt = time.Time{}
			if l.ended {
				return
			}
			if err := l.state.HandleTimeout(l.s.now, l.writers()); err != nil {
				l.over(err)
			}
			l.rearm()
		})
	}
}

// over decides what the client does after its connection.
func (l *link) over(err error) {
	if l.ended {
		return
	}
	l.ended = true
	if l.p.link == l {
		l.p.decide(err)
	}
}

// A party is one user of a call.
type party struct {
	s       *sim
	member  signaling.Member
	session gateway.VoiceSession
	link    *link
	joins   int
	stopped *gateway.VoiceError

	addr   netip.AddrPort
	ssrc   uint32
	key    gateway.VoiceKey
	opener *rtp.Opener
	sealer *rtp.Sealer
	stream rtp.Stream
	users  map[uint32]snowflake.ID
	heard  map[snowflake.ID]time.Time
	dave   *dave.Session
}

func (s *sim) add(user, channel snowflake.ID) {
	p := &party{s: s, member: signaling.Member{Guild: guild, Channel: channel, User: user}, heard: make(map[snowflake.ID]time.Time)}
	p.addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(user >> 16), byte(user >> 8), byte(user)}), 4000)
	s.ports[p.addr] = p
	s.parties = append(s.parties, p)
	s.after(time.Duration(s.rng.IntN(5000))*time.Millisecond, p.join)
	s.after(time.Duration(s.rng.IntN(2000))*time.Millisecond, p.talk)
	s.after(time.Duration(10+s.rng.IntN(50))*time.Second, p.fault)
}

// join asks the main gateway for a place.
func (p *party) join() {
	p.joins++
	p.member.SessionID = fmt.Sprintf("session-%d-%d", p.member.User, p.joins)
	token, err := p.s.core.Join(p.s.now, p.member)
	require.NoError(p.s.t, err)
	p.s.settle()
	p.session = gateway.VoiceSession{ServerID: guild, UserID: p.member.User, SessionID: p.member.SessionID, Token: token, Endpoint: "voice.example"}
	if p.s.e2ee {
		p.dave, err = dave.NewSession(p.member.User, p.member.Channel)
		require.NoError(p.s.t, err)
	}
	p.s.after(p.s.latency(), p.connect)
}

func (p *party) connect() {
	var options []gateway.VoiceOption
	if p.dave != nil {
		options = append(options, gateway.WithE2EE(p.dave))
	}
	state, err := gateway.NewVoiceGatewayState(p.session, append(options, gateway.WithVoiceJitter(p.s.rng.Float64))...)
	require.NoError(p.s.t, err)
	state.Advance(p.s.now)
	l := &link{s: p.s, p: p, state: state, conn: p.s.core.Accept(p.s.now, "8")}
	p.s.served[l.conn], p.link = l, l
	p.s.settle()
	l.rearm()
}

func (p *party) decide(err error) {
	var v *gateway.VoiceError
	decision := closecode.Resume
	if errors.As(err, &v) {
		decision = v.Decision
	}
	session, ok := p.link.state.Session()
	switch {
	case decision == closecode.Resume && ok:
		p.session = session
		p.s.after(100*time.Millisecond, p.connect)
	case decision == closecode.WaitForMove && p.s.rng.IntN(10) == 0:
		p.stopped = v // it was not moved but removed
		p.s.core.Leave(p.s.now, guild, p.member.User)
		p.s.settle()
	case decision == closecode.Stop:
		p.stopped = v
	default: // the main gateway tells where to go
		p.s.after(p.s.latency(), p.join)
	}
}

// handle acts on what the state has taken in.
func (p *party) handle(l *link, m *gateway.VoiceMessage) {
	switch m.Op {
	case opcode.VoiceReady:
		ready, _ := l.state.Ready()
		p.ssrc, p.users = ready.SSRC, make(map[uint32]snowflake.ID)
		p.stream = rtp.Stream{SSRC: p.ssrc, Sequence: uint16(p.s.rng.Uint32())}
		p.discover(l)
	case opcode.VoiceSessionDescription:
		d, _ := l.state.Description()
		if d.SecretKey != p.key {
			p.key = d.SecretKey
			p.opener, _ = rtp.NewOpener(rtp.Mode(d.Mode), p.key[:])
			p.sealer, _ = rtp.NewSealer(rtp.Mode(d.Mode), p.key[:], rtp.ClientNonces())
		}
		require.NoError(p.s.t, l.state.Speaking(pen{l, false}, gateway.SpeakingMicrophone))
	case opcode.VoiceSpeaking:
		p.learn(m.Data)
	}
}

// discover asks until there is an answer: datagrams get lost.
func (p *party) discover(l *link) {
	if _, described := l.state.Description(); described || l.ended {
		return
	}
	p.send(rtp.AppendDiscoveryRequest(nil, p.ssrc))
	p.s.after(500*time.Millisecond, func() { p.discover(l) })
}
