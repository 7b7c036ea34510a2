package contestant

import (
	"testing"

	"github.com/discordpkg/gateway/bench/process"
	"github.com/stretchr/testify/require"
)

// TestMeter counts what happens between the marks, and nothing else.
func TestMeter(t *testing.T) {
	m := NewMeter()
	work := func() {
		for range 200_000 {
			sink = make([]byte, 64)
		}
	}
	work()
	m.Mark()
	work()
	m.Mark()
	m.Mark()
	work()
	f, err := m.Figure(200_000)
	if process.CPUTime() == 0 {
		require.ErrorIs(t, err, errUnmeasured)
		return
	}
	require.NoError(t, err)
	require.InDelta(t, 1, f.Allocs, 0.1)
	require.InDelta(t, 64, f.Bytes, 6)
	require.Positive(t, f.CPU)
	require.Positive(t, f.Wall)
}

var sink []byte

// TestStrangers refuses what nobody knows.
func TestStrangers(t *testing.T) {
	_, err := Busy(t.Context(), Job{Client: "nobody"})
	require.ErrorContains(t, err, "nobody")
	_, err = Idle(t.Context(), Job{Client: "nobody"}, 0)
	require.ErrorContains(t, err, "nobody")
	_, err = Job{Encoding: "xml"}.wire()
	require.ErrorContains(t, err, "xml")
	_, err = Job{Encoding: "json", Compress: "best"}.wire()
	require.ErrorContains(t, err, "best")
	require.Equal(t, "?encoding=json&v=10", Job{Encoding: "json", Compress: "payload"}.query())
}
