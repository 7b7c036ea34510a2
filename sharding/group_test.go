package sharding_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/sharding"
)

func TestGroupAsksDiscord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithShards(5), gatewaytest.WithMaxConcurrency(2), gatewaytest.WithGuilds(10, 2))
		c := d.config()
		var got diary
		c.Handler = got.handle
		g, err := c.NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		require.Nil(t, g.Shard(0))
		done := run(t.Context(), g)
		connected, err := d.WaitSessions(t.Context(), 5)
		require.NoError(t, err)
		synctest.Wait()
		require.Len(t, connected, 5)
		require.Len(t, got.of(event.Ready), 5)
		require.Len(t, got.of(event.GuildCreate), 10)
		for _, e := range got.of(event.Ready) {
			require.Equal(t, uint(5), e.Total)
		}
		require.Equal(t, "sharding: shards 0 to 4 of 5", g.String())
		require.NotNil(t, g.Shard(4))
		require.Nil(t, g.Shard(5))
		guild := d.Guilds()[3]
		require.Equal(t, g.Shard(gateway.DeriveShardID(uint64(guild.ID), 5)), g.ShardOf(uint64(guild.ID)))

		require.NoError(t, g.Close(t.Context(), gatewayshard.EndSession))
		require.NoError(t, <-done)
		require.Empty(t, d.Sessions())
		require.Empty(t, d.Violations())
		require.Equal(t, sharding.ErrStarted, g.Run(t.Context()))
	})
}

// TestIdentifyUsesTheBuckets wants the start of a fleet to take no longer than
// Discord's limit makes it, and no less.
func TestIdentifyUsesTheBuckets(t *testing.T) {
	for name, c := range map[string]struct{ buckets, shards int }{
		"1": {1, 40}, "16": {16, 320}, "64": {64, 640}, "uneven": {16, 250},
	} {
		virtually(t, name, func(t *testing.T) {
			d := newDiscord(t, gatewaytest.WithShards(c.shards), gatewaytest.WithMaxConcurrency(c.buckets), gatewaytest.WithGuilds(0, 1))
			var got diary
			config := d.config()
			config.Handler = got.handle
			g, err := config.NewGroup("token", gateway.WithIntents(messages))
			require.NoError(t, err)
			ctx, cancel := context.WithCancelCause(t.Context())
			done := run(ctx, g)
			_, err = d.WaitSessions(t.Context(), c.shards)
			require.NoError(t, err)
			synctest.Wait()
			cancel(errEnough)
			require.Equal(t, errEnough, <-done)

			require.Empty(t, d.Violations())
			require.Equal(t, c.shards, int(d.Stats().Identifies))
			var times []time.Time
			for _, cmd := range d.Commands() {
				if cmd.Op == opcode.Identify {
					times = append(times, cmd.At)
				}
			}
			waves := (c.shards + c.buckets - 1) / c.buckets
			ideal := time.Duration(waves-1) * 5 * time.Second
			took := times[len(times)-1].Sub(times[0])
			require.GreaterOrEqual(t, took, ideal)
			require.GreaterOrEqual(t, float64(ideal)/float64(took), 0.99, "utilisation of what the limit allows")

			// The first is whoever connects first, the others wait in line.
			last := make(map[uint]gateway.ShardID)
			for _, e := range got.of(event.Ready)[c.buckets:] {
				bucket := uint(e.Shard) % uint(c.buckets)
				require.GreaterOrEqual(t, e.Shard, last[bucket], "in the order of the shards")
				last[bucket] = e.Shard
			}
		})
	}
}

