package gatewayshard_test

import (
	"context"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/compress"
	"github.com/discordpkg/gateway/etf"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/lifecycle"
	"github.com/discordpkg/gateway/ratelimit"
)

// Unlimited lets tests identify often.
func unlimited() gateway.Option {
	return gateway.WithIdentifyRateLimiter(ratelimit.NewIdentify(1, ratelimit.WithInterval(time.Nanosecond)))
}

// quick is a configuration that reconnects at once.
func quick(handler func(gateway.ShardID, *gateway.GatewayPayload)) gatewayshard.Config {
	return gatewayshard.Config{
		Backoff:        lifecycle.Backoff{Min: time.Nanosecond, Max: time.Nanosecond},
		PayloadHandler: handler,
	}
}

// A continuity checks that no dispatch of a session is lost or seen twice.
type continuity struct {
	t      *testing.T
	last   int64
	events atomic.Int64
}

func (c *continuity) handle(_ gateway.ShardID, p *gateway.GatewayPayload) {
	if p.EventName == event.Ready {
		c.last = p.Seq - 1
	}
	if p.Seq != c.last+1 {
		c.t.Errorf("sequence number %d after %d", p.Seq, c.last)
	}
	c.last = p.Seq
	c.events.Add(1)
}

func TestThousandReconnects(t *testing.T) {
	reconnects := 1000
	if testing.Short() {
		reconnects = 100
	}
	server := gatewaytest.NewServer(gatewaytest.WithGuilds(1, 1), gatewaytest.WithIdentifyInterval(0), gatewaytest.WithSessionStarts(1_000_000))
	defer server.Close()
	seen := &continuity{t: t}
	shard, err := quick(seen.handle).NewShard(0, "token", nil, gateway.WithURL(server.DialURL),
		gateway.WithIntents(intent.GuildMessages|intent.Guilds), unlimited())
	require.NoError(t, err)
	faults := []gatewaytest.Fault{
		{Kind: gatewaytest.Cut, After: 50},
		{Kind: gatewaytest.Cut, After: 300},
		{Kind: gatewaytest.Reconnect, After: 5},
		{Kind: gatewaytest.Close, Code: 4000, After: 3},
		{Kind: gatewaytest.Close, Code: 4009, After: 4},
		{Kind: gatewaytest.Cut, After: 9000},
		{Kind: gatewaytest.Garbage, After: 7},
	}
	for i := range reconnects {
		require.NoError(t, server.InjectNext(faults[i%len(faults)], 1))
	}
	stop := server.Generate(2000)
	defer stop()
	before := runtime.NumGoroutine()

	done := make(chan error, 1)
	go func() { done <- shard.Run(context.Background()) }()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	require.NoError(t, server.Wait(ctx, func(s gatewaytest.Stats) bool { return int(s.Connections) > reconnects && s.Open == 1 }))
	require.NoError(t, shard.Close(ctx, gatewayshard.EndSession))
	require.NoError(t, <-done)
	stats := shard.Stats()
	require.NotZero(t, stats.Resumes)
	require.NotZero(t, seen.events.Load())
	require.Zero(t, stats.Missed)
	require.Empty(t, server.Violations())
	t.Logf("%d connections, %d identifies, %d resumes, %d events; goroutines before %d, after %d",
		stats.Connections, stats.Identifies, stats.Resumes, stats.Events, before, runtime.NumGoroutine())
}

