package gatewaytest_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A client is a GatewayState on a socket: the smallest shell there can be.
type client struct {
	t     *testing.T
	conn  net.Conn
	in    io.Reader
	state *gateway.GatewayState
}

// A frameWriter makes a masked frame of each write.
type frameWriter struct {
	c    *client
	kind ws.OpCode
}

func (w frameWriter) Write(p []byte) (int, error) {
	return len(p), ws.WriteFrame(w.c.conn, ws.MaskFrame(ws.NewFrame(w.kind, true, p)))
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// dial opens a websocket.
func dial(t *testing.T, url string, config *tls.Config) *client {
	t.Helper()
	conn, early, _, err := ws.Dialer{TLSConfig: config}.Dial(testContext(t), url)
	require.NoError(t, err)
	c := &client{t: t, conn: conn, in: bufio.NewReader(conn)}
	if early != nil {
		c.in = io.MultiReader(io.LimitReader(early, int64(early.Buffered())), conn)
	}
	require.NoError(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	t.Cleanup(func() { _ = conn.Close() })
	return c
}

// connect dials with a state.
func connect(t *testing.T, srv *gatewaytest.Server, options ...gateway.Option) *client {
	t.Helper()
	state, err := gateway.NewGatewayState("token", append([]gateway.Option{gateway.WithURL(srv.DialURL)}, options...)...)
	require.NoError(t, err)
	state.Advance(time.Now())
	c := dial(t, state.DialURL(), srv.TLSClientConfig())
	c.state = state
	return c
}

func (c *client) write(msg string) {
	c.t.Helper()
	_, err := frameWriter{c, ws.OpText}.Write([]byte(msg))
	require.NoError(c.t, err)
}

// frame reads one frame.
func (c *client) frame() (ws.Frame, error) {
	h, err := ws.ReadHeader(c.in)
	if err != nil {
		return ws.Frame{}, err
	}
	require.LessOrEqual(c.t, h.Length, int64(16<<20))
	f := ws.Frame{Header: h, Payload: make([]byte, h.Length)}
	_, err = io.ReadFull(c.in, f.Payload)
	return f, err
}

// next returns the next payload as the state sees it.
func (c *client) next() (*gateway.GatewayPayload, error) {
	kind := ws.OpText
	f, err := c.frame()
	if err != nil {
		return nil, err
	}
	if c.binary() {
		kind = ws.OpBinary
	}
	if f.Header.OpCode == ws.OpClose {
		code, reason := ws.StatusCode(closecode.NoStatus), ""
		if len(f.Payload) > 0 {
			code, reason = ws.ParseCloseFrameData(f.Payload)
		}
		return nil, c.state.ProcessCloseCode(closecode.Type(code), reason, frameWriter{c, ws.OpClose})
	}
	c.state.Advance(time.Now())
	p, _, err := c.state.ProcessNextMessage(bytes.NewReader(f.Payload), frameWriter{c, kind}, frameWriter{c, ws.OpClose})
	return p, err
}

func (c *client) binary() bool {
	return bytes.Contains([]byte(c.state.DialURL()), []byte("encoding=etf"))
}

// until reads payloads up to and with the named event, and returns a copy of it.
func (c *client) until(name event.Type) *gateway.GatewayPayload {
	c.t.Helper()
	for {
		p, err := c.next()
		require.NoError(c.t, err, "before %s", name)
		if p != nil && p.EventName == name {
			return p.Clone()
		}
	}
}

// end reads to the end of the connection and returns why it ended.
func (c *client) end() error {
	for {
		if _, err := c.next(); err != nil {
			return err
		}
	}
}
