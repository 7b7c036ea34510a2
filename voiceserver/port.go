package voiceserver

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/discordpkg/gateway/internal/alarm"
	"github.com/discordpkg/gateway/voiceserver/relay"
	"github.com/discordpkg/gateway/voiceserver/signaling"
)

// A port is the socket of a [relay.Relay].
type port struct {
	socket packetIO
	public netip.AddrPort

	mu     sync.Mutex // guards what follows; never held while waiting for the socket
	audio  *relay.Relay
	alarm  *alarm.Alarm
	closed bool
}

func newPort(socket net.PacketConn, public netip.AddrPort, audio *relay.Relay) *port {
	p := &port{socket: newPacketIO(socket), public: public, audio: audio}
	p.alarm = alarm.New(p.timeout)
	return p
}

func (p *port) apply(r relay.Route) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.audio.Apply(r)
}

func (p *port) stats() relay.Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.audio.Stats()
}

func (p *port) close() {
	p.mu.Lock()
	p.closed = true
	p.alarm.Stop()
	p.mu.Unlock()
	p.socket.close()
}

// maxErrors is after how many errors in a row a socket is given up.
const maxErrors = 1000

// serve forwards audio until the socket is closed.
func (p *port) serve(s *Server) {
	var out relay.Batch
	in := newInbox()
	for failed := 0; failed < maxErrors; {
		n, err := p.socket.receive(in)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // a client that is gone can make the next call fail
			failed++
			s.cfg.logger.Debug("voice socket", "error", err)
			continue
		}
		failed = 0
		for rest := in[:n]; len(rest) > 0; {
			used, reports := p.forward(rest, &out)
			rest = rest[used:]
			p.socket.send(out.Datagrams())
			out.Reset()
			s.reported(reports)
		}
	}
	s.cfg.logger.Error("voice socket given up", "address", p.public)
}

// maxOut is about how many datagrams are sent at once.
const maxOut = 512

// forward gives datagrams to the relay, and returns how many it took.
func (p *port) forward(in []inbound, out *relay.Batch) (used int, reports []relay.Report) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for used < len(in) && len(out.Datagrams()) < maxOut {
		p.audio.Forward(now, in[used].from, in[used].data, out)
		used++
	}
	p.rearm(now)
	return used, p.audio.Reports()
}

// rearm follows the deadline of the machine.
func (p *port) rearm(now time.Time) {
	if !p.closed {
		p.alarm.Set(now, p.audio.NextDeadline())
	}
}

// timeout sends what was held back.
func (p *port) timeout() {
	var out relay.Batch
	p.mu.Lock()
	now := time.Now()
	p.alarm.Rang()
	p.audio.HandleTimeout(now, &out)
	p.rearm(now)
	p.mu.Unlock()
	p.socket.send(out.Datagrams())
}

// reported tells the rules what a relay noticed.
func (s *Server) reported(reports []relay.Report) {
	if len(reports) == 0 {
		return
	}
	s.do(func(now time.Time, v *signaling.Server) {
		for _, r := range reports {
			v.HandleReport(now, r)
		}
	})
}
