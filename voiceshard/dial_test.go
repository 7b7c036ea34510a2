package voiceshard

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/internal/frame"
)

// A voice server, or what answers at its endpoint, sends one line without end.
func TestDialEndlessAnswer(t *testing.T) {
	sent := make(chan int, 1)
	c, err := newConfig([]Option{WithNetDial(func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			_, _ = http.ReadRequest(bufio.NewReader(server))
			n, err := 0, error(nil)
			for chunk := make([]byte, 4096); err == nil && n < 64<<20; {
				var m int
				m, err = server.Write(chunk)
				n += m
			}
			sent <- n
		}()
		return client, nil
	})})
	require.NoError(t, err)
	_, _, err = c.dial(t.Context(), "ws://voice.test/?v=8")
	require.ErrorIs(t, err, ErrAnswerTooLarge)
	require.LessOrEqual(t, <-sent, frame.MaxAnswer)
}