func TestEveryTransport(t *testing.T) {
	for name, options := range map[string][]gateway.Option{
		"json":               nil,
		"json, zlib-stream":  {gateway.WithTransportCompression(compress.NewZlibStream)},
		"json, zstd-stream":  {gateway.WithTransportCompression(compress.NewZstdStream)},
		"json, payload zlib": {gateway.WithPayloadCompression(compress.NewPayload)},
		"etf":                {gateway.WithEncoding(etf.Codec{})},
		"etf, zlib-stream":   {gateway.WithEncoding(etf.Codec{}), gateway.WithTransportCompression(compress.NewZlibStream)},
		"etf, zstd-stream":   {gateway.WithEncoding(etf.Codec{}), gateway.WithTransportCompression(compress.NewZstdStream)},
	} {
		t.Run(name, func(t *testing.T) {
			server := gatewaytest.NewServer(gatewaytest.WithIdentifyInterval(0), gatewaytest.WithTLS())
			defer server.Close()
			seen := &continuity{t: t}
			config := quick(seen.handle)
			config.TLS = server.TLSClientConfig()
			shard, err := config.NewShard(0, "token", nil,
				append(options, gateway.WithURL(server.DialURL), gateway.WithIntents(intent.GuildMessages|intent.Guilds), unlimited())...)
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			done := make(chan error, 1)
			go func() { done <- shard.Run(ctx) }()
			stop := server.Generate(2000)
			defer stop()
			for i := range 3 {
				require.NoError(t, server.Wait(ctx, func(s gatewaytest.Stats) bool { return int(s.Resumes) >= i && s.Identifies >= 1 }))
				_, err := server.WaitSessions(ctx, 1)
				require.NoError(t, err)
				for range 200 {
					server.GenerateOne()
				}
				require.NoError(t, server.Inject(gatewaytest.Fault{Kind: gatewaytest.Cut, After: 2000}))
			}
			require.NoError(t, server.Wait(ctx, func(s gatewaytest.Stats) bool { return s.Resumes >= 3 }))
			require.NoError(t, shard.Close(ctx, gatewayshard.EndSession))
			require.NoError(t, <-done)
			require.NotZero(t, seen.events.Load())
			require.Zero(t, shard.Stats().Missed)
			require.Empty(t, server.Violations())
		})
	}
}

func TestDeadResumeURL(t *testing.T) {
	server := gatewaytest.NewServer(gatewaytest.WithIdentifyInterval(0))
	defer server.Close()
	seen := &continuity{t: t}
	shard, err := quick(seen.handle).NewShard(0, "token", nil, gateway.WithURL(server.DialURL), gateway.WithIntents(intent.Guilds))
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- shard.Run(context.Background()) }()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err = server.WaitSessions(ctx, 1)
	require.NoError(t, err)
	require.NoError(t, server.InjectNext(gatewaytest.Fault{Kind: gatewaytest.DeadResume}, 100))
	require.NoError(t, server.Inject(gatewaytest.Fault{Kind: gatewaytest.Reconnect}))
	require.NoError(t, server.Wait(ctx, func(s gatewaytest.Stats) bool { return s.Resumes == 1 }))
	require.NoError(t, shard.Close(ctx, gatewayshard.EndSession))
	require.NoError(t, <-done)
}

// One goroutine for a connection, however long it lives.
func TestGoroutines(t *testing.T) {
	const shards = 20
	server := gatewaytest.NewServer(gatewaytest.WithGuilds(1, 1), gatewaytest.WithShards(shards), gatewaytest.WithIdentifyInterval(0))
	defer server.Close()
	limit := unlimited()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var all []*gatewayshard.Shard
	done := make(chan error, shards)
	loops := make(chan struct{}, shards)
	for i := range shards {
		shard, err := gatewayshard.NewShard(gateway.ShardID(i), "token",
			func(_ gateway.ShardID, e event.Type, _ gateway.RawMessage) {
				if e == event.Ready {
					loops <- struct{}{}
				}
			}, gateway.WithURL(server.DialURL), gateway.WithShardCount(shards), limit)
		require.NoError(t, err)
		all = append(all, shard)
		go func() { done <- shard.Run(ctx) }()
	}
	for range shards {
		<-loops
	}
	require.Equal(t, shards, loopsRunning(), "goroutines of the shards")
	cancel()
	for range shards {
		require.Equal(t, context.Canceled, <-done)
	}
	for _, s := range all {
		require.Equal(t, gatewayshard.Disconnected, s.Stats().Phase)
	}
}

// loopsRunning counts the goroutines with a frame of package gatewayshard.
func loopsRunning() (n int) {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for _, stack := range strings.Split(string(stacks), "\n\n") {
		if strings.Contains(stack, "gatewayshard.(*") {
			n++
		}
	}
	return n
}
