// Package soundtest is what the tests of the file formats share.
package soundtest

import (
	"bytes"
	"errors"
	"io"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/voiceshard/pcm"
)

// Length is how long the sweep in each file is.
const Length = 600 * time.Millisecond

// Sweep is the sound that the files hold.
func Sweep() pcm.Source { return pcm.Sweep(200, 3000, 0.5, Length) }

// All reads a source to its end.
func All(t testing.TB, s pcm.Source) (all []float32) {
	t.Helper()
	p := make([]float32, 2000)
	for {
		n, err := s.ReadPCM(p)
		all = append(all, p[:n]...)
		if err == io.EOF {
			return all
		}
		require.NoError(t, err)
	}
}

// Likeness returns the correlation of two sounds.
func Likeness(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range min(len(a), len(b)) {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	return ab / math.Sqrt(aa*bb+1e-30)
}

// An Opener opens a format.
type Opener func(io.Reader) (pcm.Source, error)

// only hides that a reader can seek.
type only struct{ io.Reader }

// Check wants a file to hold the sweep: alike, in its place, as long as it is if
// exact, with every way to read it, and to seek in it.
func Check(t *testing.T, open Opener, file []byte, alike float64, exact bool) {
	t.Helper()
	want := All(t, Sweep())
	s, err := open(only{bytes.NewReader(file)})
	require.NoError(t, err)
	piped := All(t, s)
	require.Error(t, s.(pcm.Seeker).Seek(0))
	s, err = pcm.NewReader(bytes.NewReader(file))
	require.NoError(t, err)
	got := All(t, s)
	require.Equal(t, len(piped), len(got))
	require.Greater(t, Likeness(piped, got), 0.999999)
	if exact {
		require.InDelta(t, len(want), len(got), 4)
		require.Greater(t, Likeness(want, got), alike)
	} else {
		require.GreaterOrEqual(t, len(got), len(want))
	}
	length, ok := s.(pcm.Lengther).Length()
	require.True(t, ok)
	require.InDelta(t, float64(len(got)/pcm.Channels)/pcm.Rate, length.Seconds(), 0.0002)
	for _, at := range []time.Duration{0, 123 * time.Millisecond, 400 * time.Millisecond, time.Hour, -1} {
		require.NoError(t, s.(pcm.Seeker).Seek(at), "%v", at)
		rest := All(t, s)
		from := int(min(max(at, 0), length)*pcm.Rate/time.Second) * pcm.Channels
		require.InDelta(t, len(got)-from, len(rest), 6, "after a seek to %v", at)
		if len(rest) > 2000 {
			require.Greater(t, Likeness(got[from+1000:], rest[1000:]), 0.99, "after a seek to %v", at)
		}
	}
}

// Bear feeds a file that may be anything: the error is one of the format, the
// sound has an end, and the memory has a bound.
func Bear(t *testing.T, open Opener, file []byte) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, r := range []io.Reader{only{bytes.NewReader(file)}, bytes.NewReader(file)} {
		s, err := open(r)
		if err != nil {
			require.ErrorIs(t, err, pcm.ErrFormat)
			continue
		}
		p := make([]float32, 4096)
		for n := 0; err == nil && n < 1<<24; {
			var k int
			k, err = s.ReadPCM(p)
			require.Zero(t, k%2)
			n += k
		}
		if err != nil && err != io.EOF {
			require.ErrorIs(t, err, pcm.ErrFormat)
		}
		if seeker, ok := s.(pcm.Seeker); ok {
			if err := seeker.Seek(100 * time.Millisecond); err != nil && !errors.Is(err, pcm.ErrNotSeekable) {
				require.ErrorIs(t, err, pcm.ErrFormat)
			}
		}
	}
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(256<<20), "what was allocated and given back too")
}

// Spoil feeds every file that differs from a good one in some bytes, or ends early.
func Spoil(t *testing.T, open Opener, file []byte) {
	t.Helper()
	step := max(len(file)/40, 1)
	for at := 0; at < len(file); at += step {
		Bear(t, open, file[:at])
		for _, b := range []byte{0, 0xff, file[at] ^ 0x55} {
			bad := bytes.Clone(file)
			bad[at] = b
			Bear(t, open, bad)
		}
	}
	for at := range min(len(file), 100) { // the header, byte by byte
		bad := bytes.Clone(file)
		bad[at] ^= 0xff
		Bear(t, open, bad)
	}
}
