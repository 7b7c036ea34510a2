package lifecycle

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func newBudget(t testing.TB, options ...BudgetOption) *Budget {
	b, err := NewBudget(options...)
	require.NoError(t, err)
	return b
}

func TestBudgetDefaults(t *testing.T) {
	b := newBudget(t)
	require.Equal(t, 1000, b.Limit())
	require.Equal(t, 50, b.Reserved())
	require.Equal(t, 950, b.Left(epoch))
	require.Equal(t, 1, newBudget(t, WithStarts(5)).Reserved(), "at least one")
	require.Equal(t, 0, newBudget(t, WithStarts(5), WithReservedStarts(0)).Reserved())
}

func TestBudgetOptionsAreChecked(t *testing.T) {
	for _, o := range []BudgetOption{
		WithStarts(0), WithStarts(1), WithStarts(-1), WithStarts(maxStarts + 1), WithReservedStarts(-1), WithReservedStarts(1000),
		WithReservedStarts(maxStarts + 1), WithBudgetState(BudgetState{Version: 2}),
	} {
		_, err := NewBudget(o)
		require.Error(t, err)
	}
}

// Shards that wait for their turn do not take the same start twice, and give
// back what they do not use.
func TestBudgetIsTakenBeforeItIsSpent(t *testing.T) {
	b := newBudget(t, WithStarts(3))
	for shard := range uint(2) {
		for range 3 {
			_, ok := b.Take(epoch, shard)
			require.True(t, ok)
		}
	}
	at, ok := b.Take(epoch, 2)
	require.False(t, ok, "one is reserved")
	require.Equal(t, epoch.Add(time.Minute), at, "the others may yet give theirs back")
	b.Release(0)
	_, ok = b.Take(epoch, 2)
	require.True(t, ok)
	b.Spend(epoch, 1)
	b.Spend(epoch, 2)
	at, ok = b.Take(epoch.Add(time.Hour), 0)
	require.False(t, ok)
	require.Equal(t, epoch.Add(24*time.Hour+time.Minute), at, "a minute more, because minutes are counted")
	_, ok = b.Take(at.Add(-1), 0)
	require.False(t, ok)
	_, ok = b.Take(at, 0)
	require.True(t, ok)
}

func TestBudgetLearns(t *testing.T) {
	b := newBudget(t)
	require.NoError(t, b.Learn(epoch, 2000, 101, time.Hour))
	require.Equal(t, 100, b.Reserved())
	require.Equal(t, 1, b.Left(epoch))
	b.Spend(epoch, 0)
	at, ok := b.Take(epoch, 0)
	require.False(t, ok)
	require.Equal(t, epoch.Add(time.Hour), at)
	require.Equal(t, 2000-1-100, b.Left(at), "all are back but for those of the window")
	for _, bad := range []struct {
		total, remaining int
		after            time.Duration
	}{{0, 0, 0}, {-1, 0, 0}, {maxStarts + 1, 0, 0}, {10, 11, 0}, {10, -1, 0}, {10, 1, -1}, {10, 1, 8 * 24 * time.Hour}} {
		require.ErrorIs(t, b.Learn(epoch, bad.total, bad.remaining, bad.after), ErrStartLimit)
	}
	require.Equal(t, 2000, b.Limit(), "an error changes nothing")
	b = newBudget(t, WithReservedStarts(10))
	require.ErrorIs(t, b.Learn(epoch, 10, 10, 0), ErrStartLimit, "nothing would be left")
}

// TestBudgetAgainstModel spends at random times, over restarts too.
func TestBudgetAgainstModel(t *testing.T) {
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 1))
		limit := 2 + rng.IntN(40)
		b := newBudget(t, WithStarts(limit))
		var spent []time.Time
		now := epoch
		for range 600 {
			now = now.Add(time.Duration(rng.Int64N(int64(90 * time.Minute))))
			if rng.IntN(10) == 0 {
				data, err := json.Marshal(b.State())
				require.NoError(t, err)
				var state BudgetState
				require.NoError(t, json.Unmarshal(data, &state))
				b = newBudget(t, WithStarts(limit), WithBudgetState(state))
			}
			at, ok := b.Take(now, 1)
			if !ok {
				require.True(t, at.After(now))
				if rng.IntN(2) == 0 {
					now = at
				}
				continue
			}
			b.Spend(now, 1)
			spent = append(spent, now)
		}
		most := limit - b.Reserved()
		for i := range spent[:len(spent)-most] {
			require.GreaterOrEqual(t, spent[i+most].Sub(spent[i]), BudgetWindow, "seed %d", seed)
		}
		require.Greater(t, len(spent), most, "the budget is used")
	}
}

