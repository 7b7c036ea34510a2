package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
)

// An oddServer is like Discord, but not quite: other authors wrote servers
// too. It runs on another websocket library and, as its connections are pipes,
// in a synctest bubble.
type oddServer struct {
	t        *testing.T
	http     http.Server
	upgrader websocket.Upgrader
	script   func(n int, c *oddConn)
	incoming chan net.Conn
	done     chan struct{}
	dials    []url.URL // written by connections, of which there is one at a time
}

// serveOddly starts a server that plays a script on each connection, which
// are numbered from 1. The connection ends with the script.
func serveOddly(t *testing.T, script func(n int, c *oddConn)) *oddServer {
	s := &oddServer{t: t, script: script, incoming: make(chan net.Conn), done: make(chan struct{})}
	s.http.Handler = s
	go func() { _ = s.http.Serve(s) }() // returns when closed
	return s
}

func (s *oddServer) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case s.incoming <- server:
		return client, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (s *oddServer) Accept() (net.Conn, error) {
	select {
	case conn := <-s.incoming:
		return conn, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}

func (s *oddServer) Addr() net.Addr { return &net.TCPAddr{} }

func (s *oddServer) Close() error {
	close(s.done)
	return nil
}

func (s *oddServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ws, err := s.upgrader.Upgrade(w, r, nil)
	if err != nil {
		s.t.Error(err)
		return
	}
	defer ws.Close()
	s.dials = append(s.dials, *r.URL)
	c := &oddConn{t: s.t, ws: ws}
	if r.UserAgent() == "" {
		c.close(4002, "no user agent")
		s.t.Error("no user agent")
		return
	}
	s.script(len(s.dials), c)
}

// An oddConn is the server's end of one connection.
type oddConn struct {
	t    *testing.T
	ws   *websocket.Conn
	pack func([]byte) []byte // nil: messages are text
}

func (c *oddConn) send(format string, args ...any) {
	kind, msg := websocket.TextMessage, fmt.Appendf(nil, format, args...)
	if c.pack != nil {
		kind, msg = websocket.BinaryMessage, c.pack(msg)
	}
	if err := c.ws.WriteMessage(kind, msg); err != nil {
		c.give("send: %v", err)
	}
}

func (c *oddConn) close(code int, reason string) {
	_ = c.ws.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason))
}

// give up on the connection and the test.
func (c *oddConn) give(format string, args ...any) {
	c.t.Errorf(format, args...)
	panic(http.ErrAbortHandler)
}

// expect returns the data of the next message that is no heartbeat. Beats are
// acknowledged with an empty object.
func (c *oddConn) expect(op int) json.RawMessage {
	for {
		_, msg, err := c.ws.ReadMessage()
		var p struct {
			Op int             `json:"op"`
			D  json.RawMessage `json:"d"`
		}
		if err == nil {
			err = json.Unmarshal(msg, &p)
		}
		switch {
		case err != nil:
			c.give("waiting for op %d: %v", op, err)
		case p.Op == 1:
			c.send(`{"op":11,"d":{}}`)
			if op == 1 {
				return p.D
			}
		case p.Op != op:
			c.give("waiting for op %d: %s", op, msg)
		default:
			return p.D
		}
	}
}

// expectIdentify is strict: servers refuse fields that they do not know.
func (c *oddConn) expectIdentify() {
	var d struct {
		Token      string
		Properties struct{ OS, Browser, Device string }
		Shard      []int
		Intents    int
	}
	strict := json.NewDecoder(bytes.NewReader(c.expect(2)))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&d); err != nil || d.Token != oddToken {
		c.give("identify: %+v, %v", d, err)
	}
}

func (c *oddConn) expectResume(seq int) {
	var d struct {
		Token     string
		SessionID string `json:"session_id"`
		Seq       int
	}
	if err := json.Unmarshal(c.expect(6), &d); err != nil || d.Token != oddToken || d.SessionID != "odd" || d.Seq != seq {
		c.give("resume: %+v, %v", d, err)
	}
}

// expectClose wants a close with a code that keeps the session, or one that
// does not.
func (c *oddConn) expectClose(keeps bool) {
	for {
		_, _, err := c.ws.ReadMessage()
		var closed *websocket.CloseError
		if errors.As(err, &closed) {
			if keeps == (closed.Code == 1000 || closed.Code == 1001) {
				c.give("closed with %d", closed.Code)
			}
			return
		}
		if err != nil {
			c.give("waiting for a close: %v", err)
		}
	}
}

// oddToken has none of the form of Discord's.
const oddToken = "a token/of=another+kind"

// An oddBot is a shard of ours on an odd server.
type oddBot struct {
	t      *testing.T
	shard  *gatewayshard.Shard
	events chan string // names and data
	ended  chan error
	cancel context.CancelFunc
}

func runOddly(t *testing.T, srv *oddServer, config gatewayshard.Config, options ...gateway.Option) *oddBot {
	b := &oddBot{t: t, events: make(chan string, 64), ended: make(chan error, 1)}
	config.NetDial = srv.dial
	var err error
	b.shard, err = config.NewShard(0, oddToken, func(_ gateway.ShardID, name event.Type, data gateway.RawMessage) {
		b.events <- string(name) + " " + string(data)
	}, append([]gateway.Option{gateway.WithURL("ws://odd/?encoding=json&v=10")}, options...)...)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	b.cancel = cancel
	t.Cleanup(func() {
		cancel()
		_ = srv.http.Close()
	})
	go func() { b.ended <- b.shard.Run(ctx) }()
	return b
}

// sees waits for events, which are given by the beginning of their name and data.
func (b *oddBot) sees(events ...string) {
	b.t.Helper()
	for _, want := range events {
		select {
		case got := <-b.events:
			require.True(b.t, strings.HasPrefix(got, want), "want %s, got %s", want, got)
		case err := <-b.ended:
			b.t.Fatalf("waiting for %s: %v", want, err)
		case <-time.After(time.Hour):
			b.t.Fatalf("waiting for %s", want)
		}
	}
}

func (b *oddBot) stop() {
	b.t.Helper()
	b.cancel()
	require.ErrorIs(b.t, <-b.ended, context.Canceled)
}
