package gatewaytest_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"testing"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
	"github.com/stretchr/testify/require"
)

// send writes frames of the client as they are.
func (c *client) send(frames ...ws.Frame) {
	c.t.Helper()
	for _, f := range frames {
		require.NoError(c.t, ws.WriteFrame(c.conn, f))
	}
}

// closeCode reads to the close frame.
func (c *client) closeCode() closecode.Type {
	c.t.Helper()
	for {
		f, err := c.frame()
		require.NoError(c.t, err)
		if f.Header.OpCode == ws.OpClose {
			return closecode.Type(binary.BigEndian.Uint16(f.Payload))
		}
	}
}

func TestPingAndFragments(t *testing.T) {
	srv, c := running(t)
	c.send(
		ws.MaskFrame(ws.NewFrame(ws.OpText, false, []byte(`{"op":`))),
		ws.MaskFrame(ws.NewPingFrame([]byte("ping"))),
		ws.MaskFrame(ws.NewPongFrame(nil)),
		ws.MaskFrame(ws.NewFrame(ws.OpContinuation, true, []byte(`1,"d":null}`))),
	)
	f, err := c.frame()
	require.NoError(t, err)
	require.Equal(t, ws.OpPong, f.Header.OpCode)
	require.Equal(t, "ping", string(f.Payload))
	f, err = c.frame()
	require.NoError(t, err)
	require.Contains(t, string(f.Payload), `"op":11`)
	require.Empty(t, srv.Violations())
}

func TestBadFrames(t *testing.T) {
	t.Run("not masked", func(t *testing.T) {
		_, c := running(t)
		c.send(ws.NewTextFrame([]byte(`{"op":1,"d":null}`)))
		require.EqualValues(t, 1002, c.closeCode())
	})
	t.Run("too large, in one frame", func(t *testing.T) {
		_, c := running(t)
		c.send(ws.MaskFrame(ws.NewTextFrame(make([]byte, 100<<10))))
		require.Equal(t, closecode.DecodeError, c.closeCode())
	})
	t.Run("too large, in many frames", func(t *testing.T) {
		_, c := running(t)
		c.send(ws.MaskFrame(ws.NewFrame(ws.OpText, false, make([]byte, 3000))), ws.MaskFrame(ws.NewFrame(ws.OpContinuation, true, make([]byte, 3000))))
		require.Equal(t, closecode.DecodeError, c.closeCode())
	})
}

func TestClientCloses(t *testing.T) {
	for code, kept := range map[ws.StatusCode]int{1000: 0, 1001: 0, 1012: 1, 4000: 1} {
		srv, c := running(t)
		c.send(ws.MaskFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(code, "bye"))))
		require.EqualValues(t, code, c.closeCode(), "the echo")
		_, err := c.frame()
		require.ErrorIs(t, err, io.EOF)
		require.NoError(t, srv.Wait(testContext(t), func(s gatewaytest.Stats) bool { return s.Open == 0 }))
		require.Len(t, srv.Sessions(), kept)
	}
}

func TestNotAWebsocket(t *testing.T) {
	srv := gatewaytest.NewServer()
	defer srv.Close()
	conn, err := net.Dial("tcp", srv.URL[len("http://"):])
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
	require.NoError(t, err)
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.True(t, bytes.HasPrefix(answer, []byte("HTTP/1.1 4")), "%s", answer)
	require.Zero(t, srv.Stats().Connections)
}

func TestCloseWithClients(t *testing.T) {
	srv := gatewaytest.NewServer(gatewaytest.WithIdentifyInterval(0))
	var clients []*client
	for range 20 {
		c := connect(t, srv)
		c.until(event.Ready)
		clients = append(clients, c)
	}
	stop := srv.Generate(100)
	srv.Close()
	srv.Close()
	stop()
	for _, c := range clients {
		require.Error(t, c.end())
	}
	_, _, _, err := ws.Dial(context.Background(), srv.DialURL)
	require.Error(t, err)
}

func TestWaitEnds(t *testing.T) {
	srv := gatewaytest.NewServer()
	defer srv.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := srv.WaitSessions(ctx, 1)
	require.ErrorIs(t, err, context.Canceled)
}

func TestOwnListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := gatewaytest.NewServer(gatewaytest.WithListener(l))
	defer srv.Close()
	require.Equal(t, "http://"+l.Addr().String(), srv.URL)
	connect(t, srv, gateway.WithShardCount(2), gateway.WithShardID(1)).until(event.Ready)
}

// Most clients offer permessage-deflate. Discord has compression of its own.
func TestExtensionsAreDeclined(t *testing.T) {
	srv := gatewaytest.NewServer()
	defer srv.Close()
	d := ws.Dialer{Extensions: append(ws.Dialer{}.Extensions, wsflate.DefaultParameters.Option())}
	conn, _, hs, err := d.Dial(testContext(t), srv.DialURL)
	require.NoError(t, err)
	defer conn.Close()
	require.Empty(t, hs.Extensions)
}
