package sim_test

import (
	"testing"
	"time"

	"github.com/discordpkg/gateway/gatewaytest/sim"
	"github.com/discordpkg/gateway/gatewaytest/world"
	"github.com/stretchr/testify/require"
)

func TestSimSmall(t *testing.T) {
	seeds := uint64(40)
	if testing.Short() || raceEnabled {
		seeds = 4
	}
	for seed := range seeds {
		r, err := sim.Sim{Seed: seed, Clients: 40, Dispatches: 5000}.Run()
		require.NoError(t, err, "%+v", r)
		require.GreaterOrEqual(t, r.Delivered+r.Forgone, 5000)
	}
}

// The run that the package is for: ten thousand shards, a million events, and
// every way to go wrong.
func TestSimTenThousand(t *testing.T) {
	sim := sim.Sim{Seed: 1, Clients: 10_000, Dispatches: 1_010_000}
	if testing.Short() || raceEnabled {
		sim.Clients, sim.Dispatches = 300, 10_000
	}
	r, err := sim.Run()
	t.Logf("%+v", r)
	require.NoError(t, err)
	require.Zero(t, r.Lost)
	require.Zero(t, r.Duplicated)
	require.Zero(t, r.Violations)
	require.Zero(t, r.Stopped)
	require.GreaterOrEqual(t, r.Connections, sim.Clients)
	require.GreaterOrEqual(t, r.Delivered, sim.Dispatches*9/10)
	require.Greater(t, r.Resumes, r.Identifies/4)
}

func TestSimIsDeterministic(t *testing.T) {
	run := func(seed uint64) sim.SimResult {
		r, err := sim.Sim{Seed: seed, Clients: 50, Dispatches: 3000}.Run()
		require.NoError(t, err)
		return r
	}
	require.Equal(t, run(7), run(7))
	require.NotEqual(t, run(7).Hash, run(8).Hash)
}

func TestSimWithoutFaults(t *testing.T) {
	r, err := sim.Sim{Clients: 20, Dispatches: 2000, FaultEvery: -1}.Run()
	require.NoError(t, err)
	require.Equal(t, 20, r.Connections)
	require.Equal(t, 2000, r.Delivered)
	require.Zero(t, r.Faults)
}

// A replay that is too short must show as forgone, not as lost.
func TestSimForgetfulWorld(t *testing.T) {
	r, err := sim.Sim{
		Clients: 20, Dispatches: 5000, Rate: 50, FaultEvery: 20 * time.Second,
		Options: []world.Option{world.WithReplay(5, 1<<20, time.Minute)},
	}.Run()
	require.NoError(t, err)
	require.Positive(t, r.Forgone)
}

// The same promises hold for every encoding and compression.
func TestSimEveryWire(t *testing.T) {
	for _, encoding := range []string{"json", "etf"} {
		for _, compression := range []string{"", "zlib-stream", "zstd-stream"} {
			t.Run(encoding+" "+compression, func(t *testing.T) {
				_, err := sim.Sim{
					Clients: 8, Dispatches: 800,
					Params: world.Params{Version: "10", Encoding: encoding, Compress: compression},
				}.Run()
				require.NoError(t, err)
			})
		}
	}
}

// A bot that is not let in: the run says so, and ends.
func TestSimEnds(t *testing.T) {
	r, err := sim.Sim{Clients: 3, Dispatches: 50, Options: []world.Option{world.WithToken("another")}}.Run()
	require.ErrorContains(t, err, "authentication failed")
	require.Equal(t, 3, r.Stopped)
	require.Zero(t, r.Delivered)
}

// One identify in 5 s, as for most bots.
func TestSimSmallBuckets(t *testing.T) {
	_, err := sim.Sim{Clients: 12, Dispatches: 1000, Options: []world.Option{world.WithMaxConcurrency(1)}}.Run()
	require.NoError(t, err)
}
