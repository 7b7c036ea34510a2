package sim_test

import (
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/discordpkg/gateway/gatewaytest/sim"
	"github.com/discordpkg/gateway/voiceserver/relay"
	"github.com/discordpkg/gateway/voiceserver/signaling"
	"github.com/stretchr/testify/require"
)

// Two thousand calls at a time, and everything that can happen to them.
func TestVoiceSimTwoThousand(t *testing.T) {
	s := sim.VoiceSim{Seed: 1, Calls: 2000, For: time.Minute, FrameEvery: 2 * time.Second}
	if testing.Short() || raceEnabled {
		s.Calls = 100
	}
	r, err := s.Run()
	t.Logf("%+v", r)
	require.NoError(t, err)
	require.Equal(t, s.Calls, r.Speaking)
	require.Greater(t, r.Connections, 2*s.Calls)
	require.Greater(t, r.Resumes, s.Calls/4)
	require.Greater(t, r.Moves, s.Calls/4)
	require.Greater(t, r.NewSessions, s.Calls/20)
	require.Greater(t, r.Heard, r.Sent/2)
	require.Less(t, r.Early, r.Heard/20)
	if s.Calls == 2000 {
		require.GreaterOrEqual(t, len(r.Stopped), 7, "reasons")
		require.Len(t, r.Injected, 23, "faults")
	}
}

// voiceSeed replays one run of TestVoiceSimSeeds, as its failure says.
var voiceSeed = flag.Int64("voiceseed", -1, "run TestVoiceSimSeeds with this seed only")

// Each run has seeds that no run had before: a failure says which.
func TestVoiceSimSeeds(t *testing.T) {
	seeds := 100
	if testing.Short() || raceEnabled {
		seeds = 10
	}
	first := rand.Int64N(1 << 40)
	if *voiceSeed >= 0 {
		first, seeds = *voiceSeed, 1
	}
	for seed := first; seed < first+int64(seeds); seed++ {
		r, err := sim.VoiceSim{Seed: uint64(seed), Calls: 16, RoomSize: 4, For: 90 * time.Second, FaultEvery: 20 * time.Second}.Run()
		require.NoError(t, err, "%+v\nto replay: go test ./gatewaytest/sim -run TestVoiceSimSeeds -voiceseed %d", r, seed)
	}
}

func TestVoiceSimIsDeterministic(t *testing.T) {
	run := func(seed uint64) sim.VoiceSimResult {
		r, err := sim.VoiceSim{Seed: seed, For: time.Minute}.Run()
		require.NoError(t, err)
		return r
	}
	require.Equal(t, run(7), run(7))
	require.NotEqual(t, run(7).Hash, run(8).Hash)
}

func TestVoiceSimWithoutFaults(t *testing.T) {
	r, err := sim.VoiceSim{Calls: 20, FaultEvery: -1, Network: relay.Network{Jitter: 1}}.Run()
	require.NoError(t, err)
	require.Equal(t, 20, r.Begun)
	require.Equal(t, 20, r.Speaking)
	require.Equal(t, 20, r.Connections)
	require.Equal(t, 20, r.Identifies)
	require.Zero(t, r.Cuts+r.Lost+r.Resumes+r.NewSessions+r.Zombies+len(r.Injected)+len(r.Stopped))
}

// Each fault has the consequence that the decision of its code asks for, and no other.
func TestVoiceSimEachFault(t *testing.T) {
	for _, test := range []struct {
		fault   sim.VoiceFault
		resumes bool // and does not ask for a new session
		stops   bool
	}{
		{fault: sim.VoiceCut, resumes: true},
		{fault: sim.VoiceHalfOpen},
		{fault: sim.VoiceServerCut, resumes: true},
		{fault: sim.VoiceStall, resumes: true},
		{fault: sim.VoiceCrash, resumes: true},
		{fault: sim.VoiceRestart, resumes: true},
		{fault: sim.VoiceExpire},
		{fault: sim.VoiceRefuse, stops: true},
		{fault: sim.VoiceKick, stops: true},
		{fault: sim.VoiceMove},
		{fault: sim.VoiceDestroy, stops: true},
		{fault: sim.VoiceMoveServer},
		{fault: sim.VoiceServerDies},
		{fault: sim.VoiceLateEvent},
		{fault: sim.VoiceLostEvent},
		{fault: sim.VoiceBadNetwork},
		{fault: sim.VoiceOutage},
		{fault: sim.VoiceRebind},
		{fault: sim.VoiceReselect},
		{fault: sim.VoiceSilence},
		{fault: sim.VoiceOwnMove},
		{fault: sim.VoiceGatewayNew},
		{fault: sim.VoiceGatewayOff},
	} {
		t.Run(string(test.fault), func(t *testing.T) {
			r, err := sim.VoiceSim{Calls: 12, RoomSize: 3, For: 2 * time.Minute, FaultEvery: 40 * time.Second, Faults: []sim.VoiceFault{test.fault}}.Run()
			require.NoError(t, err)
			require.Positive(t, r.Injected[test.fault])
			require.Len(t, r.Injected, 1)
			require.Equal(t, test.stops, len(r.Stopped) > 0, "%v", r.Stopped)
			if test.resumes {
				require.Positive(t, r.Resumes)
			}
		})
	}
}

// Servers that remember little make clients begin anew, not fail.
func TestVoiceSimForgetfulServers(t *testing.T) {
	r, err := sim.VoiceSim{Options: []signaling.Option{signaling.WithReplay(0, 0), signaling.WithSessionLife(5 * time.Second)}}.Run()
	require.NoError(t, err)
	require.Greater(t, r.NewSessions, r.Resumes)
}

// A single mode, and a network without any mercy.
func TestVoiceSimBadNetwork(t *testing.T) {
	r, err := sim.VoiceSim{
		Calls: 20, Network: relay.Network{Loss: 0.4, Duplicate: 0.4, Reorder: 0.8, Padding: 0.8, Delay: 100 * time.Millisecond, Jitter: 200 * time.Millisecond},
	}.Run()
	require.NoError(t, err)
	require.Greater(t, r.Lost, r.Sent/3)
}

// The keys of the members follow all that happens to their connections.
func TestVoiceSimEndToEndEncrypted(t *testing.T) {
	seeds := uint64(8)
	if testing.Short() || raceEnabled {
		seeds = 1
	}
	for seed := range seeds {
		r, err := sim.VoiceSim{Seed: seed, Calls: 8, RoomSize: 4, E2EE: true, For: time.Minute}.Run()
		require.NoError(t, err, "%+v", r)
		require.Greater(t, r.Heard, 10*r.Held)
		require.Greater(t, r.Heard, 5*r.Dark)
	}
}
