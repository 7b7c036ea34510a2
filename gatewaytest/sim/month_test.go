package sim_test

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/discordpkg/gateway/gatewaytest/sim"
	"github.com/discordpkg/gateway/gatewaytest/world"
	"github.com/stretchr/testify/require"
)

var (
	seed   = flag.Uint64("seed", 0, "seed of the long simulations, those of the test by default")
	long   = flag.Bool("long", false, "simulate a year instead of a month")
	script = flag.String("script", "", "file with what goes wrong in TestSimMonth, drawn by default")
)

const day = 24 * time.Hour

// lifeOf is a bot of 50 shards over a time, in which everything goes wrong that
// there is a rule for.
func lifeOf(seed uint64, d time.Duration) sim.Sim {
	const every = 40 * time.Second // an event of the bot
	return sim.Sim{
		Seed: seed, Clients: 50, Dispatches: int(d / every), Rate: 1 / every.Seconds(), FaultEvery: 3 * time.Hour, Outages: 6 * time.Hour,
		Starts: 1000, SendEvery: 10 * time.Minute,
		// Fewer heartbeats than Discord's, because they are most of the work.
		Options: []world.Option{world.WithHeartbeat(90*time.Second, 20*time.Second), world.WithMaxConcurrency(1)},
	}
}

// TestSimMonth is the life of a bot with the policy that ships: nothing that the
// server could replay is lost, nothing comes twice, the identifies stay within
// the budget of each 24 hours, and every shard is up in the end. A failing seed
// is printed, and what went wrong is shrunk to a script:
//
//	go test ./gatewaytest/sim -run SimMonth -seed N
//	go test ./gatewaytest/sim -run SimMonth -seed N -script FILE
//	go test ./gatewaytest/sim -run SimMonth -long -timeout 1h
func TestSimMonth(t *testing.T) {
	seeds, d := []uint64{1}, 30*day
	switch {
	case *seed != 0:
		seeds = []uint64{*seed}
	case *long:
		d = 365 * day
	case testing.Short() || raceEnabled:
		d = 3 * day
	}
	for _, seed := range seeds {
		s := lifeOf(seed, d)
		if *script != "" {
			text, err := os.ReadFile(*script)
			require.NoError(t, err)
			require.NoError(t, s.Script.UnmarshalText(text))
		} else {
			s.Script = s.Draw()
		}
		r, err := s.Run()
		t.Logf("seed %d: %+v", seed, r)
		if err != nil {
			text, _ := s.Shrink(s.Script, 40).MarshalText()
			t.Fatalf("seed %d: %v\nshrunk to this script:\n%s", seed, err, text)
		}
		require.Zero(t, r.Lost)
		require.Zero(t, r.Duplicated)
		require.Zero(t, r.Stopped)
		require.LessOrEqual(t, r.MaxStarts, 950)
		if *script == "" {
			require.Positive(t, r.Dead)
			require.Positive(t, r.DeadFound)
			require.Equal(t, r.DeadFound+r.Unreadable, r.GivenUp, "no session is given up that was neither dead nor unreadable")
			require.Greater(t, r.Resumes, 2*r.Identifies)
		}
	}
}

// A bot whose sessions are taken away again and again uses its budget up, waits
// for room, and is up when there is some.
func TestSimBudgetIsUsedUp(t *testing.T) {
	s := lifeOf(3, 2*day)
	s.Clients, s.FaultEvery, s.Starts, s.Outages = 5, 5*time.Minute, 100, 0
	s.Faults = []world.Fault{{Kind: world.InvalidSession}}
	r, err := s.Run()
	require.NoError(t, err)
	require.Equal(t, 95, r.MaxStarts)
}

func TestScriptAsText(t *testing.T) {
	s := lifeOf(5, 10*day)
	drawn := s.Draw()
	text, err := drawn.MarshalText()
	require.NoError(t, err)
	var read sim.Script
	require.NoError(t, read.UnmarshalText(append([]byte("\n"), text...)))
	require.Equal(t, drawn, read)
	require.ErrorContains(t, read.UnmarshalText([]byte("{}\n{")), "line 2")
	require.Equal(t, drawn, read, "an error changes nothing")

	kinds := map[string]int{}
	for _, x := range drawn {
		switch {
		case x.Outage != "":
			kinds["outage "+x.Outage]++
		case x.Restart:
			kinds["restart"]++
		case x.Dead != "":
			kinds["dead"]++
		case x.Break:
			kinds["break"]++
		case x.Next:
			kinds["next"]++
		case x.Fault != nil:
			kinds["fault"]++
		}
	}
	require.Len(t, kinds, 8, "everything is drawn: %v", kinds)
}

// A run that fails is shrunk to what makes it fail.
func TestShrink(t *testing.T) {
	s := sim.Sim{Seed: 1, Clients: 10, Dispatches: 400, Rate: 1, FaultEvery: time.Minute}
	s.Script = append(s.Draw(), sim.Trouble{At: time.Minute, Client: 3, Fault: &world.Fault{Kind: world.Close, Code: 4004}})
	_, err := s.Run()
	require.ErrorContains(t, err, "authentication failed")
	require.Greater(t, len(s.Script), 30)
	shrunk := s.Shrink(s.Script, 200)
	require.Len(t, shrunk, 1)
	require.Equal(t, s.Script[len(s.Script)-1], shrunk[0])

	s.Script = s.Script[:len(s.Script)-1]
	require.Equal(t, s.Script, s.Shrink(s.Script, 200), "it does not fail")
}