func TestBudgetStateIsJudged(t *testing.T) {
	for in, want := range map[string]error{
		`{}`: nil, `{"version":1}`: nil, `{"version":1,"minutes":[{"minute":7,"count":1},{"minute":8,"count":2}]}`: nil,
		`{"version":2}`: ErrStateVersion, `{"minutes":[{"minute":7,"count":1}]}`: ErrStateVersion,
		`{"version":1,"minutes":[{"minute":8,"count":1},{"minute":8,"count":2}]}`:             ErrState,
		`{"version":1,"minutes":[{"minute":-9999999999999,"count":1}]}`:                       ErrState,
		`{"version":1,"minutes":[{"minute":8,"count":0}]}`:                                    ErrState,
		`{"version":1,"minutes":[{"minute":8,"count":99999999}]}`:                             ErrState,
		`{"version":1,"minutes":[{"minute":9999999999999,"count":1}]}`:                        ErrState,
		`{"version":1,"minutes":[` + strings.Repeat(`{"minute":8,"count":1},`, 1500) + `{}]}`: ErrState,
		`{"version":"x"}`: ErrState,
		`{"x":"` + strings.Repeat("x", MaxBudgetState) + `"}`: ErrState,
	} {
		var s BudgetState
		err := json.Unmarshal([]byte(in), &s)
		require.ErrorIs(t, err, want, in)
		if want != nil {
			require.Zero(t, s)
		}
	}
}

// A clock that was set back leaves identifies in the future. They count from
// now on, and not until then.
func TestBudgetStateInTheFuture(t *testing.T) {
	b := newBudget(t, WithStarts(10))
	for i := range 5 {
		b.Spend(epoch.Add(time.Duration(i)*time.Hour), 0)
	}
	early := epoch.Add(-48 * time.Hour)
	b = newBudget(t, WithStarts(10), WithBudgetState(b.State()))
	require.Equal(t, 5, b.Used(early))
	require.Len(t, b.State().Minutes, 1)
	require.Equal(t, 0, b.Used(early.Add(BudgetWindow+time.Minute)))
}

func TestBudgetStateIsBounded(t *testing.T) {
	b := newBudget(t)
	for now := epoch; now.Before(epoch.Add(3 * BudgetWindow)); now = now.Add(30 * time.Second) {
		b.Spend(now, 0)
	}
	data, err := json.Marshal(b.State())
	require.NoError(t, err)
	require.Less(t, len(data), MaxBudgetState)
	require.NoError(t, json.Unmarshal(data, new(BudgetState)))
}

func FuzzBudgetState(f *testing.F) {
	f.Add([]byte(`{"version":1,"minutes":[{"minute":7,"count":1},{"minute":8,"count":2}]}`), int64(600))
	f.Add([]byte(`{"version":1,"minutes":[{"minute":1099511627776,"count":1048576}]}`), int64(-5))
	f.Fuzz(func(t *testing.T, data []byte, unix int64) {
		var s BudgetState
		if json.Unmarshal(data, &s) != nil {
			return
		}
		b := newBudget(t, WithBudgetState(s))
		now := time.Unix(unix%(1<<40), 0)
		used := 0
		for _, m := range s.Minutes {
			used += m.Count
		}
		require.LessOrEqual(t, b.Used(now), used)
		require.GreaterOrEqual(t, b.Used(now), 0)
		if at, ok := b.Take(now, 0); !ok {
			require.True(t, at.After(now))
		}
		require.NoError(t, b.State().Check())
		require.Equal(t, 0, b.Used(now.Add(BudgetWindow+2*time.Minute)), "all of it leaves the window")
	})
}
