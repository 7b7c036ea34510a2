package relay

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/discordpkg/gateway/internal/cellrate"
	"github.com/discordpkg/gateway/internal/rtp"
)

// A Relay is the half of a voice server that forwards audio, for the channels
// of one socket, as a pure machine: datagrams and time go in, datagrams and
// deadlines come out. What it knows of clients its owner tells, see
// [Relay.Apply]. It is not safe for concurrent use; relays share nothing, so
// that each may have a goroutine of its own.
//
// Each packet is decrypted with the key of its sender, and encrypted again for
// every other member of the channel who is not deaf and whose address is
// confirmed. Header, extension and padding stay as they are. An address is
// confirmed if IP discovery was answered there and Select Protocol names it,
// or by an authentic packet that comes from it, which also moves a client
// whose address changes. The protocol has no challenge: a member who can forge
// the source of its own packets can have its audio sent elsewhere.
type Relay struct {
	cfg   settings
	rng   *rand.Rand
	legs  map[uint32]*leg // by SSRC
	calls map[channelKey]*call
	addrs map[netip.AddrPort]*address
	net   networks
	stats Stats

	reports []Report
}

// An address is where clients were seen.
type address struct {
	legs int
	echo cellrate.Limit // of keepalives
}

const (
	strayRate = 20 // packets per second from elsewhere than usual, from each of strayPlaces
	echoRate  = 20 // keepalives per second and address; clients send one in 5 s
)

// New returns a relay without clients. The error names the option that is wrong.
func New(options ...Option) (*Relay, error) {
	cfg, err := newSettings(options)
	if err != nil {
		return nil, err
	}
	return &Relay{
		cfg:   cfg,
		rng:   rand.New(rand.NewPCG(cfg.seed, 0xbb67ae8584caa73b)),
		legs:  make(map[uint32]*leg),
		calls: make(map[channelKey]*call),
		addrs: make(map[netip.AddrPort]*address),
	}, nil
}

// Apply follows a change of a client. The error, which leaves the relay as it
// was, means an encryption mode that is not known.
func (r *Relay) Apply(route Route) error {
	l := r.legs[route.SSRC]
	switch {
	case route.Gone && l == nil:
		return nil
	case route.Gone:
		r.remove(l)
		return nil
	case l == nil:
		l = &leg{Route: Route{SSRC: route.SSRC}, own: cellrate.New(r.cfg.packetRate, r.cfg.packetRate/2)}
		for i := range l.strays {
			l.strays[i] = cellrate.New(strayRate, strayRate)
		}
		r.legs[route.SSRC] = l
	}
	if route.Mode != "" && (l.opener == nil || l.Mode != route.Mode || l.Key != route.Key) {
		if err := l.rekey(route, r.cfg.nonces); err != nil {
			return err
		}
	}
	if route.Bitrate != l.Bitrate {
		l.volume = newVolume(route.Bitrate)
	}
	named := l.Named
	l.Route = route
	if route.Mode == "" {
		return nil
	}
	if l.call == nil {
		r.enter(l)
	}
	if route.Named != named && (!l.confirmed || route.Named != l.addr) && route.Named == l.asked {
		r.confirm(l, route.Named)
	}
	return nil
}

func (l *leg) rekey(route Route, nonces rtp.Nonces) error {
	opener, err := rtp.NewOpener(rtp.Mode(route.Mode), route.Key[:])
	if err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	sealer, err := rtp.NewSealer(rtp.Mode(route.Mode), route.Key[:], nonces)
	if err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	l.close()
	l.opener, l.sealer, l.seen, l.reported = opener, sealer, window{}, 0
	return nil
}

func (l *leg) close() {
	if l.opener != nil {
		l.opener.Close()
		l.sealer.Close()
	}
}

func (r *Relay) enter(l *leg) {
	key := channelKey{l.Backend, l.Channel}
	c := r.calls[key]
	if c == nil {
		c = &call{}
		r.calls[key] = c
	}
	c.legs = append(c.legs, l)
	l.call = c
}

func (r *Relay) remove(l *leg) {
	delete(r.legs, l.SSRC)
	r.unuse(l.asked)
	r.unuse(l.addr)
	l.close()
	if c := l.call; c != nil {
		c.legs = slices.DeleteFunc(c.legs, func(o *leg) bool { return o == l })
		if len(c.legs) == 0 {
			delete(r.calls, channelKey{l.Backend, l.Channel})
		}
	}
}

// use remembers that a client was seen at an address, and forgets where it was
// seen before.
func (r *Relay) use(slot *netip.AddrPort, at netip.AddrPort) {
	if *slot == at {
		return
	}
	r.unuse(*slot)
	*slot = at
	a := r.addrs[at]
	if a == nil {
		a = &address{echo: cellrate.New(echoRate, echoRate)}
		r.addrs[at] = a
	}
	a.legs++
}

func (r *Relay) unuse(at netip.AddrPort) {
	if a := r.addrs[at]; a != nil {
		if a.legs--; a.legs == 0 {
			delete(r.addrs, at)
		}
	}
}

func (r *Relay) confirm(l *leg, at netip.AddrPort) {
	r.use(&l.addr, at)
	l.confirmed = true
}

