package voiceserver

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// A port is the socket of a [Relay].
type port struct {
	socket packetIO
	public netip.AddrPort

	mu      sync.Mutex // guards what follows; never held while waiting for the socket
	relay   *Relay
	timer   *time.Timer
	timerAt time.Time
	late    Batch // of the timer
	closed  bool
}

func newPort(socket net.PacketConn, public netip.AddrPort, relay *Relay) *port {
	p := &port{socket: newPacketIO(socket), public: public, relay: relay}
	p.timer = time.AfterFunc(time.Hour, p.timeout)
	p.timer.Stop()
	return p
}

func (p *port) apply(r Route) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.relay.Apply(r)
}

func (p *port) stats() RelayStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.relay.Stats()
}

func (p *port) close() {
	p.mu.Lock()
	p.closed = true
	p.timer.Stop()
	p.mu.Unlock()
	p.socket.close()
}

// maxErrors is after how many errors in a row a socket is given up.
const maxErrors = 1000

// serve forwards audio until the socket is closed.
func (p *port) serve() {
	var out Batch
	in := newInbox()
	for failed := 0; failed < maxErrors; {
		n, err := p.socket.receive(in)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // a client that is gone can make the next call fail
			failed++
			continue
		}
		failed = 0
		p.forward(in[:n], &out)
		p.socket.send(out.Datagrams())
		out.Reset()
	}
}

func (p *port) forward(in []inbound, out *Batch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for i := range in {
		p.relay.Forward(now, in[i].from, in[i].data, out)
	}
	p.rearm(now)
}

// rearm follows the deadline of the machine.
func (p *port) rearm(now time.Time) {
	at := p.relay.NextDeadline()
	if at.Equal(p.timerAt) || at.IsZero() || p.closed {
		return
	}
	p.timerAt = at
	p.timer.Reset(at.Sub(now))
}

// timeout sends what was held back. A packet can be overtaken here by one that
// serve forwards at the same time.
func (p *port) timeout() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.timerAt = time.Time{}
	p.relay.HandleTimeout(now, &p.late)
	p.socket.send(p.late.Datagrams())
	p.late.Reset()
	p.rearm(now)
}
