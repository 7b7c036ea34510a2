package sharding_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/sharding"
)

func TestGroupStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithShards(6), gatewaytest.WithMaxConcurrency(2), gatewaytest.WithGuilds(6, 1),
			gatewaytest.WithHeartbeat(10*time.Second, 5*time.Second))
		c := d.config()
		c.Store = new(sharding.MemoryStore)
		c.Queue.Size = 10
		c.Handler = func(context.Context, sharding.Event) error { return errEnough }
		c.Shard.NetDial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := d.wire.dial(ctx, network, addr)
			return slowConn{conn}, err
		}
		var measured []time.Duration
		c.Hooks.Latency = func(_ gateway.ShardID, l time.Duration) { measured = append(measured, l) }
		g, err := c.NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		empty := g.Stats()
		require.Zero(t, empty.Total)
		require.Empty(t, empty.Shards)

		done := run(t.Context(), g)
		_, err = d.WaitSessions(t.Context(), 2)
		require.NoError(t, err)
		synctest.Wait()
		s := g.Stats()
		require.Equal(t, uint(6), s.Total)
		require.Equal(t, 2, s.Phases[gatewayshard.Active])
		require.Equal(t, 4, s.Waiting)
		require.WithinDuration(t, time.Now().Add(2*5040*time.Millisecond), s.WaitingUntil, 100*time.Millisecond)
		require.True(t, s.StartsKnown)
		require.Equal(t, 998, s.StartsLeft)

		_, err = d.WaitSessions(t.Context(), 6)
		require.NoError(t, err)
		for guild := range 6 {
			d.say(t, guild, "x")
		}
		time.Sleep(time.Minute)
		s = g.Stats()
		require.Equal(t, 6, s.Phases[gatewayshard.Active])
		require.Zero(t, s.Waiting)
		require.True(t, s.WaitingUntil.IsZero())
		require.EqualValues(t, 18, s.Events)
		require.EqualValues(t, 18, s.Handled)
		require.EqualValues(t, 18, s.HandlerErrors)
		require.EqualValues(t, 6, s.Identifies)
		require.Zero(t, s.Dropped+s.Replayed+s.Resumes+s.Reconnects)
		require.NotZero(t, s.BytesIn)
		require.NotZero(t, s.BytesOut)
		require.False(t, s.Checkpoint.IsZero())
		require.NoError(t, s.CheckpointError)
		require.False(t, s.Resharding)
		for i, sh := range s.Shards {
			require.Equal(t, gateway.ShardID(i), sh.ID)
			require.Equal(t, sh.Seq, sh.Acknowledged)
			require.Zero(t, sh.Queued)
		}
		require.Equal(t, 30*time.Millisecond, s.Slowest)
		require.Greater(t, s.Latency.Count, uint64(5))
		require.Equal(t, 50*time.Millisecond, s.Latency.Quantile(1))

		w := httptest.NewRecorder()
		g.MetricsHandler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		requireExposition(t, w.Body.String())
		for _, line := range []string{
			`gateway_shard_events_handled_total{shard="5"} 3`, `gateway_shards{phase="active"} 6`, `gateway_shards{phase="waiting to identify"} 0`,
			`gateway_shard_count 6`, `gateway_identify_waiting_shards 0`, `gateway_session_starts_left 994`, `gateway_resharding 0`, `gateway_checkpoint_failed 0`,
		} {
			require.Contains(t, w.Body.String(), line+"\n")
		}
		require.NotContains(t, w.Body.String(), "token")
		require.NotContains(t, w.Body.String(), s.Shards[0].SessionID)
		require.NoError(t, g.Close(t.Context(), gatewayshard.EndSession))
		require.NoError(t, <-done)
		require.Equal(t, 30*time.Millisecond, measured[0])
	})
}

// A slowConn takes a while to write.
type slowConn struct{ net.Conn }

func (c slowConn) Write(p []byte) (int, error) {
	time.Sleep(30 * time.Millisecond)
	return c.Conn.Write(p)
}

var (
	sample  = regexp.MustCompile(`^(gateway_[a-z_]+?)(_bucket|_sum|_count)?(\{[a-z]+="[^"]*"\})? [0-9.e+-]+$`)
	comment = regexp.MustCompile(`^# (HELP|TYPE) (gateway_[a-z_]+) (.+)$`)
)

// requireExposition wants each metric to be announced, and named once.
func requireExposition(t *testing.T, text string) {
	t.Helper()
	kinds, seen := map[string]string{}, map[string]bool{}
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if c := comment.FindStringSubmatch(line); c != nil {
			if c[1] == "TYPE" {
				require.Empty(t, kinds[c[2]], line)
				kinds[c[2]] = c[3]
			}
			continue
		}
		s := sample.FindStringSubmatch(line)
		require.NotNil(t, s, line)
		name := s[1]
		if kinds[name] == "" {
			name += s[2]
		}
		require.NotEmpty(t, kinds[name], line)
		require.Equal(t, strings.HasSuffix(name, "_total"), kinds[name] == "counter", line)
		key := line[:strings.LastIndexByte(line, ' ')]
		require.False(t, seen[key], line)
		seen[key] = true
	}
}

func TestMetricsOfAGroupThatDoesNotRun(t *testing.T) {
	g, err := sharding.NewGroup("token", nil)
	require.NoError(t, err)
	w := httptest.NewRecorder()
	g.MetricsHandler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	body, err := io.ReadAll(w.Body)
	require.NoError(t, err)
	requireExposition(t, string(body))
	require.True(t, bytes.Contains(body, []byte("gateway_latency_seconds_count 0\n")))
}
