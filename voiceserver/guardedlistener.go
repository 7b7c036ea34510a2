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

// A guardedListener lets connections in as an [admission.Admission] says. One
// that takes clients with and without TLS finds out from their first byte.
type guardedListener struct {
	net.Listener
	config *tls.Config // nil: plain only
	sniff  bool

	mu     sync.Mutex // guards what follows
	rules  *admission.Admission
	alarm  *alarm.Alarm // of the rules
	inside map[*admission.Conn]*guardedConn
	closed bool
}

// guard returns the guarded one of a listener for so many connections.
func (s *Server) guard(l net.Listener, total int) (*guardedListener, error) {
	rules, err := admission.New(admission.Limits{
		Total: total, Unidentified: signaling.MaxLogins, PerAddress: s.cfg.perAddress,
		Rate: s.cfg.addressRate, Burst: 4 * s.cfg.addressRate, FirstByte: firstByte,
	})
	if err != nil {
		return nil, fmt.Errorf("voiceserver: %w", err)
	}
	d := &guardedListener{Listener: l, sniff: s.cfg.tls == nil, rules: rules, inside: make(map[*admission.Conn]*guardedConn)}
	d.alarm = alarm.New(d.timeout)
	return d, nil
}

// Accept turns connections away when there are too many.
func (d *guardedListener) Accept() (net.Conn, error) {
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
			return &sniffedConn{Conn: v, config: d.config, sniff: d.sniff}, nil
		}
	}
}

// enter returns nil for a connection that is not let in.
func (d *guardedListener) enter(conn net.Conn) *guardedConn {
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
	v := &guardedConn{Conn: conn, listener: d, pass: pass}
	d.inside[pass] = v
	d.alarm.Set(now, d.rules.NextDeadline())
	return v
}

// evict breaks a connection, if it is one. The caller holds the mutex.
func (d *guardedListener) evict(pass *admission.Conn) {
	if v := d.inside[pass]; v != nil {
		delete(d.inside, pass)
		_ = v.Conn.Close()
	}
}

func (d *guardedListener) timeout() {
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
func (d *guardedListener) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true // a connection that was accepted just now is refused, too
	d.alarm.Stop()
	for _, v := range d.inside {
		_ = v.Conn.Close()
	}
}

// A guardedConn counts until it is closed.
type guardedConn struct {
	net.Conn
	listener *guardedListener
	pass     *admission.Conn
	heard    bool // used by the reader only
}

// Read tells that the client says something.
func (v *guardedConn) Read(p []byte) (int, error) {
	n, err := v.Conn.Read(p)
	if n > 0 && !v.heard {
		v.heard = true
		v.listener.mu.Lock()
		v.listener.rules.Heard(v.pass)
		v.listener.mu.Unlock()
	}
	return n, err
}

// identified tells that the client has identified itself.
func (v *guardedConn) identified() {
	v.listener.mu.Lock()
	defer v.listener.mu.Unlock()
	v.listener.rules.Identified(v.pass)
}

// identify tells the listener of a connection that the client has identified
// itself.
func identify(conn net.Conn) {
	if u, ok := conn.(*sniffedConn); ok {
		conn = u.Conn
	}
	if v, ok := conn.(*guardedConn); ok {
		v.identified()
	}
}

// Close may be called more than once.
func (v *guardedConn) Close() error {
	v.listener.mu.Lock()
	delete(v.listener.inside, v.pass)
	v.listener.rules.Leave(v.pass)
	v.listener.mu.Unlock()
	return v.Conn.Close()
}

// CloseWrite closes the connection for writing.
func (v *guardedConn) CloseWrite() error { return websocket.CloseWrite(v.Conn) }
