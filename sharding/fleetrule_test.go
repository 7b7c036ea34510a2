package sharding_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
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

// halves starts two groups that run two shards each of one bot.
func halves(t *testing.T, d *discord) (groups [2]*sharding.Group, ended func()) {
	var done [2]<-chan error
	for i := range groups {
		c := d.config()
		c.First, c.Count = 2*uint(i), 2
		g, err := c.NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		groups[i], done[i] = g, run(t.Context(), g)
	}
	_, err := d.WaitSessions(t.Context(), 4)
	require.NoError(t, err)
	synctest.Wait()
	return groups, func() {
		for i, g := range groups {
			require.NoError(t, g.Close(t.Context(), gatewayshard.EndSession))
			require.NoError(t, <-done[i])
		}
	}
}

// TestMetricsOfSeveralGroups wants one page with each family once.
func TestMetricsOfSeveralGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithShards(4), gatewaytest.WithMaxConcurrency(4))
		groups, end := halves(t, d)
		time.Sleep(time.Minute)
		one, two := groups[0].Stats(), groups[1].Stats()
		all := sharding.MergeStats(two, one)
		require.EqualValues(t, 4, all.Total)
		require.Len(t, all.Shards, 4)
		for i, s := range all.Shards {
			require.EqualValues(t, i, s.ID)
		}
		require.Equal(t, one.Events+two.Events, all.Events)
		require.Equal(t, one.Latency.Count+two.Latency.Count, all.Latency.Count)
		require.Equal(t, 4, all.Phases[gatewayshard.Active])
		require.True(t, all.StartsKnown)
		var page bytes.Buffer
		require.NoError(t, sharding.WriteMetrics(&page, groups[:]...))
		requireExposition(t, page.String())
		require.Equal(t, 1, strings.Count(page.String(), "# TYPE gateway_shard_events_total "))
		require.Contains(t, page.String(), `gateway_shard_events_total{shard="3"}`)
		require.Contains(t, page.String(), `gateway_shards{phase="active"} 4`)
		end()
	})
	require.Empty(t, sharding.MergeStats().Shards)
}

// TestDisconnectedHook wants each lost connection to be told.
func TestDisconnectedHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, c, _ := twoShards(t)
		var mu sync.Mutex
		var told []string
		c.Hooks.Disconnected = func(shard gateway.ShardID, err error, failures int, wait time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, fmt.Sprintf("%d %v %v", shard, err != nil, wait >= 0 && wait < 5*time.Second))
		}
		g, err := c.NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		done := run(t.Context(), g)
		_, err = d.WaitSessions(t.Context(), 2)
		require.NoError(t, err)
		time.Sleep(time.Minute)
		lost := d.Sessions()[0]
		require.NoError(t, d.Inject(gatewaytest.Fault{Kind: gatewaytest.Cut}, lost.ID))
		time.Sleep(time.Minute)
		mu.Lock()
		require.Equal(t, []string{fmt.Sprintf("%d true true", lost.ShardID)}, told)
		mu.Unlock()
		require.NoError(t, g.Close(t.Context(), gatewayshard.EndSession))
		require.NoError(t, <-done)
	})
}

// TestPhaseHook wants the phases of a shard in order, through a lost connection.
func TestPhaseHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, c, _ := twoShards(t)
		var mu sync.Mutex
		told := make(map[gateway.ShardID][]gatewayshard.Phase)
		c.Hooks.Phase = func(shard gateway.ShardID, phase gatewayshard.Phase) {
			mu.Lock()
			defer mu.Unlock()
			told[shard] = append(told[shard], phase)
		}
		g, err := c.NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		done := run(t.Context(), g)
		_, err = d.WaitSessions(t.Context(), 2)
		require.NoError(t, err)
		time.Sleep(time.Minute)
		lost := d.Sessions()[0]
		require.NoError(t, d.Inject(gatewaytest.Fault{Kind: gatewaytest.Cut}, lost.ID))
		time.Sleep(time.Minute)
		require.NoError(t, g.Close(t.Context(), gatewayshard.EndSession))
		require.NoError(t, <-done)
		connection := []gatewayshard.Phase{gatewayshard.Dialing, gatewayshard.Connected, gatewayshard.Authenticating, gatewayshard.Active}
		for shard, phases := range told {
			want := append(slices.Clone(connection), gatewayshard.Closed)
			if uint(shard) == uint(lost.ShardID) {
				want = slices.Concat(connection, []gatewayshard.Phase{gatewayshard.Disconnected}, connection, []gatewayshard.Phase{gatewayshard.Closed})
			}
			phases = slices.DeleteFunc(phases, func(p gatewayshard.Phase) bool { return p == gatewayshard.Waiting }) // it may be over at once
			require.Equal(t, want, phases, "shard %d", shard)
		}
		require.Len(t, told, 2)
	})
}

// TestStartFresh wants READY and GUILD_CREATE again though sessions are stored.
func TestStartFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, c, _ := twoShards(t)
		process(t, d, c, gatewayshard.KeepSession, func(*sharding.Group) {})
		var got diary
		c.Handler, c.StartFresh = got.handle, true
		process(t, d, c, gatewayshard.KeepSession, func(*sharding.Group) { time.Sleep(time.Minute) })
		require.Equal(t, 4, d.Stats().Identifies)
		require.Len(t, got.of(event.Ready), 2)
		require.NotEmpty(t, got.of(event.GuildCreate))
	})
}

// TestGivenCountsKeepTheBudget wants a group that was given its shard count to keep the
// last identifies of the day, too, and to stop instead where that is wanted.
func TestGivenCountsKeepTheBudget(t *testing.T) {
	for _, stop := range []bool{false, true} {
		virtually(t, fmt.Sprint("stop: ", stop), func(t *testing.T) {
			d, c, _ := twoShards(t)
			c.Total, c.MaxConcurrency, c.ReservedStarts, c.StopAtSessionLimit = 2, 2, 999, stop
			g, err := c.NewGroup("token", gateway.WithIntents(messages), gateway.WithURL(d.DialURL))
			require.NoError(t, err)
			done := run(t.Context(), g)
			if stop {
				var limit *sharding.SessionLimitError
				require.ErrorAs(t, <-done, &limit)
				return
			}
			time.Sleep(time.Hour)
			require.Equal(t, 1, d.Stats().Identifies)
			require.False(t, g.Stats().LimitedUntil.IsZero())
			time.Sleep(24 * time.Hour)
			require.Equal(t, 2, d.Stats().Identifies)
			require.NoError(t, g.Close(t.Context(), gatewayshard.KeepSession))
			require.NoError(t, <-done)
		})
	}
}
