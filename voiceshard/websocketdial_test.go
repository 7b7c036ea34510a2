package voiceshard_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/voiceshard"
)

// A readerConn is a connection of which something was read before.
type readerConn struct {
	net.Conn
	io.Reader
}

func (c readerConn) Read(p []byte) (int, error) { return c.Reader.Read(p) }

// TestOwnWebsocket lets a bot bring its websockets, which work at the second
// attempt, and talk over two of them.
func TestOwnWebsocket(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	d := gatewaytest.NewServer(gatewaytest.WithToken("a", "b"), gatewaytest.WithIdentifyInterval(0), gatewaytest.WithVoiceServer())
	t.Cleanup(d.Close)
	var dials atomic.Int32
	a := dial(ctx, t, d, 0, voiceshard.WithTLS(nil), voiceshard.WithWebsocketDial(func(ctx context.Context, url string) (net.Conn, error) {
		if dials.Add(1) == 1 {
			return nil, errors.New("no way")
		}
		conn, early, _, err := ws.Dialer{TLSConfig: d.TLSClientConfig()}.Dial(ctx, url)
		if err == nil && early != nil {
			conn = readerConn{conn, io.MultiReader(early, conn)}
		}
		return conn, err
	}))
	b := dial(ctx, t, d, 1)
	heard(ctx, t, a, b)
	require.EqualValues(t, 2, dials.Load())
	require.Equal(t, 1, d.Voice().Faults().Close(a.user, closecode.VoiceServerCrashed))
	heard(ctx, t, b, a)
	heard(ctx, t, a, b)
}
