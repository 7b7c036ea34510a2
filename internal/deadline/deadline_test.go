package deadline

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEarliest(t *testing.T) {
	never, one, two := time.Time{}, time.Unix(1, 0), time.Unix(2, 0)
	require.Equal(t, never, Earliest())
	require.Equal(t, never, Earliest(never, never))
	for _, times := range [][]time.Time{{one}, {one, never}, {never, one}, {one, two}, {two, one}, {never, two, never, one, never}} {
		require.Equal(t, one, Earliest(times...))
	}
	require.Zero(t, testing.AllocsPerRun(10, func() { Earliest(one, two, never) }))
}

func TestDue(t *testing.T) {
	now := time.Unix(1, 0)
	require.False(t, Due(time.Time{}, now))
	require.True(t, Due(now, now))
	require.True(t, Due(now.Add(-1), now))
	require.False(t, Due(now.Add(1), now))
	require.False(t, Due(time.Time{}, time.Time{}))
}

func TestLatest(t *testing.T) {
	a, b := time.Unix(1, 0), time.Unix(2, 0)
	require.Equal(t, b, Latest(a, b, time.Time{}))
	require.Equal(t, b, Latest(b, a))
	require.True(t, Latest().IsZero())
}
