package sim

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"time"

	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver/relay"
	"github.com/discordpkg/gateway/voiceserver/signaling"
)

// A voiceHost is a voice server, from when it starts until it dies.
type voiceHost struct {
	m        *voiceSimulation
	n        int
	endpoint string
	port     netip.AddrPort
	core     *signaling.Server
	relay    *relay.Relay
	out      relay.Batch
	first    uint16 // number of the first message of each session
	dead     bool

	links  map[*signaling.Conn]*voiceLink // that are open
	conns  []*voiceLink                   // all, in the order of their numbers
	routes map[uint32]relay.Route
	media  []*voiceMedia // that ever was
	judged int           // how many violations were looked at

	coreAlarm, relayAlarm voiceAlarm
}

// newHost starts a server. On every other one the numbers of messages wrap
// around soon.
func (m *voiceSimulation) newHost(n int) (*voiceHost, error) {
	h := &voiceHost{
		m: m, n: n,
		endpoint: "voice" + strconv.Itoa(n) + ".invalid:443",
		port:     netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(n)}), uint16(5000+n/256)),
		first:    uint16(1 - n%2*10),
		links:    make(map[*signaling.Conn]*voiceLink),
		routes:   make(map[uint32]relay.Route),
	}
	var seed [32]byte
	binary.BigEndian.PutUint64(seed[:], m.rng.Uint64())
	random, faults := signaling.WithRandom(rand.NewChaCha8(seed)), m.rng.Uint64()
	options := append([]signaling.Option{random, signaling.WithSequence(h.first), signaling.WithRecord(1 << 20)}, m.Options...)
	var err error
	if h.core, err = signaling.New([]netip.AddrPort{h.port}, options...); err != nil {
		return nil, err
	}
	if h.relay, err = relay.New(relay.WithSeed(faults)); err != nil {
		return nil, err
	}
	h.relay.SetNetwork(relay.Network{Padding: m.Network.Padding})
	return h, nil
}

// do lets something happen to the server, and looks what comes of it.
func (h *voiceHost) do(f func(now time.Time)) {
	if h.dead {
		return
	}
	f(h.m.time())
	h.follow()
	for _, r := range h.relay.Reports() {
		h.core.HandleReport(h.m.time(), r)
	}
	h.follow()
	open := len(h.links)
	for _, c := range h.core.Ready() {
		if l := h.links[c]; l != nil {
			l.drain()
		}
	}
	if len(h.links) < open {
		h.judge()
	}
	h.m.arm(&h.coreAlarm, h.core.NextDeadline(), func() { h.do(h.core.HandleTimeout) })
	h.m.arm(&h.relayAlarm, h.relay.NextDeadline(), h.release)
}

// follow tells the relay what the core says.
func (h *voiceHost) follow() {
	for _, r := range h.core.Routes() {
		if err := h.relay.Apply(r); err != nil {
			h.m.problem("%v", err)
		}
		h.m.checkKey(r)
		if r.Gone {
			delete(h.routes, r.SSRC)
		} else {
			h.routes[r.SSRC] = r
		}
	}
}

// join makes a user a member of the channel where Discord has it, and returns
// its token.
func (h *voiceHost) join(u *voiceUser) (token string) {
	h.do(func(now time.Time) {
		var err error
		token, err = h.core.Join(now, signaling.Member{Guild: u.guild.id, Channel: u.place.channel, User: u.id, SessionID: u.place.session})
		if err == nil {
			err = h.core.SetState(u.guild.id, u.id, u.state)
		}
		if err != nil {
			h.m.problem("%v", err)
		}
	})
	return token
}

// receive takes a datagram.
func (h *voiceHost) receive(from netip.AddrPort, datagram []byte) {
	h.do(func(now time.Time) {
		h.relay.Forward(now, from, datagram, &h.out)
		h.send(true)
	})
}

// release sends what the relay held back.
func (h *voiceHost) release() {
	h.do(func(now time.Time) {
		h.relay.HandleTimeout(now, &h.out)
		h.send(false)
	})
}

// send puts datagrams on their way.
func (h *voiceHost) send(fresh bool) {
	for _, d := range h.out.Datagrams() {
		media := h.m.media[d.To]
		if media == nil {
			h.m.problem("a datagram for %v, where no call is", d.To)
			continue
		}
		var arrive func(datagram []byte)
		if rtp.KindOf(d.Data) == rtp.KindRTP {
			key := h.checkAudio(media, d.Data, fresh)
			arrive = func(datagram []byte) { media.hear(d.To, datagram, key) }
		} else {
			arrive = func(datagram []byte) { media.receive(d.To, datagram) }
		}
		h.m.carry(media.call.u.network(), d.Data, arrive)
	}
	h.out.Reset()
}

// carry takes a datagram over a network, to arrive once, twice or not at all.
func (m *voiceSimulation) carry(n relay.Network, datagram []byte, arrive func(datagram []byte)) {
	m.Sent++
	if m.chance(n.Loss) {
		m.Lost++
		return
	}
	copies := 1
	if m.chance(n.Duplicate) {
		copies = 2
	}
	for range copies {
		delay := m.MinLatency + n.Delay + m.upTo(n.Jitter)
		if m.chance(n.Reorder) {
			delay += m.upTo(m.MaxLatency)
		}
		data := append([]byte(nil), datagram...)
		m.after(delay, func() { arrive(data) })
	}
}

// audience returns the sessions that take part in a channel.
func (h *voiceHost) audience(channel snowflake.ID) (n int) {
	for _, r := range h.routes {
		if r.Channel == channel && r.Mode != "" {
			n++
		}
	}
	return n
}
