package server

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync"

	"golang.org/x/crypto/nacl/secretbox"

	"github.com/discordpkg/gateway/internal/rtp"
)

// Key is the transport key of everybody.
var Key = [rtp.KeySize]byte{7, 7, 7}

// Frame is what everybody says: 20 ms of Opus at 64 kbit/s, as far as anybody
// can tell without decoding it.
var Frame = append([]byte{0xfc}, make([]byte, 159)...)

// legacy is the mode of libraries that do not know the ones of today.
const legacy = "xsalsa20_poly1305"

const headerSize = 12

// speaker is how much the SSRC that a client hears differs from its own.
const speaker = 1 << 24

// A client is somebody whose address is known.
type client struct {
	mu     sync.Mutex // guards what follows
	at     netip.AddrPort
	mode   string
	stream rtp.Stream
	sealer *rtp.Sealer
}

// Say is a datagram that makes the server say so many packets to the client
// that came last.
func Say(packets int) []byte {
	return binary.BigEndian.AppendUint32([]byte("say "), uint32(packets)) //nolint:gosec // tens
}

// listen answers datagrams until the socket is closed.
func (s *Server) listen() {
	buffer := make([]byte, 2048)
	for {
		n, from, err := s.media.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return
		}
		s.ears.Lock()
		s.handle(from, buffer[:n])
		s.ears.Unlock()
	}
}

func (s *Server) handle(from netip.AddrPort, b []byte) {
	switch {
	case len(b) == 8 && string(b[:4]) == "say ":
		s.say(min(int(binary.BigEndian.Uint32(b[4:])), 1000))
	case rtp.KindOf(b) == rtp.KindDiscoveryRequest:
		ssrc, err := rtp.ParseDiscoveryRequest(b)
		if err != nil {
			return
		}
		s.last = s.client(ssrc)
		s.last.move(from)
		_, _ = s.media.WriteToUDPAddrPort(rtp.AppendDiscoveryResponse(nil, ssrc, from), from)
	}
}

// client returns the one with this SSRC.
func (s *Server) client(ssrc uint32) *client {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.clients[ssrc]
	if c == nil {
		c = &client{mode: string(rtp.AES256GCM), stream: rtp.Stream{SSRC: ssrc + speaker}}
		s.clients[ssrc] = c
	}
	return c
}

func (c *client) move(at netip.AddrPort) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

func (c *client) choose(mode string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mode = mode
}

// say sends packets, as those of another member of the channel.
func (s *Server) say(packets int) {
	c := s.last
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for range packets {
		packet, err := c.packet()
		if err != nil {
			return
		}
		_, _ = s.media.WriteToUDPAddrPort(packet, c.at)
	}
}

func (c *client) packet() ([]byte, error) {
	p := rtp.Packet{Header: c.stream.Next(960), Payload: Frame}
	p.PayloadType = 0x78
	b := make([]byte, p.Size(), p.Size()+rtp.Overhead)
	if _, err := p.MarshalTo(b); err != nil {
		return nil, err
	}
	if c.mode == legacy {
		var nonce [24]byte
		copy(nonce[:], b[:headerSize])
		return secretbox.Seal(b[:headerSize:headerSize], Frame, &nonce, &Key), nil
	}
	if c.sealer == nil {
		var err error
		if c.sealer, err = rtp.NewSealer(rtp.Mode(c.mode), Key[:], rtp.ServerNonces()); err != nil {
			return nil, err
		}
	}
	return c.sealer.Seal(b)
}

// port returns that of the media.
func (s *Server) port() int { return s.media.LocalAddr().(*net.UDPAddr).Port }