func TestGroupKeepsTheSessionStartLimit(t *testing.T) {
	virtually(t, "refuses", func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithShards(5), gatewaytest.WithSessionStarts(7))
		c := d.config()
		c.ReservedStarts, c.StopAtSessionLimit = 3, true
		g, err := c.NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		err = g.Run(t.Context())
		var limit *sharding.SessionLimitError
		require.ErrorAs(t, err, &limit)
		require.Equal(t, sharding.SessionLimitError{Needed: 5, Remaining: 7, Reserved: 3, Total: 7, ResetAt: limit.ResetAt}, *limit)
		require.WithinDuration(t, time.Now().Add(24*time.Hour), limit.ResetAt, time.Minute)
		require.ErrorContains(t, err, "5 sessions to start and only 7 of 7 left for today (3 of them reserved), start again after 2000-01-02T")
		require.Zero(t, d.Stats().Identifies)
	})
	virtually(t, "waits at the start", func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithShards(4), gatewaytest.WithSessionStarts(4))
		start := time.Now()
		g, err := d.config().NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		done := run(t.Context(), g)
		_, err = d.WaitSessions(t.Context(), 3)
		require.NoError(t, err)
		time.Sleep(time.Hour)
		require.Equal(t, 3, d.Stats().Identifies, "the last start is not spent")
		s := g.Stats()
		require.Equal(t, 1, s.Waiting)
		require.Equal(t, map[gatewayshard.Phase]int{gatewayshard.Active: 3, gatewayshard.Disconnected: 1}, s.Phases, "it does not wait with an open connection")
		require.WithinDuration(t, start.Add(24*time.Hour), s.LimitedUntil, time.Minute)
		_, err = d.WaitSessions(t.Context(), 4)
		require.NoError(t, err)
		require.Greater(t, time.Since(start), 23*time.Hour)
		synctest.Wait()
		require.Zero(t, g.Stats().LimitedUntil)
		require.NoError(t, g.Close(t.Context(), gatewayshard.KeepSession))
		require.NoError(t, <-done)
	})
	virtually(t, "stops later", func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithShards(2), gatewaytest.WithSessionStarts(3))
		c := d.config()
		c.StopAtSessionLimit = true
		g, err := c.NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		done := run(t.Context(), g)
		connected, err := d.WaitSessions(t.Context(), 2)
		require.NoError(t, err)
		require.NoError(t, d.Inject(gatewaytest.Fault{Kind: gatewaytest.InvalidSession}, connected[0].ID))
		var limit *sharding.SessionLimitError
		require.ErrorAs(t, <-done, &limit)
		require.Equal(t, 1, limit.Remaining)
		require.Len(t, d.Sessions(), 1, "the other session is kept")
	})
	virtually(t, "waits", func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithShards(2), gatewaytest.WithSessionStarts(3))
		start := time.Now()
		c := d.config()
		c.ReservedStarts = 1
		g, err := c.NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		done := run(t.Context(), g)
		connected, err := d.WaitSessions(t.Context(), 2)
		require.NoError(t, err)
		require.NoError(t, d.Inject(gatewaytest.Fault{Kind: gatewaytest.InvalidSession}, connected[0].ID))
		require.NoError(t, d.Wait(t.Context(), func(s gatewaytest.Stats) bool { return s.Identifies == 3 }))
		require.Greater(t, time.Since(start), 23*time.Hour, "the reserve was not touched")
		require.NoError(t, g.Close(t.Context(), gatewayshard.KeepSession))
		require.NoError(t, <-done)
		require.Empty(t, d.Violations())
	})
}

func TestGroupStopsForGood(t *testing.T) {
	for _, code := range closecode.All() {
		if code.Decision() != closecode.Stop {
			continue
		}
		virtually(t, code.String(), func(t *testing.T) {
			d := newDiscord(t, gatewaytest.WithShards(4), gatewaytest.WithMaxConcurrency(4))
			c := d.config()
			store := new(sharding.MemoryStore)
			c.Store, c.StoreKey = store, "key"
			g, err := c.NewGroup("secret", gateway.WithIntents(messages))
			require.NoError(t, err)
			done := run(t.Context(), g)
			connected, err := d.WaitSessions(t.Context(), 4)
			require.NoError(t, err)
			synctest.Wait()
			require.NoError(t, d.Inject(gatewaytest.Fault{Kind: gatewaytest.Close, Code: code}, connected[2].ID))
			err = <-done
			var discord *gateway.DiscordError
			require.ErrorAs(t, err, &discord)
			require.Equal(t, code, discord.CloseCode)
			require.ErrorContains(t, err, code.Hint(), "what to fix")
			require.NotContains(t, err.Error(), "secret")
			stored, err := store.Load(t.Context(), "key")
			require.NoError(t, err)
			if code == closecode.ShardingRequired {
				require.Empty(t, stored.Shards, "they would make the next process fail as well")
			} else {
				require.Len(t, stored.Shards, 3, "the others can be resumed")
			}
		})
	}
	virtually(t, "before the start", func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithToken("other"))
		g, err := d.config().NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		require.ErrorIs(t, g.Run(t.Context()), sharding.ErrUnauthorized)
	})
	virtually(t, "privileged intents", func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithShards(3), gatewaytest.WithPrivilegedIntents(0))
		g, err := d.config().NewGroup("token", gateway.WithIntents(intent.GuildMembers))
		require.NoError(t, err)
		err = g.Run(t.Context())
		require.ErrorContains(t, err, "enable the privileged gateway intents")
		require.Zero(t, d.Stats().Identifies)
	})
}

func TestOneFailingShardLeavesTheOthersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithShards(3), gatewaytest.WithMaxConcurrency(3), gatewaytest.WithGuilds(3, 1))
		c := d.config()
		var got diary
		c.Handler = got.handle
		g, err := c.NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		done := run(t.Context(), g)
		connected, err := d.WaitSessions(t.Context(), 3)
		require.NoError(t, err)
		require.NoError(t, d.InjectNext(gatewaytest.Fault{Kind: gatewaytest.Refuse, Status: 503}, 5))
		require.NoError(t, d.Inject(gatewaytest.Fault{Kind: gatewaytest.Cut}, connected[1].ID))
		for i, text := range []string{"a", "b", "c"} {
			d.say(t, i, text)
		}
		synctest.Wait()
		require.Len(t, got.texts(event.MessageCreate), 2)
		require.NoError(t, d.Wait(t.Context(), func(s gatewaytest.Stats) bool { return s.Resumes == 1 }))
		synctest.Wait()
		require.ElementsMatch(t, []string{"a", "b", "c"}, got.texts(event.MessageCreate), "resumed")
		require.Equal(t, 3, int(d.Stats().Identifies))
		for _, e := range got.events {
			require.False(t, e.Replay, "nobody has seen it before")
		}
		require.NoError(t, g.Close(t.Context(), gatewayshard.KeepSession))
		require.NoError(t, <-done)
		require.Len(t, d.Sessions(), 3)
	})
}

