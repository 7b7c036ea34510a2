package voiceserver_test

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/discordpkg/gateway/internal/frame"
	"github.com/discordpkg/gateway/voiceserver"
	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"
)

// A request whose body never comes does not stay, nor one for something else.
func TestSlowRequest(t *testing.T) {
	open := newServer(t, voiceserver.WithLoginTimeout(50*time.Millisecond))
	drained := newServer(t, voiceserver.WithLoginTimeout(50*time.Millisecond))
	require.NoError(t, drained.Drain(testContext(t)))
	for _, srv := range []*voiceserver.Server{open, drained} {
		slowRequests(t, srv)
	}
}

func slowRequests(t *testing.T, srv *voiceserver.Server) {
	for _, request := range []string{
		"POST /?v=8 HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n",
		"GET /?v=8 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
		"GET /?v=8 HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /?v=8 HTTP/1.1\r\nHo",
		"\x16\x03\x01",
		"",
	} {
		conn, err := net.Dial("tcp", srv.Endpoint())
		require.NoError(t, err)
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(20*time.Second)))
		_, err = conn.Write([]byte(request))
		require.NoError(t, err)
		answer, err := io.ReadAll(conn)
		require.True(t, err == nil || isClosedByPeer(err), "%q: %v", request, err)
		require.NotContains(t, string(answer), "keep-alive")
		require.NoError(t, conn.Close())
	}
}

func isClosedByPeer(err error) bool {
	timeout, ok := err.(net.Error)
	return isReset(err) && !(ok && timeout.Timeout())
}

// Close and Drain in the middle of everything: no client comes in behind them,
// and nothing hangs.
func TestShutdownInTheRush(t *testing.T) {
	for round := range 8 {
		srv := newServer(t)
		var rush sync.WaitGroup
		came := make(chan struct{}, 1)
		for range 8 {
			rush.Go(func() {
				for {
					conn, early, _, err := ws.Dialer{Timeout: 20 * time.Second}.Dial(t.Context(), "ws://"+srv.Endpoint()+"/?v=8")
					if err != nil {
						return
					}
					select {
					case came <- struct{}{}:
					default:
					}
					in := frame.NewReader(conn, ws.StateClientSide, 1<<20, buffered(early))
					for op, err := ws.OpText, error(nil); err == nil && op != ws.OpClose; {
						op, _, err = in.Next()
					}
					_ = conn.Close()
				}
			})
		}
		<-came
		if round%2 == 0 {
			require.NoError(t, srv.Drain(testContext(t)))
			require.Zero(t, srv.Stats().Open)
		}
		srv.Close()
		rush.Wait()
		require.Zero(t, srv.Stats().Open)
	}
}

// A call without a guild that moves to where it is stays there.
func TestMoveToTheSame(t *testing.T) {
	srv := newServer(t)
	_, token, err := srv.Join(voiceserver.Member{Channel: 9, User: 3, SessionID: "s"})
	require.NoError(t, err)
	_, same, err := srv.Move(9, 3, 9)
	require.NoError(t, err)
	require.Equal(t, token, same)
	require.Len(t, srv.Members(9), 1)
	srv.Close()
	_, _, err = srv.Move(9, 3, 10)
	require.ErrorIs(t, err, voiceserver.ErrClosed)
}
