// Package hostile is a gateway that means harm, for tests. A [Scenario] is one
// thing that a server can do to a client; a [Server] does it on the first
// connection, and behaves on those that follow, so that a test can tell whether
// the client survives, what it takes, and how soon it is back.
package hostile

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/gobwas/ws"

	"github.com/discordpkg/gateway/compress"
	"github.com/discordpkg/gateway/etf"
	"github.com/discordpkg/gateway/internal/certificate"
	"github.com/discordpkg/gateway/internal/frame"
)

// A Scenario is one way to harm a client.
type Scenario struct {
	Group, Name string

	// TLS, ETF and Compression say how the client connects. Compression is the
	// value of the URL's parameter, "payload" for payload compression, or empty.
	TLS, ETF    bool
	Compression string

	// Raw gets the connection as it was accepted. Nil means an ordinary
	// handshake.
	Raw func(net.Conn)

	// Upgraded gets the connection behind the handshake. Nil means Hello and the
	// answer to Identify.
	Upgraded func(*Conn)

	// Active gets the connection when READY or RESUMED is sent. Nil means that
	// the server hangs up.
	Active func(*Conn)
}

// Good is the name of the event that a server sends where it behaves.
const Good = "MESSAGE_CREATE"

// A Server plays one scenario to the first client that connects.
type Server struct {
	scenario Scenario
	listener net.Listener
	config   *tls.Config

	mu     sync.Mutex // guards what follows
	conns  map[net.Conn]struct{}
	count  int
	closed bool
	served sync.WaitGroup
}

// Listen starts a server on a loopback address.
func Listen(s Scenario) (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	srv := &Server{scenario: s, listener: l, conns: make(map[net.Conn]struct{})}
	if s.TLS {
		pair, _, err := certificate.SelfSigned("hostile", time.Now(), l.Addr())
		if err != nil {
			_ = l.Close()
			return nil, err
		}
		srv.config = &tls.Config{Certificates: []tls.Certificate{pair}}
	}
	srv.served.Go(srv.accept)
	return srv, nil
}

// URL returns where the client has to dial.
func (s *Server) URL() string {
	scheme, encoding := "ws://", "json"
	if s.scenario.TLS {
		scheme = "wss://"
	}
	if s.scenario.ETF {
		encoding = "etf"
	}
	return scheme + s.listener.Addr().String() + "/?v=10&encoding=" + encoding
}

// Connections returns how many clients have connected.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// Close ends all connections, and returns when nothing of the server runs.
func (s *Server) Close() {
	_ = s.listener.Close()
	s.mu.Lock()
	s.closed = true
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.served.Wait()
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			_ = conn.Close()
			return
		}
		s.conns[conn] = struct{}{}
		s.count++
		first := s.count == 1
		s.mu.Unlock()
		s.served.Go(func() {
			s.serve(conn, first)
			_ = conn.Close()
			s.mu.Lock()
			delete(s.conns, conn)
			s.mu.Unlock()
		})
	}
}

func (s *Server) serve(conn net.Conn, first bool) {
	scenario := s.scenario
	if !first {
		scenario.Raw, scenario.Upgraded, scenario.Active = nil, nil, good
	}
	if scenario.Raw != nil {
		scenario.Raw(conn)
		return
	}
	if s.config != nil {
		conn = tls.Server(conn, s.config)
	}
	if _, err := ws.Upgrade(conn); err != nil {
		return
	}
	c := newConn(conn, scenario)
	if scenario.Upgraded != nil {
		scenario.Upgraded(c)
		return
	}
	if c.begin() == nil && scenario.Active != nil {
		scenario.Active(c)
	}
}

// good sends an event, and what the client asks for.
func good(c *Conn) {
	c.Payload(`{"op":0,"s":100,"t":"` + Good + `","d":{"id":"1"}}`)
	c.Drain()
}

// A Conn is a websocket as its server sees it. Errors of writing are ignored:
// the client may go whenever it likes.
type Conn struct {
	net.Conn
	scenario Scenario
	frames   *frame.Reader
	pack     func(plain []byte) []byte
}

func newConn(conn net.Conn, s Scenario) *Conn {
	c := &Conn{Conn: conn, scenario: s, frames: frame.NewReader(conn, ws.StateServerSide, 1<<20, nil)}
	compressor := map[string]interface {
		Compress(dst, src []byte) ([]byte, error)
	}{"zlib-stream": compress.NewZlibStreamWriter(), "zstd-stream": compress.NewZstdStreamWriter(), "payload": compress.NewPayloadWriter()}[s.Compression]
	c.pack = func(plain []byte) []byte { return plain }
	if compressor != nil {
		c.pack = func(plain []byte) []byte {
			out, _ := compressor.Compress(nil, plain)
			return out
		}
	}
	return c
}

// Raw writes bytes, and reports whether that worked.
func (c *Conn) Raw(b []byte) bool {
	_, err := c.Write(b)
	return err == nil
}

// Frame writes a frame.
func (c *Conn) Frame(op ws.OpCode, payload []byte) bool {
	return c.Raw(frame.AppendServer(nil, op, payload))
}

// Packed writes a message that the client inflates.
func (c *Conn) Packed(plain []byte) bool { return c.Frame(ws.OpBinary, c.pack(plain)) }

// Payload writes a message that is given as JSON.
func (c *Conn) Payload(text string) bool {
	plain := []byte(text)
	if c.scenario.ETF {
		var err error
		if plain, err = (etf.Codec{}).AppendWire(nil, plain); err != nil {
			return false
		}
	}
	return c.Packed(plain)
}

// Hello says Hello, with an interval after which silence is soon noticed.
func (c *Conn) Hello() bool { return c.Payload(`{"op":10,"d":{"heartbeat_interval":2000}}`) }

var errGone = errors.New("hostile: the client is gone")

// begin says Hello and answers Identify or Resume.
func (c *Conn) begin() error {
	c.Hello()
	for {
		op, payload, err := c.frames.Next()
		if err != nil || op == ws.OpClose {
			return errGone
		}
		if c.scenario.ETF {
			if _, _, _, _, err = (etf.Codec{}).Split(payload); err == nil {
				payload, err = etf.Codec{}.AppendJSON(nil, payload, 1<<20)
			}
			if err != nil {
				return err
			}
		}
		var m struct {
			Op int `json:"op"`
		}
		_ = json.Unmarshal(payload, &m)
		switch m.Op {
		case 2:
			c.Payload(`{"op":0,"s":1,"t":"READY","d":{"v":10,"session_id":"abc"}}`)
			return nil
		case 6:
			c.Payload(`{"op":0,"s":99,"t":"RESUMED","d":{}}`)
			return nil
		}
	}
}

// Drain reads until the client is gone.
func (c *Conn) Drain() {
	for {
		op, payload, err := c.frames.Next()
		if err != nil {
			return
		}
		if op == ws.OpClose {
			c.Frame(ws.OpClose, bytes.Clone(payload[:min(2, len(payload))]))
			return
		}
	}
}

// Leave is Drain without parsing, for what writes at the same time.
func (c *Conn) Leave() { _, _ = io.Copy(io.Discard, c.Conn) }
