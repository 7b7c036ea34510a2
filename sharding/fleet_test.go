package sharding_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/sharding"
)

// worker is a group that starts without shards.
func worker(t *testing.T, d *discord, total uint, got *diary) (g *sharding.Group, done <-chan error) {
	c := d.config()
	c.Total, c.MaxConcurrency, c.StartEmpty, c.Handler = total, 4, true, got.handle
	g, err := c.NewGroup("token", gateway.WithIntents(messages), gateway.WithURL(d.DialURL))
	require.NoError(t, err)
	done = run(t.Context(), g)
	synctest.Wait()
	return g, done
}

// TestShardsMoveBetweenGroups hands shards over with their sessions: nothing is lost,
// nothing comes twice, and no session is started for it.
func TestShardsMoveBetweenGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithMaxConcurrency(4), gatewaytest.WithShards(4), gatewaytest.WithGuilds(8, 2))
		var got diary
		from, fromDone := worker(t, d, 4, &got)
		to, toDone := worker(t, d, 4, &got)
		require.Equal(t, "sharding: no shards of 4", from.String())
		for id := range gateway.ShardID(4) {
			require.NoError(t, from.Claim(t.Context(), id, nil))
		}
		_, err := d.WaitSessions(t.Context(), 4)
		require.NoError(t, err)
		time.Sleep(time.Second)
		require.ErrorIs(t, from.Claim(t.Context(), 2, nil), sharding.ErrClaimed)
		require.ErrorContains(t, from.Claim(t.Context(), 4, nil), "not below the total")
		require.Equal(t, "sharding: shards 0 to 3 of 4", from.String())
		n := 0
		say := func() {
			for guild := range d.Guilds() {
				d.say(t, guild, fmt.Sprint(n))
				n++
			}
		}
		say()
		for _, id := range []gateway.ShardID{1, 3} {
			c, err := from.Release(t.Context(), id)
			require.NoError(t, err)
			require.NotEmpty(t, c.Session.ID)
			require.Nil(t, from.Shard(id))
			require.ErrorContains(t, to.Claim(t.Context(), 2, &c), "with the session of shard")
			say() // while it belongs to none
			require.NoError(t, to.Claim(t.Context(), id, &c))
		}
		require.Equal(t, "sharding: 2 shards from 0 to 2 of 4", from.String())
		require.NoError(t, d.Wait(t.Context(), func(s gatewaytest.Stats) bool { return s.Resumes == 2 }))
		say()
		time.Sleep(time.Second)
		require.Len(t, got.texts(event.MessageCreate), n)
		seen := map[string]bool{}
		for _, text := range got.texts(event.MessageCreate) {
			require.False(t, seen[text], "%s comes twice", text)
			seen[text] = true
		}
		require.Equal(t, 4, d.Stats().Identifies)
		require.Len(t, to.Checkpoint().Shards, 2)
		require.ErrorIs(t, from.Reshard(t.Context(), 8), sharding.ErrPartialGroup)
		_, err = from.Release(t.Context(), 1)
		require.ErrorIs(t, err, sharding.ErrNoShard)
		require.NoError(t, from.Close(t.Context(), gatewayshard.KeepSession))
		require.NoError(t, <-fromDone)
		require.ErrorIs(t, from.Claim(t.Context(), 1, nil), sharding.ErrNotRunning)
		require.NoError(t, to.Close(t.Context(), gatewayshard.KeepSession))
		require.NoError(t, <-toDone)
		require.Len(t, d.Sessions(), 4)
		require.Empty(t, d.Violations())
	})
}

// TestDrop takes a shard away while its handler runs: the connection ends at
// once, and the session is another owner's.
func TestDrop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithShards(1), gatewaytest.WithGuilds(1, 2))
		var hung atomic.Bool
		gate := make(chan struct{})
		c := d.config()
		c.Total, c.MaxConcurrency = 1, 1
		c.Handler = func(_ context.Context, e sharding.Event) error {
			if e.Name == event.MessageCreate {
				hung.Store(true)
				<-gate
			}
			return nil
		}
		g, err := c.NewGroup("token", gateway.WithIntents(messages), gateway.WithURL(d.DialURL))
		require.NoError(t, err)
		done := run(t.Context(), g)
		_, err = d.WaitSessions(t.Context(), 1)
		require.NoError(t, err)
		time.Sleep(time.Second)
		d.say(t, 0, "a")
		synctest.Wait()
		require.True(t, hung.Load())
		vector := g.Checkpoint().Shards[0]
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err = g.Release(short, 0)
		cancel()
		require.ErrorContains(t, err, "release shard 0", "the handler runs")
		begin := time.Now()
		require.NoError(t, g.Drop(0))
		require.Zero(t, time.Since(begin))
		require.Empty(t, g.Checkpoint().Shards)
		require.ErrorIs(t, g.Drop(0), sharding.ErrNoShard)
		require.Len(t, d.Sessions(), 1, "the session is not ended")

		var got diary
		next, nextDone := worker(t, d, 1, &got)
		require.NoError(t, next.Claim(t.Context(), 0, &vector))
		require.NoError(t, d.Wait(t.Context(), func(s gatewaytest.Stats) bool { return s.Resumes == 1 }))
		time.Sleep(time.Second)
		require.Equal(t, []string{"a"}, got.texts(event.MessageCreate))
		close(gate)
		for _, e := range []*sharding.Group{g, next} {
			require.NoError(t, e.Close(t.Context(), gatewayshard.KeepSession))
		}
		require.NoError(t, <-done)
		require.NoError(t, <-nextDone)
	})
}
