package sim

import (
	"bytes"
	"encoding/binary"
	"math"
	"net/netip"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/internal/splitmix"
	"github.com/discordpkg/gateway/snowflake"
)

// A voiceMedia is the datagrams of one session of a client.
type voiceMedia struct {
	m    *voiceSimulation
	call *voiceCall
	host *voiceHost
	ssrc uint32

	addr  netip.AddrPort // where they come from
	addrs []netip.AddrPort
	named netip.AddrPort // as the server has told

	discovery rtp.Discovery
	keepalive rtp.Keepalive
	mode      rtp.Mode
	key       gateway.VoiceKey
	sealer    *rtp.Sealer // nil before there is a key
	opener    *rtp.Opener
	closed    bool
	announced *voiceLink // where the client said first that it speaks
}

// newMedia begins to ask for the address of a session.
func (c *voiceCall) newMedia(r gateway.VoiceReady) *voiceMedia {
	host := c.m.hostAt(r)
	md := &voiceMedia{m: c.m, call: c, host: host, ssrc: r.SSRC}
	host.media = append(host.media, md)
	mode, err := rtp.SelectMode(r.Modes)
	if err != nil {
		c.m.problem("user %d: %v", c.u.id, err)
	}
	md.mode = mode
	if c.m.chance(0.3) {
		md.mode = rtp.XChaCha20Poly1305
	}
	md.rebind()
	md.ask()
	return md
}

// hostAt returns the server that a client is told to send audio to.
func (m *voiceSimulation) hostAt(r gateway.VoiceReady) *voiceHost {
	addr, err := netip.ParseAddr(r.IP)
	for _, h := range m.hosts {
		if err == nil && h.port == netip.AddrPortFrom(addr, r.Port) {
			return h
		}
	}
	m.problem("audio for %s:%d, where no server is", r.IP, r.Port)
	return m.hosts[0]
}

// rebind makes the datagrams come from another port, as address translation
// does at times.
func (md *voiceMedia) rebind() {
	u := md.call.u
	u.ports++
	md.addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(u.n >> 16), byte(u.n >> 8), byte(u.n)}), uint16(1024+u.ports))
	md.addrs = append(md.addrs, md.addr)
	md.m.media[md.addr] = md
}

// ask starts IP discovery.
func (md *voiceMedia) ask() {
	md.named = netip.AddrPort{}
	md.discovery.Start(md.m.time(), md.ssrc, 0, 0)
}

// rekey follows a session description.
func (md *voiceMedia) rekey(d gateway.VoiceSessionDescription) {
	md.key = d.SecretKey
	var err error
	if md.sealer == nil {
		md.sealer, err = rtp.NewSealer(rtp.Mode(d.Mode), d.SecretKey[:], rtp.ClientNonces())
		md.keepalive.Start(md.m.time())
	} else {
		err = md.sealer.Rekey(rtp.Mode(d.Mode), d.SecretKey[:], rtp.ClientNonces())
	}
	if err == nil {
		md.opener, err = rtp.NewOpener(rtp.Mode(d.Mode), d.SecretKey[:])
	}
	if err != nil {
		md.m.problem("user %d: %v", md.call.u.id, err)
	}
}

// expire does what is due. The error is that of IP discovery.
func (md *voiceMedia) expire(now time.Time) error {
	b, err := md.discovery.HandleTimeout(now, nil)
	if len(b) > 0 {
		md.send(b)
	}
	if b := md.keepalive.HandleTimeout(now, nil); len(b) > 0 {
		md.send(b)
	}
	return err
}

// send puts a datagram on its way.
func (md *voiceMedia) send(b []byte) {
	from, host := md.addr, md.host
	md.m.carry(md.call.u.network(), b, func(datagram []byte) { host.receive(from, datagram) })
}

// receive takes a datagram other than audio.
func (md *voiceMedia) receive(to netip.AddrPort, datagram []byte) {
	switch {
	case md.closed || to != md.addr:
	case md.discovery.Handle(datagram):
		md.named = md.discovery.Addr()
		if md.named != md.addr {
			md.m.problem("user %d: discovered %v, is at %v", md.call.u.id, md.named, md.addr)
		}
		md.call.selectProtocol()
	default:
		md.keepalive.Handle(md.m.time(), datagram)
	}
}

