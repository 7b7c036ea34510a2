package rtp

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStream(t *testing.T) {
	s := Stream{SSRC: 7, Sequence: 10, Timestamp: 100}
	require.Equal(t, Header{PayloadType: 0x78, SSRC: 7, Sequence: 10, Timestamp: 100}, s.Next(960))
	require.Equal(t, Header{PayloadType: 0x78, SSRC: 7, Sequence: 11, Timestamp: 1060}, s.Next(120))
	s.Skip(48000)
	require.Equal(t, Stream{SSRC: 7, Sequence: 12, Timestamp: 49180}, s)
}

// TestStreamWraps: a comparison with the end instead of the arithmetic of the
// type skips a value, or repeats one.
func TestStreamWraps(t *testing.T) {
	s := Stream{Sequence: math.MaxUint16, Timestamp: math.MaxUint32 - 959}
	h := s.Next(960)
	require.EqualValues(t, math.MaxUint16, h.Sequence)
	require.Equal(t, Stream{}, s)

	s = Stream{Timestamp: math.MaxUint32 - 100}
	s.Next(960)
	require.EqualValues(t, 859, s.Timestamp)
}

func TestSequenceDiff(t *testing.T) {
	for _, tt := range []struct {
		a, b uint16
		want int
	}{
		{1, 1, 0}, {2, 1, 1}, {1, 2, -1},
		{0, 65535, 1}, {65535, 0, -1}, {10, 65530, 16}, {65530, 10, -16},
		{32767, 0, 32767}, {32768, 0, -32768},
	} {
		require.Equal(t, tt.want, SequenceDiff(tt.a, tt.b), "%d after %d", tt.a, tt.b)
	}
}
