package gatewayshard

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/frame"
)

// A peer is Discord's end of one connection, played by the test.
type peer struct {
	t      testing.TB
	nc     net.Conn
	frames *frame.Reader

	mu sync.Mutex // one frame at a time
}

// An upgraded connection is handed to the test by a listener in memory.
type network struct {
	t     testing.TB
	peers chan *peer
	lead  []byte // written together with the handshake's answer
}

func newNetwork(t testing.TB) *network { return &network{t: t, peers: make(chan *peer, 16)} }

// dial is Config.NetDial. Each connection is a pipe, so it works in a synctest bubble.
func (n *network) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	go n.accept(server)
	return client, nil
}

func (n *network) accept(server net.Conn) {
	var out buffered
	if _, err := ws.Upgrade(readWriter{server, &out}); err != nil {
		_ = server.Close()
		return
	}
	out.b = append(out.b, n.lead...)
	if _, err := server.Write(out.b); err != nil {
		return
	}
	n.peers <- newPeer(n.t, server)
}

type buffered struct{ b []byte }

func (b *buffered) Write(p []byte) (int, error) {
	b.b = append(b.b, p...)
	return len(p), nil
}

type readWriter struct {
	io.Reader
	io.Writer
}

func newPeer(t testing.TB, nc net.Conn) *peer {
	return &peer{t: t, nc: nc, frames: frame.NewReader(nc, ws.StateServerSide, 1<<20, nil)}
}

// frame writes one frame; errors are the reader's business.
func (p *peer) frame(op ws.OpCode, payload string) {
	p.raw(frame.AppendServer(nil, op, []byte(payload)))
}

func (p *peer) raw(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = p.nc.Write(b)
}

func (p *peer) send(format string, args ...any) {
	p.frame(ws.OpText, fmt.Sprintf(format, args...))
}

func (p *peer) hello(interval time.Duration) {
	p.send(`{"op":10,"d":{"heartbeat_interval":%d}}`, interval.Milliseconds())
}

func (p *peer) ready(seq int) {
	p.send(`{"op":0,"s":%d,"t":"READY","d":{"v":10,"session_id":"abc","resume_gateway_url":"ws://resume.test"}}`, seq)
}

func (p *peer) event(seq int) {
	p.send(`{"op":0,"s":%d,"t":"MESSAGE_CREATE","d":{"id":"%d"}}`, seq, seq)
}

func (p *peer) closeWith(code int) {
	p.frame(ws.OpClose, string(ws.NewCloseFrameBody(ws.StatusCode(code), "reason")))
}

// A message is what the shard wrote: a payload, or a close code.
type message struct {
	Op    int             `json:"op"`
	Data  json.RawMessage `json:"d"`
	Close int             `json:"-"`
	Pong  string          `json:"-"`
	Err   error           `json:"-"` // the end
}

func (p *peer) read() (m message) {
	op, payload, err := p.frames.Next()
	switch {
	case err != nil:
		return message{Err: err, Op: -1}
	case op == ws.OpClose:
		code, _ := frame.ParseClose(payload)
		return message{Close: int(code), Op: -1}
	case op == ws.OpPong:
		return message{Pong: string(payload), Op: -1}
	}
	if err := json.Unmarshal(payload, &m); err != nil {
		p.t.Errorf("shard wrote %q: %v", payload, err)
	}
	return m
}

// expect reads until a payload with the opcode comes, past heartbeats.
func (p *peer) expect(op int) message {
	for {
		m := p.read()
		if m.Op == op {
			return m
		}
		if m.Op != 1 {
			p.t.Errorf("shard wrote %+v, not op %d", m, op)
			return m
		}
	}
}

// drain reads until the connection ends and answers close frames.
func (p *peer) drain() {
	for {
		m := p.read()
		if m.Err != nil {
			_ = p.nc.Close()
			return
		}
		if m.Close != 0 {
			p.closeWith(m.Close)
		}
	}
}

// serve brings a connection to READY.
func (p *peer) serve() {
	p.hello(41250 * time.Millisecond)
	p.expect(2)
	p.ready(1)
}

func testShard(t testing.TB, n *network, handler gateway.Handler, options ...gateway.Option) *Shard {
	t.Helper()
	return configured(t, n, Config{}, handler, options...)
}

func configured(t testing.TB, n *network, c Config, handler gateway.Handler, options ...gateway.Option) *Shard {
	t.Helper()
	c.NetDial, c.Proxy = n.dial, noProxy
	options = append([]gateway.Option{gateway.WithURL(testURL), gateway.WithResumeHosts("resume.test"), gateway.WithJitter(func() float64 { return 0.5 })}, options...)
	s, err := c.NewShard(0, "token", handler, options...)
	require.NoError(t, err)
	return s
}

// running dials and starts the event loop, whose result comes out of the channel.
func running(t testing.TB, n *network, s *Shard) (*peer, <-chan error) {
	t.Helper()
	_, err := s.Dial(context.Background(), "")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- s.EventLoop(context.Background()) }()
	return <-n.peers, done
}

// active is running up to READY.
func active(t testing.TB, n *network, s *Shard) (*peer, <-chan error) {
	t.Helper()
	p, done := running(t, n, s)
	p.serve()
	synctest.Wait()
	require.Equal(t, Active, s.Stats().Phase)
	return p, done
}