// say sends a frame.
func (md *voiceMedia) say(frame []byte) {
	u := md.call.u
	frame, ok := md.call.encrypt(frame)
	if !ok {
		return
	}
	u.stream.SSRC = md.ssrc
	u.stream.Skip(int((md.m.now - u.saidAt) * rtp.SampleRate / time.Second))
	u.saidAt = md.m.now
	p := rtp.Packet{Header: u.stream.Next(960), Payload: frame}
	if md.m.chance(0.1) {
		p.Extension, p.ExtensionProfile, p.ExtensionBody = true, 0xbede, []byte{0x10, 0xff, 0, 0}
	}
	if md.m.chance(md.m.Network.Padding) {
		p.PaddingSize = uint8(1 + md.m.rng.IntN(math.MaxUint8))
	}
	b := make([]byte, p.Size(), p.Size()+rtp.Overhead)
	_, err := p.MarshalTo(b)
	if err == nil {
		b, err = md.sealer.Seal(b)
	}
	if err != nil {
		md.m.problem("user %d: %v", u.id, err)
		return
	}
	md.m.checkNonce(md.key, b, false)
	md.send(b)
}

// hear takes audio that was sealed with a key.
func (md *voiceMedia) hear(to netip.AddrPort, datagram []byte, key gateway.VoiceKey) {
	if md.closed || to != md.addr {
		return
	}
	if md.opener == nil || md.key != key {
		md.m.Early++
		return
	}
	plain, err := md.opener.Open(datagram)
	var p rtp.Packet
	if err == nil {
		err = p.Unmarshal(plain)
	}
	if err != nil {
		md.m.problem("user %d hears: %v", md.call.u.id, err)
		return
	}
	speaker, ok := md.call.others.who[p.SSRC]
	if !ok {
		md.m.Early++
		return
	}
	if frame, ok := md.call.decrypt(speaker, p.Payload); ok {
		md.m.heard(md.call.u, speaker, frame)
	}
}

func (md *voiceMedia) close() {
	md.closed = true
	md.keepalive.Stop()
	if md.sealer != nil {
		md.sealer.Close()
		md.opener.Close()
	}
}

// voiceFrame returns an Opus packet of 20 ms that tells who sent it, when, and
// which it is. Everything in it follows from that.
func voiceFrame(user snowflake.ID, n uint64, sent time.Duration) []byte {
	const celt20 = 0xf8
	b := append(make([]byte, 0, 96), celt20)
	b = binary.BigEndian.AppendUint64(b, uint64(user))
	b = binary.BigEndian.AppendUint64(b, n)
	b = binary.BigEndian.AppendUint64(b, uint64(sent))
	noise := splitmix.Hash(uint64(user), n)
	for range noise % 64 {
		noise = splitmix.Hash(noise, n)
		b = append(b, byte(noise))
	}
	return b
}

// heard checks that a frame is as it was sent, and its sender.
func (m *voiceSimulation) heard(by *voiceUser, speaker snowflake.ID, frame []byte) {
	if len(frame) < 25 {
		m.problem("user %d hears a frame of %d bytes", by.id, len(frame))
		return
	}
	user := snowflake.ID(binary.BigEndian.Uint64(frame[1:]))
	n, sent := binary.BigEndian.Uint64(frame[9:]), time.Duration(binary.BigEndian.Uint64(frame[17:]))
	m.mixIn(uint64(by.id), uint64(user), n)
	switch {
	case user != speaker:
		m.problem("user %d hears user %d and thinks it is %d", by.id, user, speaker)
	case user == by.id:
		m.problem("user %d hears itself", user)
	case !bytes.Equal(frame, voiceFrame(user, n, sent)):
		m.problem("user %d hears frame %d of user %d, which is not what was said", by.id, n, user)
	default:
		m.Heard++
		if s := m.user(user); s.place.channel == by.place.channel {
			s.heardAt = max(s.heardAt, sent)
		}
	}
}
