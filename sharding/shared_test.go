package sharding_test

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/sharding"
)

// A brokenNetwork is that of a local Discord, and stops working for a while.
type brokenNetwork struct {
	dial func(ctx context.Context, network, addr string) (net.Conn, error)

	mu     sync.Mutex
	conns  []net.Conn
	broken bool
}

func (b *brokenNetwork) NetDial(ctx context.Context, network, addr string) (net.Conn, error) {
	b.mu.Lock()
	broken := b.broken
	b.mu.Unlock()
	if broken {
		return nil, io.ErrUnexpectedEOF
	}
	c, err := b.dial(ctx, network, addr)
	if err == nil {
		b.mu.Lock()
		b.conns = append(b.conns, c)
		b.mu.Unlock()
	}
	return c, err
}

// breaks cuts every connection, and refuses new ones, or mends the network.
func (b *brokenNetwork) breaks(broken bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.broken = broken
	for _, c := range b.conns {
		c.Close()
	}
	b.conns = nil
}

// outage starts a group of shards, breaks the network, mends it after a while, and
// returns how long the last shard was away after that.
func (b *brokenNetwork) outage(t *testing.T, shards int, lasts time.Duration) time.Duration {
	d := newDiscord(t, gatewaytest.WithShards(shards), gatewaytest.WithMaxConcurrency(shards), gatewaytest.WithGuilds(0, 1))
	b.dial = d.wire.dial
	config := d.config()
	config.Shard.NetDial = b.NetDial
	g, err := config.NewGroup("token", gateway.WithIntents(messages))
	require.NoError(t, err)
	done := run(t.Context(), g)
	back := func() time.Duration {
		start := time.Now()
		for g.Stats().Phases[gatewayshard.Active] < shards && time.Since(start) < time.Hour {
			time.Sleep(100 * time.Millisecond)
		}
		return time.Since(start)
	}
	back()
	time.Sleep(2 * time.Minute)
	b.breaks(true)
	time.Sleep(lasts)
	b.breaks(false)
	took := back()
	require.NoError(t, g.Close(t.Context(), gatewayshard.EndSession))
	require.NoError(t, <-done)
	return took
}

// TestOutage refuses all connections for 5 minutes. The first shard that gets
// through wakes the others.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took := new(brokenNetwork).outage(t, 300, 5*time.Minute)
		t.Logf("all shards are back after %v", took)
		require.Less(t, took, 30*time.Second)
	})
}

// TestLifeIsStored wants what a shard knows besides its session in the store, and
// back in the next process; what cannot be read costs nothing else.
func TestLifeIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, c, store := twoShards(t)
		c.StoreKey = "key"
		process(t, d, c, gatewayshard.KeepSession, func(g *sharding.Group) {
			require.NoError(t, g.Shard(1).SetPresence(t.Context(), command.Presence{Status: command.StatusIdle}))
		})
		process(t, d, c, gatewayshard.KeepSession, func(g *sharding.Group) {
			require.Contains(t, string(g.Shard(1).Progress().State.Presence), "idle")
			require.Nil(t, g.Shard(0).Progress().State.Presence)
			require.Equal(t, uint64(1), g.Shard(1).Stats().Resumes)
		})
		saved, err := store.Load(t.Context(), c.StoreKey)
		require.NoError(t, err)
		for i, foreign := range []string{`{"version":99}`, `"x"`} {
			saved.Shards[i].Life = []byte(foreign)
		}
		require.NoError(t, store.Save(t.Context(), c.StoreKey, saved))
		process(t, d, c, gatewayshard.EndSession, func(g *sharding.Group) {
			require.Nil(t, g.Shard(1).Progress().State.Presence)
			require.Equal(t, uint64(1), g.Shard(1).Stats().Resumes)
		})
	})
}

// TestBudgetIsStored starts processes one after another that lose their sessions:
// what they identify counts together.
func TestBudgetIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, c, _ := twoShards(t)
		shared := func(g *sharding.Group) (used int) {
			return g.Stats().IdentifiesToday
		}
		for n := 1; n <= 4; n++ {
			process(t, d, c, gatewayshard.EndSession, func(g *sharding.Group) { require.Equal(t, 2*n, shared(g)) })
			time.Sleep(time.Minute)
		}
		time.Sleep(25 * time.Hour)
		process(t, d, c, gatewayshard.EndSession, func(g *sharding.Group) { require.Equal(t, 2, shared(g)) })
	})
}