// Forward takes a datagram that arrived at now, and adds to out what is to be
// sent because of it. It works in the memory of the datagram. The work it does
// is bounded by the size of the sender's channel; it allocates nothing once
// out has grown.
func (r *Relay) Forward(now time.Time, from netip.AddrPort, datagram []byte, out *Batch) {
	from = netip.AddrPortFrom(from.Addr().Unmap().WithZone(""), from.Port())
	r.stats.Received++
	if len(datagram) > r.cfg.datagram {
		r.stats.TooLarge++
		return
	}
	switch rtp.KindOf(datagram) {
	case rtp.KindRTP:
		r.media(now, from, datagram, out)
	case rtp.KindRTCP:
		r.stats.RTCP++
	case rtp.KindDiscoveryRequest:
		r.discover(now, from, datagram, out)
	case rtp.KindKeepalive:
		r.echo(now, from, datagram, out)
	default:
		r.stats.Unknown++
	}
}

// discover answers a client that asks for its own address.
//
// https://discord.com/developers/docs/topics/voice-connections#ip-discovery
func (r *Relay) discover(now time.Time, from netip.AddrPort, datagram []byte, out *Batch) {
	ssrc, err := rtp.ParseDiscoveryRequest(datagram)
	l := r.legs[ssrc]
	if err != nil || l == nil {
		r.stats.Unknown++
		return
	}
	if !l.stray(from.Addr()).Take(now) {
		r.stats.Limited++
		return
	}
	r.stats.Discoveries++
	r.use(&l.asked, from)
	if l.call != nil && l.Named == from {
		r.confirm(l, from)
	}
	d := out.add(from)
	d.Data = rtp.AppendDiscoveryResponse(d.Data, ssrc, from)
}

// echo gives a keepalive back, unless it comes from strangers: two servers
// could be made to echo to each other for ever.
func (r *Relay) echo(now time.Time, from netip.AddrPort, datagram []byte, out *Batch) {
	a := r.addrs[from]
	if a == nil {
		r.stats.Unknown++
		return
	}
	if !a.echo.Take(now) {
		r.stats.Limited++
		return
	}
	r.stats.Keepalives++
	d := out.add(from)
	d.Data = append(d.Data, datagram...)
}

// ssrcOffset is where an RTP packet has the SSRC.
const ssrcOffset = 8

func (r *Relay) media(now time.Time, from netip.AddrPort, datagram []byte, out *Batch) {
	l := r.legs[binary.BigEndian.Uint32(datagram[ssrcOffset:])]
	if l == nil || l.call == nil {
		r.stats.Unknown++
		return
	}
	// A forger must not use up what the client in whose name it sends may send.
	usual := l.confirmed && from == l.addr
	if usual && !l.own.Take(now) || !usual && !l.stray(from.Addr()).Take(now) {
		r.stats.Limited++
		return
	}
	nonce := [nonceSize]byte(datagram[len(datagram)-nonceSize:])
	plain, err := l.opener.Open(datagram)
	if err != nil {
		r.stats.Forged++
		return
	}
	if !l.seen.take(nonce) {
		r.stats.Repeated++
		return
	}
	if !usual {
		r.confirm(l, from)
	}
	if !l.Announced {
		r.unannounced(now, l)
	}
	r.fanOut(now, l, plain, out)
}

// fanOut sends a packet to all who are to hear it.
func (r *Relay) fanOut(now time.Time, l *leg, plain []byte, out *Batch) {
	if l.Bitrate > 0 && !l.volume.TakeN(now, len(plain)) {
		r.stats.Limited++
		return
	}
	if l.Muted {
		r.stats.Muted++
		return
	}
	protocol := isProtocolFrame(plain)
	for _, to := range l.call.legs {
		switch {
		case to == l || to.Deaf:
		case protocol && !to.E2EE:
			r.stats.Encrypted++
		default:
			r.forward(now, to, plain, out)
		}
	}
}

// isProtocolFrame reports whether a packet is encrypted end to end, by the
// marker at its end: clients that do not know of it must not get it.
//
// https://discord.com/developers/docs/topics/voice-connections#payload-format
func isProtocolFrame(plain []byte) bool {
	end := len(plain)
	if plain[0]&paddingBit != 0 {
		end -= int(plain[end-1])
	}
	return end >= minProtocol && plain[end-1] == 0xfa && plain[end-2] == 0xfa
}

const (
	paddingBit  = 0x20
	minProtocol = 12 + 11 // the header of RTP, and a frame without content
)

// forward sends one packet to one client.
func (r *Relay) forward(now time.Time, to *leg, plain []byte, out *Batch) {
	if !to.confirmed {
		r.stats.Unconfirmed++
		return
	}
	if r.net.disturbs(to.User) {
		r.disturb(now, to, plain, out)
		return
	}
	r.seal(to, plain, out)
}

func (r *Relay) seal(to *leg, plain []byte, out *Batch) {
	d := out.add(to.addr)
	sealed, err := to.sealer.Seal(append(d.Data, plain...))
	if err != nil { // the nonces are used up
		out.drop()
		r.report(to, ReportWornOut)
		return
	}
	d.Data = sealed
	r.stats.Forwarded++
}

// announceWithin is how long the audio of a client may be ahead of its first
// Speaking, which takes another way.
const announceWithin = 2 * time.Second

// unannounced notices clients that break the rule to send Speaking first.
func (r *Relay) unannounced(now time.Time, l *leg) {
	if l.unannounced.IsZero() {
		l.unannounced = now
	} else if now.Sub(l.unannounced) >= announceWithin {
		r.report(l, ReportUnannounced)
	}
}

func (r *Relay) report(l *leg, kind ReportKind) {
	if l.reported != kind {
		l.reported = kind
		r.reports = append(r.reports, Report{l.SSRC, kind})
	}
}

// Reports returns what the relay noticed since the last call, as a fresh slice.
func (r *Relay) Reports() []Report {
	reports := r.reports
	r.reports = nil
	return reports
}

// Stats returns the counters.
func (r *Relay) Stats() Stats { return r.stats }
