package voiceserver_test

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/discordpkg/gateway/internal/frame"
	"github.com/discordpkg/gateway/voiceserver"
	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"
)

// A street is a listener to which clients come from any address.
type street struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newStreet() *street { return &street{conns: make(chan net.Conn), done: make(chan struct{})} }

func (s *street) Accept() (net.Conn, error) {
	select {
	case c := <-s.conns:
		return c, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}

func (s *street) Close() error   { s.once.Do(func() { close(s.done) }); return nil }
func (s *street) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} }

// from connects from an address.
func (s *street) from(ip string) net.Conn {
	ours, theirs := net.Pipe()
	s.conns <- fromAddress{theirs, &net.TCPAddr{IP: net.ParseIP(ip), Port: 1}}
	return ours
}

type fromAddress struct {
	net.Conn
	addr net.Addr
}

func (f fromAddress) RemoteAddr() net.Addr { return f.addr }

// ended reports that the server broke a connection.
func ended(t *testing.T, conn net.Conn) {
	t.Helper()
	_, err := conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

// A quietSocket is one for audio that nothing comes over.
type quietSocket struct {
	net.PacketConn
	done chan struct{}
}

func newQuietSocket() *quietSocket { return &quietSocket{done: make(chan struct{})} }

func (q *quietSocket) ReadFrom([]byte) (int, net.Addr, error) { <-q.done; return 0, nil, net.ErrClosed }
func (q *quietSocket) LocalAddr() net.Addr {
	return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5000}
}
func (q *quietSocket) Close() error { close(q.done); return nil }

// Silent sockets of one address do not keep others out, whatever the number of
// connections that the server allows, and end by themselves.
func TestSilentSocketsKeepOthersIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		way := newStreet()
		srv, err := voiceserver.New(voiceserver.WithListener(way), voiceserver.WithoutTLS(), voiceserver.WithMaxConnections(100), voiceserver.WithPacketConns(newQuietSocket()))
		require.NoError(t, err)
		defer srv.Close()
		var silent []net.Conn
		for range 400 {
			silent = append(silent, way.from("203.0.113.66"))
			time.Sleep(20 * time.Millisecond)
		}
		ended(t, silent[0])
		conn, early, err := frame.Dial(t.Context(), ws.Dialer{NetDial: func(context.Context, string, string) (net.Conn, error) { return way.from("198.51.100.7"), nil }}, "ws://voice.example/?v=8")
		require.NoError(t, err)
		op, _, err := frame.NewReader(conn, ws.StateClientSide, 1<<10, early).Next()
		require.NoError(t, err)
		require.Equal(t, ws.OpText, op, "hello")
		time.Sleep(5 * time.Second)
		synctest.Wait()
		ended(t, silent[len(silent)-1])
		require.NoError(t, conn.Close())
		for _, c := range silent {
			_ = c.Close()
		}
	})
}
