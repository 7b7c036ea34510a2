package voiceshard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/deadline"
	"github.com/discordpkg/gateway/internal/rtp"
)

const (
	// datagramSize is the size of the largest datagram that is read.
	datagramSize = 8 << 10

	// maxRefusals is how many errors in a row the socket of a transport may
	// return. A server that restarts causes some: it has no socket meanwhile.
	maxRefusals = 1000

	// silentTime is how long a server that has answered keepalives may send
	// nothing at all. The websocket does not notice when the way of the datagrams
	// is gone.
	silentTime = time.Minute
)

var errSilent = errors.New("voiceshard: no datagram came back for a minute, not even a keepalive")

// A media is a transport: the datagrams of one voice session. It outlives the
// websocket when that is resumed. One goroutine reads it, asks for the address
// that the server sees, and keeps the way open.
type media struct {
	session    *Session
	generation uint64 // never used twice in a session
	conn       net.Conn
	ssrc       uint32
	ended      chan struct{}
	rtt        atomic.Int64 // of the last keepalive

	// Guarded by session.mu.
	addr netip.AddrPort // as the server sees it
	live bool           // keys are known
	err  error          // why it does not work

	// Of its goroutine.
	discovery rtp.Discovery
	keepalive rtp.Keepalive
	armed     time.Time
	refusals  int
	heard     time.Time // when the last datagram came
	answers   bool      // the server has answered a keepalive
}

// startMedia opens the transport that Ready names.
func (s *Session) startMedia(ctx context.Context, r gateway.VoiceReady) error {
	ip, err := netip.ParseAddr(r.IP)
	if err != nil {
		return fmt.Errorf("%w: ready: %w", gateway.ErrMalformed, err)
	}
	s.closeMedia()
	conn, err := s.voice.config.mediaDial(ctx, netip.AddrPortFrom(ip, r.Port))
	if err != nil {
		return fmt.Errorf("%w: %w", errMedia, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation++
	m := &media{session: s, generation: s.generation, conn: conn, ssrc: r.SSRC, ended: make(chan struct{})}
	m.discovery.Start(time.Now(), r.SSRC, 0, 0)
	s.media = m
	s.wg.Go(m.run)
	return nil
}

// closeMedia closes the transport, if there is one. Packets that wait for
// others before them are handed out.
func (s *Session) closeMedia() {
	s.mu.Lock()
	m := s.media
	s.media = nil
	s.mu.Unlock()
	if m == nil {
		return
	}
	_ = m.conn.Close()
	s.out.detach(m.generation)
	<-m.ended
	s.in.detach()
}

// run reads datagrams until the transport is closed.
func (m *media) run() {
	defer close(m.ended)
	buf := make([]byte, datagramSize)
	for {
		if err := m.expire(time.Now(), buf); err != nil {
			m.fail(err)
			return
		}
		if next := m.deadline(); !next.Equal(m.armed) {
			m.armed = next
			_ = m.conn.SetReadDeadline(next)
		}
		n, err := m.conn.Read(buf)
		switch {
		case err == nil:
			m.refusals = 0
			m.handle(time.Now(), buf[:n])
		case errors.Is(err, os.ErrDeadlineExceeded):
			m.armed = time.Time{}
		case errors.Is(err, net.ErrClosed):
			m.fail(err)
			return
		default:
			if m.refusals++; m.refusals > maxRefusals {
				m.fail(err)
				return
			}
		}
	}
}

// deadline returns when the goroutine has something to do.
func (m *media) deadline() time.Time {
	return deadline.Earliest(m.session.in.deadline(), m.discovery.NextDeadline(), m.keepalive.NextDeadline())
}

// expire does what is due.
func (m *media) expire(now time.Time, buf []byte) error {
	m.session.in.expire(now)
	request, err := m.discovery.HandleTimeout(now, buf[:0])
	if err != nil {
		return err
	}
	if len(request) > 0 {
		_, _ = m.conn.Write(request)
	}
	if beat := m.keepalive.HandleTimeout(now, buf[:0]); len(beat) > 0 {
		_, _ = m.conn.Write(beat)
		switch {
		case m.session.out.wornOut():
			return errWornOut
		case m.answers && now.Sub(m.heard) > silentTime:
			return errSilent
		}
	}
	return nil
}

// handle takes a datagram.
func (m *media) handle(now time.Time, datagram []byte) {
	m.heard = now
	switch rtp.KindOf(datagram) {
	case rtp.KindRTP:
		m.session.in.receive(now, datagram)
	case rtp.KindKeepalive:
		if m.keepalive.Handle(now, datagram) {
			m.rtt.Store(int64(m.keepalive.RTT()))
			m.answers = true
		}
	case rtp.KindDiscoveryResponse:
		if m.discovery.Handle(datagram) {
			m.keepalive.Start(now)
			m.discovered(m.discovery.Addr())
		}
	case rtp.KindRTCP:
		m.session.in.ignore()
	}
}

// discovered tells the voice server the address at which it reaches us.
func (m *media) discovered(addr netip.AddrPort) {
	s := m.session
	s.mu.Lock()
	m.addr = addr
	c := s.conn
	if c != nil && s.media == m {
		c.selectProtocol(m)
	}
	s.mu.Unlock()
	if c != nil {
		c.flush()
	}
}

// fail ends a transport that does not work, and the connection with it.
func (m *media) fail(err error) {
	s := m.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.media != m {
		return // closed by us
	}
	if !errors.Is(err, errWornOut) {
		err = fmt.Errorf("%w: %w", errMedia, err)
	}
	m.err = err
	s.interruptWith(err)
}
