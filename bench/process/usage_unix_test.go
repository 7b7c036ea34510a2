//go:build unix

package process

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFiles(t *testing.T) {
	require.NoError(t, AllowFiles(1))
	require.ErrorContains(t, AllowFiles(math.MaxInt), "run fewer -shards", "no system allows so many")
	was, l := int64(10), int64(10)
	require.False(t, atLeast(&l, 10))
	require.Equal(t, was, l)
	require.True(t, atLeast(&l, 11))
	require.EqualValues(t, 11, l)
}
