package interop

import (
	"bytes"
	"net"
	"slices"
	"sync"
)

// A tap is a listener that remembers what its connections ask for first.
type tap struct {
	net.Listener
	mu       sync.Mutex
	requests []string // request lines
}

type tapped struct {
	net.Conn
	tap  *tap
	seen bool
}

func (t *tap) Accept() (net.Conn, error) {
	conn, err := t.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &tapped{Conn: conn, tap: t}, nil
}

// Read expects the request line in the first piece, where clients put it.
func (c *tapped) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if !c.seen && n > 0 {
		c.seen = true
		line, _, _ := bytes.Cut(p[:n], []byte("\r\n"))
		c.tap.mu.Lock()
		c.tap.requests = append(c.tap.requests, string(line))
		c.tap.mu.Unlock()
	}
	return n, err
}

func (t *tap) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.requests)
}
