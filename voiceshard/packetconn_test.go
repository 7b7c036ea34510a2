package voiceshard

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// hidden is a socket that does not tell what it is.
type hidden struct{ net.PacketConn }

// Sockets of the user's own hear the server and nobody else.
func TestListenPacket(t *testing.T) {
	for name, wrap := range map[string]func(net.PacketConn) net.PacketConn{
		"UDP":   func(pc net.PacketConn) net.PacketConn { return pc },
		"other": func(pc net.PacketConn) net.PacketConn { return hidden{pc} },
	} {
		t.Run(name, func(t *testing.T) {
			server, err := net.ListenPacket("udp", "127.0.0.1:0")
			require.NoError(t, err)
			defer server.Close()
			stranger, err := net.ListenPacket("udp", "127.0.0.1:0")
			require.NoError(t, err)
			defer stranger.Close()
			c, err := newConfig([]Option{WithListenPacket(func(context.Context) (net.PacketConn, error) {
				pc, err := net.ListenPacket("udp", "127.0.0.1:0")
				return wrap(pc), err
			})})
			require.NoError(t, err)
			conn, err := c.mediaDial(t.Context(), netip.MustParseAddrPort(server.LocalAddr().String()))
			require.NoError(t, err)
			defer conn.Close()
			require.NoError(t, conn.SetReadDeadline(time.Now().Add(time.Minute)))

			_, err = conn.Write([]byte("question"))
			require.NoError(t, err)
			buf := make([]byte, 100)
			n, from, err := server.ReadFrom(buf)
			require.NoError(t, err)
			require.Equal(t, "question", string(buf[:n]))
			_, err = stranger.WriteTo([]byte("lie"), from)
			require.NoError(t, err)
			_, err = server.WriteTo([]byte("answer"), from)
			require.NoError(t, err)
			n, err = conn.Read(buf)
			require.NoError(t, err)
			require.Equal(t, "answer", string(buf[:n]))
			require.NoError(t, conn.SetReadDeadline(time.Unix(1, 0)))
			_, err = conn.Read(buf)
			var timeout net.Error
			require.ErrorAs(t, err, &timeout)
			require.True(t, timeout.Timeout())
			require.NoError(t, conn.Close())
		})
	}
}

func TestListenPacketFails(t *testing.T) {
	broken := errors.New("address already in use")
	run(t, func(t *testing.T, d *discord) {
		_, err := d.voice.Join(t.Context(), guild, lobby)
		require.ErrorIs(t, err, broken)
		require.ErrorContains(t, err, "UDP does not work")
	}, WithListenPacket(func(context.Context) (net.PacketConn, error) { return nil, broken }), WithAttempts(1))
}

func TestDialUDP(t *testing.T) {
	conn, err := dialUDP(t.Context(), netip.MustParseAddrPort("127.0.0.1:9"))
	require.NoError(t, err)
	require.NoError(t, conn.Close())
}
