package sharding_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/sharding"
)

// TestDialsAreBounded lets many shards connect at once to a Discord that is
// slow to accept.
func TestDialsAreBounded(t *testing.T) {
	for dials, most := range map[int]int32{0: 128, 3: 3} {
		synctest.Test(t, func(t *testing.T) {
			const shards = 300
			d := newDiscord(t, gatewaytest.WithShards(shards), gatewaytest.WithMaxConcurrency(shards), gatewaytest.WithGuilds(0, 1))
			config := d.config()
			config.Dials = dials
			var dialing, highest atomic.Int32
			config.Shard.NetDial = func(ctx context.Context, network, addr string) (net.Conn, error) {
				n := dialing.Add(1)
				defer dialing.Add(-1)
				for h := highest.Load(); n > h && !highest.CompareAndSwap(h, n); h = highest.Load() {
				}
				time.Sleep(time.Second)
				return d.wire.dial(ctx, network, addr)
			}
			g, err := config.NewGroup("token", gateway.WithIntents(messages))
			require.NoError(t, err)
			done := run(t.Context(), g)
			_, err = d.WaitSessions(t.Context(), shards)
			require.NoError(t, err)
			require.Equal(t, most, highest.Load())
			require.NoError(t, g.Close(t.Context(), gatewayshard.EndSession))
			require.NoError(t, <-done)
		})
	}
}

// TestWaitToDialEndsWithTheContext wants a group that is stopped while its
// shards wait for their turn to dial to be gone at once.
func TestWaitToDialEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithShards(20), gatewaytest.WithMaxConcurrency(20))
		config := d.config()
		config.Dials = 1
		config.Shard.NetDial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, context.Cause(ctx)
		}
		g, err := config.NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		ctx, cancel := context.WithCancelCause(t.Context())
		done := run(ctx, g)
		time.Sleep(time.Second)
		start := time.Now()
		cancel(errEnough)
		require.Equal(t, errEnough, <-done)
		require.Zero(t, time.Since(start))
	})
}

func TestNegativeDials(t *testing.T) {
	_, err := sharding.Config{Dials: -1}.NewGroup("token")
	require.ErrorContains(t, err, "dials")
}

// TestSharedDialBound lets two groups connect through one bound.
func TestSharedDialBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithShards(40), gatewaytest.WithMaxConcurrency(40))
		bound, err := gatewayshard.NewDialBound(5)
		require.NoError(t, err)
		var dialing, highest atomic.Int32
		for first := range uint(2) {
			config := d.config()
			config.First, config.Count, config.Shard.DialBound = 20*first, 20, bound
			config.Shard.NetDial = func(ctx context.Context, network, addr string) (net.Conn, error) {
				n := dialing.Add(1)
				defer dialing.Add(-1)
				for h := highest.Load(); n > h && !highest.CompareAndSwap(h, n); h = highest.Load() {
				}
				time.Sleep(time.Second)
				return d.wire.dial(ctx, network, addr)
			}
			g, err := config.NewGroup("token", gateway.WithIntents(messages))
			require.NoError(t, err)
			done := run(t.Context(), g)
			defer func() {
				require.NoError(t, g.Close(t.Context(), gatewayshard.EndSession))
				require.NoError(t, <-done)
			}()
		}
		_, err = d.WaitSessions(t.Context(), 40)
		require.NoError(t, err)
		require.EqualValues(t, 5, highest.Load())
	})
}

func TestDialBoundIsGivenOnce(t *testing.T) {
	bound, err := gatewayshard.NewDialBound(1)
	require.NoError(t, err)
	_, err = sharding.Config{Dials: 1, Shard: gatewayshard.Config{DialBound: bound}}.NewGroup("token")
	require.ErrorContains(t, err, "both")
}
