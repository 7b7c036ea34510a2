package sharding_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/sharding"
)

// The environment of a process that TestKillAndRestart starts.
const (
	victimURL    = "GATEWAY_TEST_VICTIM_URL"
	victimStore  = "GATEWAY_TEST_VICTIM_STORE"
	victimShards = "GATEWAY_TEST_VICTIM_SHARDS"
)

// victim is the process that is killed. It writes a line for each event that
// it handles, and one for each checkpoint, and ends in order with its input.
func victim(t *testing.T) {
	shards, err := strconv.ParseUint(os.Getenv(victimShards), 10, 16)
	require.NoError(t, err)
	store, err := sharding.NewFileStore(os.Getenv(victimStore))
	require.NoError(t, err)
	c := sharding.Config{
		Total: uint(shards), MaxConcurrency: uint(shards), IdentifyInterval: time.Microsecond,
		Store: store, StoreKey: "victim", CheckpointInterval: 100 * time.Millisecond,
	}
	c.Hooks.Checkpoint = func(_ time.Duration, err error) {
		if err == nil {
			fmt.Fprintln(os.Stdout, "saved")
		}
	}
	g, err := c.NewGroup("token", gateway.WithIntents(messages), gateway.WithURL(os.Getenv(victimURL)))
	require.NoError(t, err)
	g.On(event.MessageCreate, func(_ context.Context, e sharding.Event) error {
		_, err := fmt.Fprintf(os.Stdout, "event %s %t\n", text(e.Data), e.Replay) // one write, so all or nothing
		return err
	})
	done := run(context.Background(), g)
	_, _ = io.Copy(io.Discard, os.Stdin)
	require.NoError(t, g.Close(context.Background(), gatewayshard.KeepSession))
	require.NoError(t, <-done)
}

// A massacre is a group that is killed again and again.
type massacre struct {
	t      *testing.T
	srv    *gatewaytest.Server
	dir    string
	shards int

	sent       atomic.Int64 // events have the numbers below
	seen       map[int64]int
	replays    int
	duplicates int // that were not marked
}

// run starts a process and reads what it writes until enough says so. Then the process is
// killed, or ended in order.
func (m *massacre) run(kill bool, enough func(line string) bool) {
	t := m.t
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // it waits for ever for what is lost
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKillAndRestart$")
	cmd.Env = append(os.Environ(), victimURL+"="+m.srv.DialURL, victimStore+"="+m.dir, fmt.Sprintf("%s=%d", victimShards, m.shards))
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	stopped := false
	for lines := bufio.NewScanner(out); lines.Scan(); {
		m.note(lines.Text())
		if stopped || !enough(lines.Text()) {
			continue
		}
		stopped = true
		if kill {
			require.NoError(t, cmd.Process.Kill())
		} else {
			require.NoError(t, in.Close())
		}
	}
	err = cmd.Wait()
	require.True(t, stopped, "the process ended by itself: %v", err)
	require.Equal(t, kill, err != nil, "%v", err)
}

func (m *massacre) note(line string) {
	var id int64
	var replay bool
	if n, _ := fmt.Sscanf(line, "event %d %t", &id, &replay); n != 2 {
		return
	}
	if m.seen[id]++; m.seen[id] > 1 {
		m.replays++
		if !replay {
			m.duplicates++
		}
	}
}

// load dispatches numbered events until ctx ends.
func (m *massacre) load(ctx context.Context) {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for ctx.Err() == nil {
		for range 20 {
			id := m.sent.Load()
			shard := uint(id % int64(m.shards))
			n, err := m.srv.Dispatch(event.MessageCreate, fmt.Sprintf(`{"content":"%d","author":{"id":"%d"}}`, id, gatewaytest.Bot),
				gatewaytest.ToShard(shard, uint(m.shards)))
			if n != 1 || err != nil {
				m.t.Errorf("event %d went to %d sessions: %v", id, n, err)
				return
			}
			m.sent.Store(id + 1)
		}
		<-ticker.C
	}
}

// TestKillAndRestart kills a group under load at moments of chance. What it leaves
// behind must be enough for the next one: nothing is lost, what comes twice is
// marked, and no session is started anew.
func TestKillAndRestart(t *testing.T) {
	if os.Getenv(victimURL) != "" {
		victim(t)
		return
	}
	shards, kills := 200, 20
	if testing.Short() {
		shards, kills = 20, 3
	}
	m := &massacre{t: t, dir: t.TempDir(), shards: shards, seen: map[int64]int{}}
	m.srv = gatewaytest.NewServer(gatewaytest.WithGuilds(0, 1), gatewaytest.WithIdentifyInterval(0),
		gatewaytest.WithMaxConcurrency(shards), gatewaytest.WithReplay(1e6, 1<<30, time.Hour))
	defer m.srv.Close()

	// The first one is killed when all of its sessions are stored.
	store, err := sharding.NewFileStore(m.dir)
	require.NoError(t, err)
	m.run(true, func(line string) bool {
		c, err := store.Load(t.Context(), "victim")
		require.NoError(t, err)
		return line == "saved" && len(c.Shards) == shards
	})
	ctx, cancel := context.WithCancel(t.Context())
	loaded := make(chan struct{})
	go func() { defer close(loaded); m.load(ctx) }()
	defer func() { cancel(); <-loaded }()

	for range kills {
		left := rand.IntN(3000)
		m.run(true, func(line string) bool {
			left--
			return left < 0
		})
	}
	cancel()
	<-loaded
	m.run(false, func(string) bool { return int64(len(m.seen)) == m.sent.Load() })

	require.Zero(t, m.duplicates, "every duplicate is marked")
	require.Equal(t, shards, int(m.srv.Stats().Identifies), "only the first process identified")
	require.Empty(t, m.srv.Violations())
	t.Logf("%d events, 0 lost, %d replayed and marked, %d resumes", m.sent.Load(), m.replays, m.srv.Stats().Resumes)
}
