package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A pipeNet is a network in memory with one listener, for virtual time.
type pipeNet struct {
	conns chan net.Conn
	done  chan struct{}
	close func()
}

func newPipeNet() *pipeNet {
	n := &pipeNet{conns: make(chan net.Conn), done: make(chan struct{})}
	n.close = sync.OnceFunc(func() { close(n.done) })
	return n
}

func (n *pipeNet) Accept() (net.Conn, error) {
	select {
	case c := <-n.conns:
		return c, nil
	case <-n.done:
		return nil, net.ErrClosed
	}
}

func (n *pipeNet) Close() error { n.close(); return nil }

func (n *pipeNet) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4000} }

func (n *pipeNet) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case n.conns <- server:
		return client, nil
	case <-n.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// An output is what a run of the program left.
type output struct {
	status         int
	stdout, stderr lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func environment(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

// machineOn returns a machine in a network of its own.
func machineOn(n *pipeNet, terminal bool) machine {
	return machine{
		listen:   func() (net.Listener, error) { return n, nil },
		dial:     n.dial,
		terminal: func(io.Writer, func(string) string) bool { return terminal },
	}
}

// runVirtual runs the program in the bubble of the test.
func runVirtual(ctx context.Context, args ...string) *output {
	out := &output{}
	out.status = machineOn(newPipeNet(), false).run(ctx, args, environment(nil), &out.stdout, &out.stderr)
	return out
}

// listenLoopback and dialLoopback are the network of the program as it is.
func listenLoopback() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }

var dialLoopback = new(net.Dialer).DialContext
