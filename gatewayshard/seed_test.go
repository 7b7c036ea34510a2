package gatewayshard

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
)

// TestLoopOfTheUser is the loop of the first version's README, which logs the
// DiscordError that it looked for after every end of a connection. When the
// network is cut there is none.
func TestLoopOfTheUser(t *testing.T) {
	bubble(t, "survives a network cut", func(t *testing.T) {
		n := newNetwork(t)
		shard := testShard(t, n, nil)
		var logged []string
		done := make(chan error, 1)
		go func() {
		reconnectStage:
			if _, err := shard.Dial(t.Context(), testURL); err != nil {
				done <- err
				return
			}
			err := shard.EventLoop(t.Context())
			if err != nil && !errors.Is(err, ErrClosed) {
				reconnect := true

				var discordErr *gateway.DiscordError
				if errors.As(err, &discordErr) {
					reconnect = discordErr.CanReconnect()
				}
				if reconnect {
					logged = append(logged, discordErr.Error())
					if err := shard.PrepareForReconnect(); err != nil {
						done <- err
						return
					}
					goto reconnectStage
				}
			}
			done <- err
		}()
		login := func(op int) *peer {
			p := <-n.peers
			p.hello(time.Hour)
			p.expect(op)
			return p
		}
		p := login(2)
		p.ready(1)
		require.NoError(t, p.nc.Close())
		p = login(6)
		p.send(`{"op":0,"s":2,"t":"RESUMED","d":{}}`)
		p.closeWith(4009)
		p = login(2)
		p.ready(1)
		p.closeWith(4004)
		require.ErrorContains(t, <-done, "4004")
		require.Equal(t, []string{
			"gateway: connection lost, Discord gave no reason",
			"gateway: connection closed with 4009 (session timed out): reason",
		}, logged)
		p.nc.Close()
	})
}
