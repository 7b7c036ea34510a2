package lifecycle

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
)

// epoch is when the tests begin.
var epoch = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// inputs are all inputs with a way to give each to a machine.
func inputs(rng *rand.Rand, now time.Time) map[shardInput]func(s *Shard) error {
	sessions := []gateway.Session{{}, {ID: "a", Seq: 3}, {ID: "b", ResumeURL: "wss://resume.discord.gg", Seq: rng.Int64N(9)}}
	errs := []error{errors.New("cut"), gateway.ErrMalformed, ErrNotPermitted, &gateway.DiscordError{CloseCode: closecode.SessionTimedOut},
		&gateway.DiscordError{CloseCode: closecode.InvalidSeq}, &gateway.DiscordError{CloseCode: closecode.AuthenticationFailed}, nil}
	traffic := Traffic{Bytes: uint64(now.Sub(epoch).Seconds()) * 100 * rng.Uint64N(20)}
	return map[shardInput]func(s *Shard) error{
		onStart:      func(s *Shard) error { return s.Start(now) },
		onGranted:    func(s *Shard) error { return s.Granted(now, Grant{AvoidResumeURL: rng.IntN(2) == 0}) },
		onRefused:    func(s *Shard) error { return s.Refused(now, now.Add(time.Second), BecauseTurn) },
		onDialed:     func(s *Shard) error { return s.Dialed(now) },
		onDialFailed: func(s *Shard) error { return s.DialFailed(now, DialFailure{Err: errs[0]}) },
		onHello:      func(s *Shard) error { return s.Hello(now) },
		onAuthenticated: func(s *Shard) error {
			return s.Authenticated(now, rng.IntN(2) == 0, traffic)
		},
		onActivated: func(s *Shard) error { return s.Activated(now, sessions[rng.IntN(len(sessions))], rng.Int64N(9)) },
		onEnded: func(s *Shard) error {
			return s.Ended(now, End{Err: errs[rng.IntN(len(errs))], Session: sessions[rng.IntN(len(sessions))], Seq: 5})
		},
		onTimeUp: func(s *Shard) error {
			before := s.phase
			if s.HandleTimeout(now, traffic); s.phase == before {
				return errors.New("too early")
			}
			return nil
		},
		onWoken: func(s *Shard) error { return s.Woken(now, now) },
		onStop:  func(s *Shard) error { return s.Stop(now, errs[0]) },
	}
}

// TestTable walks through the machine at random: what it does is in the table,
// all that is in the table happens, and what is not in it changes nothing.
func TestTable(t *testing.T) {
	type arrow struct {
		from ShardPhase
		on   shardInput
		to   ShardPhase
	}
	want := make(map[arrow]bool)
	for _, row := range shardTable {
		for _, to := range row.to {
			want[arrow{row.from, row.on, to}] = false
		}
	}
	rng := rand.New(rand.NewPCG(11, 1))
	for range 1500 {
		s, err := NewShard(WithRandom(rng.Float64), WithShardState(ShardState{Version: 1, NotBefore: epoch.Add(time.Duration(rng.IntN(2)) * time.Minute)}))
		require.NoError(t, err)
		now := epoch
		for range 60 {
			on := shardInput(rng.IntN(int(numShardInputs)))
			for s.legal(on) != nil && rng.IntN(4) > 0 { // rather a legal one
				on = shardInput(rng.IntN(int(numShardInputs)))
			}
			now = now.Add(time.Duration(rng.IntN(20)) * time.Second)
			before, decision := s.phase, s.Decision()
			wasLegal := s.legal(on) == nil
			if err := inputs(rng, now)[on](s); err != nil {
				require.Equal(t, before, s.phase)
				if !wasLegal {
					require.Equal(t, decision.Do, s.Decision().Do, "an illegal input changes nothing")
				}
				continue
			}
			a := arrow{before, on, s.phase}
			require.Contains(t, want, a, "%v --%v--> %v", before, on, s.phase)
			want[a] = true
		}
	}
	for a, seen := range want {
		require.True(t, seen, "%v --%v--> %v never happens", a.from, a.on, a.to)
	}
	require.Len(t, ShardTransitions(), len(want))
}

func TestIllegalInputIsReported(t *testing.T) {
	s, err := NewShard()
	require.NoError(t, err)
	err = s.Dialed(epoch)
	var illegal *IllegalInputError
	require.ErrorAs(t, err, &illegal)
	require.Equal(t, "lifecycle: dialed is illegal in phase new", err.Error())
	require.Equal(t, ShardNew, s.Phase())
}

func TestWords(t *testing.T) {
	var words []string
	for p := range numShardPhases + 1 {
		words = append(words, p.String())
	}
	for r := range numShardReasons + 1 {
		words = append(words, r.String())
	}
	for a := range ShardStop + 2 {
		words = append(words, a.String())
	}
	require.NotContains(t, words, "")
	slices.Sort(words)
	require.Equal(t, words, slices.Compact(words), "each has a word of its own")
}
