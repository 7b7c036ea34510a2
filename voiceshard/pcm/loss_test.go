package pcm

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestLossIsConcealed wants 5 % of loss to be hardly heard, in time and in sound.
func TestLossIsConcealed(t *testing.T) {
	said := all(t, Sweep(150, 900, 0.5, 4*time.Second))
	for _, c := range []EncoderConfig{{Bitrate: 64_000}, {Bitrate: 64_000, Voice: true, FEC: true, Loss: 20}} {
		random := rand.New(rand.NewPCG(1, 2))
		lost := 0
		chunks, r := trip(t, ReceiverConfig{}, speech(t, 7, Sweep(150, 900, 0.5, 4*time.Second), c), func(i int) bool {
			gone := i > 3 && i < 190 && random.IntN(20) == 0
			if gone {
				lost++
			}
			return gone
		})
		got := soundOf(chunks, 7, r)
		require.Equal(t, 201*frameValues, len(got), "nothing is missing in time")
		like, _ := likeness(said, got, 1000)
		require.Greater(t, like, 0.85, "%+v, %d lost", c, lost)
		require.EqualValues(t, lost, r.Stats().Recovered, "%+v", r.Stats())
		require.Zero(t, r.Stats().Silent)
	}
}

// TestVoiceIsMono because the codec's stereo speech with FEC is noise.
func TestVoiceIsMono(t *testing.T) {
	for _, c := range []EncoderConfig{{Voice: true}, {Voice: true, FEC: true, Loss: 20}, {FEC: true, Loss: 20, Bitrate: 24_000}} {
		said := all(t, Sweep(150, 900, 0.5, time.Second))
		tk := speech(t, 7, Sweep(150, 900, 0.5, time.Second), c)
		d, err := NewDecoder(&packets{all: tk.all})
		require.NoError(t, err)
		like, _ := likeness(said, all(t, d), 1000)
		require.Greater(t, like, 0.95, "%+v", c)
		for i, p := range tk.all {
			require.Zero(t, p[0]&4, "the bit for stereo of packet %d of %+v", i, c)
		}
	}
}

// TestLongLossFades wants 100 ms to be made up, then silence, then the sound again
// at its time.
func TestLongLossFades(t *testing.T) {
	gone := func(i int) bool { return i >= 20 && i < 40 } // 400 ms
	chunks, r := trip(t, ReceiverConfig{Pause: time.Second}, speech(t, 7, Tone(300, 0.5, 2*time.Second), EncoderConfig{}), gone)
	got := soundOf(chunks, 7, r)
	require.Equal(t, 101*frameValues, len(got))
	part := func(from, to int) float64 { return peakOf(got[from*frameValues : to*frameValues]) }
	require.Greater(t, part(20, 21), 0.1, "made up")
	require.Zero(t, part(26, 38), "silence")
	require.InDelta(t, 0.5, part(45, 60), 0.1, "and on")
	kinds := make(map[Kind]time.Duration)
	for _, c := range chunks {
		kinds[c.Kind] += span(int64(len(c.PCM)))
	}
	require.Equal(t, 100*time.Millisecond, kinds[Concealed])
	require.Equal(t, 300*time.Millisecond, kinds[Quiet])
	require.EqualValues(t, 1, r.Stats().Silent)
}
