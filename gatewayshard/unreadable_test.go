package gatewayshard

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/ratelimit"
)

func TestRunGivesAnUnreadableSessionUp(t *testing.T) {
	for name, poison := range map[string]string{
		"malformed": `{"op":0,"s":`,
		"too large": `{"op":0,"s":2,"t":"X","d":"` + strings.Repeat("x", 4096) + `"}`,
	} {
		bubble(t, name, func(t *testing.T) {
			n := newNetwork(t)
			var log bytes.Buffer
			s := configured(t, n, Config{ReadLimit: 4096, Logger: slog.New(slog.NewTextHandler(&log, nil))}, nil,
				gateway.WithIdentifyRateLimiter(ratelimit.NewIdentify(1, ratelimit.WithInterval(time.Millisecond))))
			done := run(t.Context(), s)
			p := <-n.peers
			p.serve()
			for range 2 {
				p.send("%s", poison)
				p.drain()

				p = <-n.peers // lost in between: that is no failure of the session's
				p.nc.Close()

				p = <-n.peers
				p.hello(time.Minute)
				require.JSONEq(t, `{"token":"token","session_id":"abc","seq":1}`, string(p.expect(6).Data))
				require.Zero(t, s.Stats().Abandoned)
			}
			p.send("%s", poison)
			p.drain()

			p = <-n.peers
			p.serve() // expects identify
			synctest.Wait()
			require.Equal(t, uint64(1), s.Stats().Abandoned)
			require.Contains(t, log.String(), "session given up")
			p.send("%s", poison)
			p.drain()

			p = <-n.peers
			p.hello(time.Minute)
			p.expect(6) // a new session has a new chance
			go p.drain()
			require.NoError(t, s.Close(t.Context(), KeepSession))
			require.NoError(t, <-done)
		})
	}
	bubble(t, "but not one that goes on", func(t *testing.T) {
		n := newNetwork(t)
		s := testShard(t, n, nil)
		done := run(t.Context(), s)
		p := <-n.peers
		p.serve()
		for seq := 2; seq < 10; seq++ {
			p.send(`{`)
			p.drain()
			p = <-n.peers
			p.hello(time.Minute)
			p.expect(6)
			p.event(seq)
		}
		require.Zero(t, s.Stats().Abandoned)
		go p.drain()
		require.NoError(t, s.Close(t.Context(), KeepSession))
		require.NoError(t, <-done)
	})
}
