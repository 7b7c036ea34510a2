package sharding_test

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	types "github.com/discordpkg/gateway/discord"
	"github.com/discordpkg/gateway/etf"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/sharding"
)

// TestEveryEvent sends every event from the local Discord, written from its struct,
// and decodes what comes strictly, READY and what else Discord sends of itself too.
func TestEveryEvent(t *testing.T) {
	for name, options := range map[string][]gateway.Option{"json": nil, "etf": {gateway.WithEncoding(etf.Codec{})}} {
		virtually(t, name, func(t *testing.T) {
			d := newDiscord(t)
			var mu sync.Mutex
			came := make(map[event.Type]int)
			g, err := sharding.Config{Shard: d.config().Shard, Discovery: d.config().Discovery, Handler: func(_ context.Context, e sharding.Event) error {
				mu.Lock()
				defer mu.Unlock()
				came[e.Name]++
				v := types.New(e.Name)
				require.NotNil(t, v, e.Name)
				require.NoError(t, types.Strict(e.Data, v), "%s", e.Data)
				return nil
			}}.NewGroup("token", append(options, gateway.WithIntents(intent.All))...)
			require.NoError(t, err)
			done := run(context.Background(), g)
			_, err = d.WaitSessions(t.Context(), 1)
			require.NoError(t, err)
			synctest.Wait()
			text, err := os.ReadFile("../discord/testdata/events.txt")
			require.NoError(t, err)
			for line := range strings.Lines(string(text)) {
				words := strings.SplitN(line, " ", 3)
				kind := event.Type(words[0])
				if line[0] == '#' || kind == event.Ready || kind == event.Resumed {
					continue // they are a session's own
				}
				e, err := types.Decode(kind, []byte(words[2]))
				require.NoError(t, err)
				before := came[kind]
				_, err = d.Dispatch(kind, e, gatewaytest.ToEveryone())
				require.NoError(t, err)
				synctest.Wait()
				require.Equal(t, before+1, came[kind], line)
			}
			require.NoError(t, d.Inject(gatewaytest.Fault{Kind: gatewaytest.Reconnect}))
			time.Sleep(time.Minute)
			require.NoError(t, g.Close(context.Background(), gatewayshard.KeepSession))
			require.NoError(t, <-done)
			for _, kind := range event.All() {
				require.NotZero(t, came[kind], kind)
			}
		})
	}
}
