package voiceserver

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/discordpkg/gateway/internal/alarm"
	"github.com/discordpkg/gateway/internal/websocket"
	"github.com/discordpkg/gateway/voiceserver/admission"
	"github.com/discordpkg/gateway/voiceserver/signaling"
)

// firstByte is how long a connection may take to its first byte.
const firstByte = 5 * time.Second

// WithAddressLimits sets how many connections that have not identified one
// address may have, 64 by default, and how many new ones a second it may open,
// 100 by default and 400 at once. Zero lifts a limit. An address is one of IPv4
// or a /64 network of IPv6; loopback is not limited. Behind a proxy on another
// host all clients have one address.
func WithAddressLimits(unidentified, perSecond int) Option {
	return func(s *settings) error {
		if unidentified < 0 || perSecond < 0 {
			return fmt.Errorf("voiceserver: WithAddressLimits: %d connections, %d a second: one is negative", unidentified, perSecond)
		}
		s.perAddress, s.addressRate = unidentified, perSecond
		return nil
	}
}

// doors is a listener that lets connections in as an [admission.Admission] says.
// A port that takes clients with and without TLS finds out from their first
// byte.
type doors struct {
	net.Listener
	config *tls.Config // nil: plain only
	sniff  bool

	mu     sync.Mutex // guards what follows
	rules  *admission.Admission
	alarm  *alarm.Alarm // of the rules
	inside map[*admission.Conn]*visitor
	closed bool
}

// guard returns the doors of a listener for so many connections.
func (s *Server) guard(l net.Listener, total int) (*doors, error) {
	rules, err := admission.New(admission.Limits{
		Total: total, Unidentified: signaling.MaxLogins, PerAddress: s.cfg.perAddress,
		Rate: s.cfg.addressRate, Burst: 4 * s.cfg.addressRate, FirstByte: firstByte,
	})
	if err != nil {
		return nil, fmt.Errorf("voiceserver: %w", err)
	}
	d := &doors{Listener: l, sniff: s.cfg.tls == nil, rules: rules, inside: make(map[*admission.Conn]*visitor)}
	d.alarm = alarm.New(d.timeout)
	return d, nil
}

// Accept turns connections away when there are too many.
func (d *doors) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		v := d.enter(conn)
		switch {
		case v == nil:
			_ = conn.Close()
		case d.config == nil:
			return v, nil
		default:
			return &undecided{Conn: v, config: d.config, sniff: d.sniff}, nil
		}
	}
}

// enter returns nil for a connection that is not let in.
func (d *doors) enter(conn net.Conn) *visitor {
	from, _ := netip.ParseAddrPort(conn.RemoteAddr().String()) // not of every network
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	if d.closed {
		return nil
	}
	pass, evicted := d.rules.Accept(now, from.Addr())
	d.evict(evicted)
	if pass == nil {
		return nil
	}
	v := &visitor{Conn: conn, doors: d, pass: pass}
	d.inside[pass] = v
	d.alarm.Set(now, d.rules.NextDeadline())
	return v
}

// evict breaks a connection, if it is one. The caller holds the mutex.
func (d *doors) evict(pass *admission.Conn) {
	if v := d.inside[pass]; v != nil {
		delete(d.inside, pass)
		_ = v.Conn.Close()
	}
}

func (d *doors) timeout() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.alarm.Rang()
	if d.closed {
		return
	}
	now := time.Now()
	for _, pass := range d.rules.HandleTimeout(now) {
		d.evict(pass)
	}
	d.alarm.Set(now, d.rules.NextDeadline())
}

// cut breaks all connections, without the farewell of TLS that a client could
// delay.
func (d *doors) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true // a connection that was accepted just now is refused, too
	d.alarm.Stop()
	for _, v := range d.inside {
		_ = v.Conn.Close()
	}
}

// A visitor is inside until it is closed.
type visitor struct {
	net.Conn
	doors *doors
	pass  *admission.Conn
	heard bool // used by the reader only
}

// Read tells that the client says something.
func (v *visitor) Read(p []byte) (int, error) {
	n, err := v.Conn.Read(p)
	if n > 0 && !v.heard {
		v.heard = true
		v.doors.mu.Lock()
		v.doors.rules.Heard(v.pass)
		v.doors.mu.Unlock()
	}
	return n, err
}

// identified tells that the client has identified itself.
func (v *visitor) identified() {
	v.doors.mu.Lock()
	defer v.doors.mu.Unlock()
	v.doors.rules.Identified(v.pass)
}

// identify tells the doors of a connection that the client has identified
// itself.
func identify(conn net.Conn) {
	if u, ok := conn.(*undecided); ok {
		conn = u.Conn
	}
	if v, ok := conn.(*visitor); ok {
		v.identified()
	}
}

// Close may be called more than once.
func (v *visitor) Close() error {
	v.doors.mu.Lock()
	delete(v.doors.inside, v.pass)
	v.doors.rules.Leave(v.pass)
	v.doors.mu.Unlock()
	return v.Conn.Close()
}

// CloseWrite closes the connection for writing.
func (v *visitor) CloseWrite() error { return websocket.CloseWrite(v.Conn) }
