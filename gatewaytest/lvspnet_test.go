package gatewaytest_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"testing"
	"time"
)

// A network is one in memory, whose time is that of a bubble.
type network struct {
	t *testing.T

	mu        sync.Mutex // guards what follows
	listeners map[string]*netListener
	conns     []*netConn
	sockets   map[netip.AddrPort]*netSocket
	port      uint16
}

func newNetwork(t *testing.T) *network {
	return &network{t: t, listeners: make(map[string]*netListener), sockets: make(map[netip.AddrPort]*netSocket)}
}

// A netListener accepts who dials its name.
type netListener struct {
	n     *network
	name  string
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (n *network) listen(name string) *netListener {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := &netListener{n: n, name: name, conns: make(chan net.Conn), done: make(chan struct{})}
	n.listeners[name] = l
	return l
}

func (l *netListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *netListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *netListener) Addr() net.Addr { return netAddr(l.name) }

type netAddr string

func (netAddr) Network() string  { return "memory" }
func (a netAddr) String() string { return string(a) }

// A netConn is one end of a connection, and knows to whom it leads.
type netConn struct {
	name    string
	in, out *netStream
}

// A gate is what readers wait at.
type gate struct {
	mu      sync.Mutex // guards what follows, and the data behind the gate
	closed  bool
	limit   time.Time
	changed chan struct{} // closed when something of it changes
}

func newGate() gate { return gate{changed: make(chan struct{})} }

func (g *gate) change(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f()
	close(g.changed)
	g.changed = make(chan struct{})
}

func (g *gate) SetReadDeadline(t time.Time) error {
	g.change(func() { g.limit = t })
	return nil
}

func (g *gate) SetDeadline(t time.Time) error      { return g.SetReadDeadline(t) }
func (g *gate) SetWriteDeadline(_ time.Time) error { return nil }

// wait calls take until it has something, and returns why it has nothing.
func (g *gate) wait(take func() (ok bool), end error) error {
	for {
		g.mu.Lock()
		ok, closed, limit, changed := take(), g.closed, g.limit, g.changed
		g.mu.Unlock()
		switch {
		case ok:
			return nil
		case closed:
			return end
		}
		var expired <-chan time.Time
		if !limit.IsZero() {
			timer := time.NewTimer(time.Until(limit))
			defer timer.Stop()
			expired = timer.C
		}
		select {
		case <-changed:
		case <-expired:
			return os.ErrDeadlineExceeded
		}
	}
}

// A netStream is one direction of a connection. Writing never waits.
type netStream struct {
	gate
	data []byte
}

func newNetStream() *netStream { return &netStream{gate: newGate()} }

func (c *netConn) Read(p []byte) (n int, err error) {
	err = c.in.wait(func() bool {
		n = copy(p, c.in.data)
		c.in.data = c.in.data[n:]
		return n > 0
	}, io.EOF)
	return n, err
}

func (c *netConn) Write(p []byte) (n int, err error) {
	c.out.change(func() {
		if c.out.closed {
			err = io.ErrClosedPipe
			return
		}
		n, c.out.data = len(p), append(c.out.data, p...)
	})
	return n, err
}

func (c *netConn) Close() error {
	c.in.change(func() { c.in.closed, c.in.data = true, nil })
	c.out.change(func() { c.out.closed = true })
	return nil
}

func (c *netConn) LocalAddr() net.Addr                { return netAddr("client of " + c.name) }
func (c *netConn) RemoteAddr() net.Addr               { return netAddr(c.name) }
func (c *netConn) SetDeadline(t time.Time) error      { return c.in.SetReadDeadline(t) }
func (c *netConn) SetReadDeadline(t time.Time) error  { return c.in.SetReadDeadline(t) }
func (c *netConn) SetWriteDeadline(_ time.Time) error { return nil }

func (n *network) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	n.mu.Lock()
	l := n.listeners[addr]
	n.mu.Unlock()
	if l == nil {
		return nil, fmt.Errorf("nobody listens on %s", addr)
	}
	there, back := newNetStream(), newNetStream()
	c := &netConn{addr, back, there}
	select {
	case l.conns <- &netConn{"nobody", there, back}:
	case <-l.done:
		return nil, fmt.Errorf("connection to %s refused", addr)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	n.mu.Lock()
	n.conns = append(n.conns, c)
	n.mu.Unlock()
	return c, nil
}

// kill ends what a process has: nobody listens on the names any more, and all
// connections to them are cut without a word.
func (n *network) kill(sockets []net.PacketConn, names ...string) {
	n.mu.Lock()
	conns := slices.DeleteFunc(slices.Clone(n.conns), func(c *netConn) bool { return !slices.Contains(names, c.name) })
	for _, name := range names {
		_ = n.listeners[name].Close()
	}
	n.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
	}
	for _, s := range sockets {
		_ = s.Close()
	}
}

// cut ends the connections to a name. Others can be made.
func (n *network) cut(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.conns {
		if c.name == name {
			_ = c.Close()
		}
	}
}

// A netSocket sends and receives datagrams.
type netSocket struct {
	gate
	n       *network
	addr    netip.AddrPort
	waiting []netDatagram
}

type netDatagram struct {
	from netip.AddrPort
	data []byte
}

func (n *network) packets() *netSocket {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.port++
	s := &netSocket{gate: newGate(), n: n, addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, 1}), n.port)}
	n.sockets[s.addr] = s
	return s
}

func (s *netSocket) ReadFrom(p []byte) (n int, from net.Addr, err error) {
	err = s.wait(func() bool {
		if len(s.waiting) == 0 {
			return false
		}
		d := s.waiting[0]
		s.waiting = s.waiting[1:]
		n, from = copy(p, d.data), net.UDPAddrFromAddrPort(d.from)
		return true
	}, net.ErrClosed)
	return n, from, err
}

// WriteTo loses what nobody receives.
func (s *netSocket) WriteTo(p []byte, to net.Addr) (int, error) {
	s.n.mu.Lock()
	peer := s.n.sockets[to.(*net.UDPAddr).AddrPort()]
	s.n.mu.Unlock()
	if peer != nil {
		peer.change(func() { peer.waiting = append(peer.waiting, netDatagram{s.addr, slices.Clone(p)}) })
	}
	return len(p), nil
}

func (s *netSocket) Close() error {
	s.change(func() { s.closed = true })
	s.n.mu.Lock()
	defer s.n.mu.Unlock()
	delete(s.n.sockets, s.addr)
	return nil
}

func (s *netSocket) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(s.addr) }
