package interop

import (
	"bytes"
	"context"
	"crypto/rand"
	"net"
	"net/netip"
	"sync"

	"github.com/discordpkg/gateway/internal/rtp"
)

// A mediaTap sees the audio of a voice server as the server does, between two
// transport encryptions: it is where the keys come from, and it listens on the
// line to one client, which carries what all say.
type mediaTap struct {
	mu        sync.Mutex // guards what follows
	keys      [][]byte
	datagrams [][]byte
}

// Read is the randomness of the server.
func (m *mediaTap) Read(p []byte) (int, error) {
	n, err := rand.Read(p)
	if len(p) == rtp.KeySize {
		m.mu.Lock()
		m.keys = append(m.keys, bytes.Clone(p))
		m.mu.Unlock()
	}
	return n, err
}

// dial is how the client opens the way of its audio.
func (m *mediaTap) dial(ctx context.Context, server netip.AddrPort) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "udp", server.String())
	if err != nil {
		return nil, err
	}
	return &tappedMedia{conn, m}, nil
}

type tappedMedia struct {
	net.Conn
	tap *mediaTap
}

func (c *tappedMedia) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.tap.record(p[:n])
	return n, err
}

func (c *tappedMedia) Write(p []byte) (int, error) {
	c.tap.record(p)
	return c.Conn.Write(p)
}

func (m *mediaTap) record(datagram []byte) {
	if rtp.KindOf(datagram) == rtp.KindRTP {
		m.mu.Lock()
		m.datagrams = append(m.datagrams, bytes.Clone(datagram))
		m.mu.Unlock()
	}
}

// drain returns the payloads of the packets since the last call.
func (m *mediaTap) drain() (payloads [][]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range m.datagrams {
		for _, key := range m.keys {
			if payload, ok := opened(d, key); ok {
				payloads = append(payloads, payload)
				break
			}
		}
	}
	m.datagrams = nil
	return payloads
}

func opened(datagram, key []byte) (payload []byte, ok bool) {
	for _, mode := range rtp.Modes() {
		opener, err := rtp.NewOpener(mode, key)
		if err != nil {
			continue
		}
		plain, err := opener.Open(bytes.Clone(datagram))
		if err != nil {
			continue
		}
		var p rtp.Packet
		if p.Unmarshal(plain) == nil {
			return p.Payload, true
		}
	}
	return nil, false
}
