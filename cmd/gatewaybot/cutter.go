package main

import (
	"context"
	"net"
	"sync"
)

type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// A cutter breaks connections as a network does: what is on its way is lost,
// and nobody says goodbye.
type cutter struct {
	connect dialFunc

	mu         sync.Mutex // guards what follows
	conns      map[net.Conn]struct{}
	cuts       int // connections that were cut
	unreported int // of these, without a disconnect yet
}

func newCutter(connect dialFunc) *cutter {
	return &cutter{connect: connect, conns: make(map[net.Conn]struct{})}
}

// dial opens a connection that can be cut.
func (c *cutter) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := c.connect(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns[conn] = struct{}{}
	return &cuttable{Conn: conn, cutter: c}, nil
}

// cut breaks all connections.
func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.conns {
		_ = conn.Close()
		delete(c.conns, conn)
		c.cuts++
		c.unreported++
	}
}

// count returns how many connections were cut.
func (c *cutter) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cuts
}

// explain reports whether a lost connection was one of those that were cut,
// once for each.
func (c *cutter) explain() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unreported == 0 {
		return false
	}
	c.unreported--
	return true
}

// cuttable is a connection that the cutter forgets when it is closed.
type cuttable struct {
	net.Conn
	cutter *cutter
}

func (c *cuttable) Close() error {
	c.cutter.mu.Lock()
	delete(c.cutter.conns, c.Conn)
	c.cutter.mu.Unlock()
	return c.Conn.Close()
}
