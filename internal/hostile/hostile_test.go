package hostile_test

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/compress"
	"github.com/discordpkg/gateway/etf"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/internal/hostile"
	"github.com/discordpkg/gateway/lifecycle"
)

var table = flag.String("table", "", "write the table for SECURITY.md to this file")

const (
	limit = 4 << 20  // of a message, as it comes and inflated
	most  = 64 << 20 // of memory, for any scenario
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestHostile lets a shard meet every scenario. It gets an event from the server
// that behaves afterwards, within memory that is bounded.
//
//	make hostile
func TestHostile(t *testing.T) {
	scenarios := hostile.Scenarios()
	rows := "| group | scenario | peak of the heap, MiB | back after, ms |\n|---|---|--:|--:|\n"
	for i, s := range scenarios {
		if testing.Short() && i%4 != 0 && s.Group != "handshake" {
			continue
		}
		t.Run(s.Group+"/"+s.Name, func(t *testing.T) {
			peak, took := meet(t, s)
			require.LessOrEqual(t, peak, uint64(most))
			rows += fmt.Sprintf("| %s | %s | %.1f | %d |\n", s.Group, s.Name, float64(peak)/(1<<20), took.Milliseconds())
		})
	}
	if *table != "" {
		require.NoError(t, os.WriteFile(*table, []byte(rows), 0o600))
	}
}

// meet returns how much heap a scenario took, and how long it was until an event
// came after it began.
func meet(t *testing.T, s hostile.Scenario) (peak uint64, took time.Duration) {
	srv, err := hostile.Listen(s)
	require.NoError(t, err)
	defer srv.Close()
	back := make(chan struct{}, 1)
	handler := func(_ gateway.ShardID, _ event.Type, data gateway.RawMessage) {
		if string(data) == `{"id":"1"}` {
			select {
			case back <- struct{}{}:
			default:
			}
		}
	}
	shard, err := config().NewShard(0, "token", handler, options(s, srv.URL())...)
	require.NoError(t, err)

	runtime.GC()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	stop := watch()
	began := time.Now()
	ended := make(chan error, 1)
	go func() { ended <- shard.Run(ctx) }()
	select {
	case <-back:
	case err := <-ended:
		require.NoError(t, err, "it gave up")
	case <-ctx.Done():
		t.Fatalf("not back after %d connections: %v", srv.Connections(), shard.Stats().LastError)
	}
	took = time.Since(began)
	require.NoError(t, shard.Close(ctx, gatewayshard.KeepSession))
	<-ended
	return stop(), took
}

func config() gatewayshard.Config {
	return gatewayshard.Config{
		TLS:              &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // the server's is its own
		ReadLimit:        limit,
		DialTimeout:      time.Second,
		HandshakeTimeout: time.Second,
		WriteTimeout:     time.Second,
		Backoff:          lifecycle.Backoff{Min: time.Millisecond, Max: 10 * time.Millisecond},
	}
}

func options(s hostile.Scenario, url string) []gateway.Option {
	options := []gateway.Option{
		gateway.WithURL(url), gateway.WithMessageLimit(limit), gateway.WithJitter(func() float64 { return 0 }),
		gateway.WithIdentifyRateLimiter(nil),
	}
	if s.ETF {
		options = append(options, gateway.WithEncoding(etf.Codec{}))
	}
	switch s.Compression {
	case "zlib-stream":
		options = append(options, gateway.WithTransportCompression(compress.NewZlibStream))
	case "zstd-stream":
		options = append(options, gateway.WithTransportCompression(compress.NewZstdStream))
	case "payload":
		options = append(options, gateway.WithPayloadCompression(compress.NewPayload))
	}
	return options
}

// watch looks at the heap all the time. The function it returns ends that and
// tells by how much it grew.
func watch() (stop func() uint64) {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	before, peak := sample[0].Value.Uint64(), uint64(0)
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			metrics.Read(sample)
			peak = max(peak, sample[0].Value.Uint64())
			select {
			case <-quit:
				return
			case <-tick.C:
			}
		}
	}()
	return func() uint64 {
		close(quit)
		<-done
		return max(peak, before) - before
	}
}