func TestGroupIsRefused(t *testing.T) {
	for name, c := range map[string]sharding.Config{
		"payload handler":  {Shard: gatewayshard.Config{PayloadHandler: func(gateway.ShardID, *gateway.GatewayPayload) {}}},
		"shard":            {Shard: gatewayshard.Config{DialTimeout: -1}},
		"checkpoint":       {CheckpointInterval: -1},
		"identify":         {IdentifyInterval: -1},
		"too many":         {Total: 1 << 30},
		"first":            {Total: 4, First: 4},
		"count":            {Total: 4, First: 2, Count: 3},
		"before dial":      {Shard: gatewayshard.Config{BeforeDial: func(context.Context, gateway.ShardID, gateway.Session) error { return nil }}},
		"two limiters":     {IdentifyLimiter: gateway.NewIdentifyRateLimiter(), IdentifyReserver: new(reserver)},
		"queue size":       {Queue: sharding.Queue{Size: -1}},
		"queue policy":     {Queue: sharding.Queue{Size: 1, Policy: 9}},
		"queue of no size": {Queue: sharding.Queue{Policy: sharding.DropNewest}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.NewGroup("token")
			require.Error(t, err)
		})
	}
	_, err := sharding.NewGroup("", nil)
	require.Error(t, err)
	virtually(t, "no such shards", func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithShards(2))
		c := d.config()
		c.First = 2
		g, err := c.NewGroup("token")
		require.NoError(t, err)
		require.ErrorContains(t, g.Run(t.Context()), "not below the total of 2")
	})
}

func TestGroupCloses(t *testing.T) {
	virtually(t, "before it runs", func(t *testing.T) {
		g, err := sharding.Config{Total: 1, MaxConcurrency: 1}.NewGroup("token")
		require.NoError(t, err)
		require.NoError(t, g.Close(t.Context(), gatewayshard.EndSession))
		require.NoError(t, g.Run(t.Context()))
		require.NoError(t, g.Close(t.Context(), gatewayshard.EndSession))
		require.Equal(t, "sharding: group without shards", g.String())
	})
	virtually(t, "while it asks", func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithShards(2))
		c := d.config()
		c.Discovery.API = "http://192.0.2.1"
		g, err := c.NewGroup("token")
		require.NoError(t, err)
		d.wire.Close()
		done := run(t.Context(), g)
		synctest.Wait()
		require.NoError(t, g.Close(t.Context(), gatewayshard.KeepSession))
		require.NoError(t, <-done)
	})
	virtually(t, "while shards wait", func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithShards(20))
		g, err := d.config().NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		done := run(t.Context(), g)
		_, err = d.WaitSessions(t.Context(), 2)
		require.NoError(t, err)
		require.NoError(t, g.Close(t.Context(), gatewayshard.EndSession))
		require.NoError(t, <-done)
		require.Equal(t, 2, int(d.Stats().Identifies))
	})
	virtually(t, "from within a handler", func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithShards(2), gatewaytest.WithMaxConcurrency(2))
		var g *sharding.Group
		c := d.config()
		c.Handler = func(ctx context.Context, e sharding.Event) error {
			return g.Close(ctx, gatewayshard.KeepSession)
		}
		g, err := c.NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		require.NoError(t, g.Run(t.Context()))
	})
	virtually(t, "in spite of a handler", func(t *testing.T) {
		d := newDiscord(t)
		c := d.config()
		c.Handler = func(ctx context.Context, _ sharding.Event) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}
		g, err := c.NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		done := run(t.Context(), g)
		_, err = d.WaitSessions(t.Context(), 1)
		require.NoError(t, err)
		synctest.Wait()
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errEnough)
		defer cancel()
		require.ErrorIs(t, g.Close(ctx, gatewayshard.KeepSession), errEnough)
		require.NoError(t, <-done)
	})
}

// TestVoiceOfAGroup wants a group to be the gateway of its guilds' calls.
func TestVoiceOfAGroup(t *testing.T) {
	g, err := sharding.NewGroup("token", nil)
	require.NoError(t, err)
	require.ErrorIs(t, g.UpdateVoiceState(t.Context(), command.VoiceState{GuildID: 1 << 22}), sharding.ErrNoShard)
}
