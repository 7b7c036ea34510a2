package pcm

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// mono makes one channel of a tone at a rate.
func mono(hertz float64, rate, samples int) []float32 {
	p := make([]float32, samples)
	for i := range p {
		p[i] = float32(math.Sin(2 * math.Pi * hertz * float64(i) / float64(rate)))
	}
	return p
}

// level returns the amplitude of a frequency in the middle of p, and the rest of
// the power beside it, both in dB of full scale.
func level(p []float32, hertz float64, rate int) (tone, rest float64) {
	p = p[len(p)/5 : len(p)-len(p)/5]
	w := 2 * math.Pi * hertz / float64(rate)
	// Least squares for a cosine, a sine and a constant: exact for any length.
	var cc, ss, cs, c1, s1, pc, ps, p1 float64
	n := float64(len(p))
	for i, v := range p {
		c, s := math.Cos(w*float64(i)), math.Sin(w*float64(i))
		cc, ss, cs, c1, s1 = cc+c*c, ss+s*s, cs+c*s, c1+c, s1+s
		pc, ps, p1 = pc+float64(v)*c, ps+float64(v)*s, p1+float64(v)
	}
	det := cc*(ss*n-s1*s1) - cs*(cs*n-s1*c1) + c1*(cs*s1-ss*c1)
	a := (pc*(ss*n-s1*s1) - cs*(ps*n-s1*p1) + c1*(ps*s1-ss*p1)) / det
	b := (cc*(ps*n-s1*p1) - pc*(cs*n-s1*c1) + c1*(cs*p1-ps*c1)) / det
	k := (p1 - a*c1 - b*s1) / n
	var power float64
	for i, v := range p {
		d := float64(v) - a*math.Cos(w*float64(i)) - b*math.Sin(w*float64(i)) - k
		power += d * d
	}
	return 20 * math.Log10(math.Hypot(a, b)), 10 * math.Log10(2*power/n+1e-30)
}

func resample(t *testing.T, p []float32, from, to int) []float32 {
	t.Helper()
	r, err := NewResampler(from, to, 1)
	require.NoError(t, err)
	var out []float32
	for len(p) > 0 { // in pieces of any size
		n := min(len(p), 1+len(out)%977)
		out = r.Process(out, p[:n])
		p = p[n:]
	}
	return r.Flush(out)
}

// TestResampleIsFlat measures tones that must survive: the level within 0.1 dB,
// everything else 96 dB below.
func TestResampleIsFlat(t *testing.T) {
	for _, from := range []int{8000, 11025, 16000, 22050, 24000, 32000, 44100, 47999, 48000, 88200, 96000, 192000} {
		for _, to := range []int{48000, 16000} {
			edge := 0.4 * float64(min(from, to)) // 18 kHz of 44.1
			if from == 44100 && to == 48000 {
				edge = 18000
			}
			for _, hertz := range []float64{50, edge / 3, edge} {
				out := resample(t, mono(hertz, from, from/4), from, to)
				tone, rest := level(out, hertz, to)
				require.InDelta(t, 0, tone, 0.1, "%d to %d, %.0f Hz", from, to, hertz)
				require.Less(t, rest, -96.0, "%d to %d, %.0f Hz", from, to, hertz)
			}
		}
	}
}

// TestResampleStops measures tones above what the output can have: they must be
// gone, not folded.
func TestResampleStops(t *testing.T) {
	for _, c := range []struct {
		from, to int
		hertz    float64
	}{{48000, 16000, 8100}, {48000, 16000, 12000}, {48000, 44100, 22300}, {96000, 48000, 24500}, {96000, 48000, 40000}, {192000, 48000, 90000}} {
		out := resample(t, mono(c.hertz, c.from, c.from/4), c.from, c.to)
		var power float64
		for _, v := range out[len(out)/5 : len(out)-len(out)/5] {
			power += float64(v) * float64(v)
		}
		require.Less(t, 10*math.Log10(2*power/float64(len(out))), -96.0, "%d to %d, %.0f Hz", c.from, c.to, c.hertz)
	}
}

// TestResampleKeepsTime wants as long a sound as went in, and no delay.
func TestResampleKeepsTime(t *testing.T) {
	for _, from := range []int{8000, 44100, 47999, 96000} {
		r, err := NewResampler(from, Rate, 2)
		require.NoError(t, err)
		for range 2 { // it starts anew
			impulse := make([]float32, 2*from)
			middle := from / 2
			impulse[2*middle] = 1
			out := r.Flush(r.Process(nil, impulse))
			require.InDelta(t, 2*Rate, len(out), 2)
			loudest := 0
			for i := 0; i < len(out); i += 2 {
				if out[i] > out[loudest] {
					loudest = i
				}
			}
			require.InDelta(t, float64(middle)/float64(from), float64(loudest/2)/Rate, 1.0/float64(from), "from %d", from)
			require.Zero(t, out[1], "the other channel stays silent")
		}
	}
	for _, bad := range [][3]int{{0, 48000, 1}, {48000, 999_999, 1}, {48000, 48000, 0}, {48000, 44100, 9}} {
		_, err := NewResampler(bad[0], bad[1], bad[2])
		require.ErrorContains(t, err, "pcm: ")
	}
}

// BenchmarkResample is one second of stereo, 44.1 to 48 kHz.
func BenchmarkResample(b *testing.B) {
	r, err := NewResampler(44100, Rate, 2)
	require.NoError(b, err)
	in, out := make([]float32, 2*44100), []float32(nil)
	for b.Loop() {
		out = r.Process(out[:0], in)
	}
}
