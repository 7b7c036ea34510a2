package pcm

import (
	"io"
	"math"
	"math/rand/v2"
	"time"
)

// generator is a source that makes each value from its number.
type generator struct {
	n, end int64 // samples
	value  func(i int64) (left, right float32)
}

// ReadPCM implements [Source].
func (g *generator) ReadPCM(p []float32) (n int, err error) {
	for ; n+1 < len(p) && g.n < g.end; n += 2 {
		p[n], p[n+1] = g.value(g.n)
		g.n++
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Length implements [Lengther].
func (g *generator) Length() (time.Duration, bool) { return span(g.end * Channels), true }

// Seek implements [Seeker].
func (g *generator) Seek(to time.Duration) error {
	g.n = min(max(valuesIn(to)/Channels, 0), g.end)
	return nil
}

// Silence is a source of silence.
func Silence(d time.Duration) Source {
	return &generator{end: valuesIn(d) / Channels, value: func(int64) (float32, float32) { return 0, 0 }}
}

// Tone is a sine on both channels, from its zero on. The amplitude is 0 to 1.
func Tone(hertz, amplitude float64, d time.Duration) Source {
	return &generator{end: valuesIn(d) / Channels, value: func(i int64) (float32, float32) {
		v := float32(amplitude * math.Sin(2*math.Pi*math.Mod(hertz*float64(i)/Rate, 1)))
		return v, v
	}}
}

// Sweep is a sine whose frequency rises evenly between two frequencies in Hz.
func Sweep(from, to, amplitude float64, d time.Duration) Source {
	end := valuesIn(d) / Channels
	slope := (to - from) / 2 / max(float64(end), 1)
	return &generator{end: end, value: func(i int64) (float32, float32) {
		turns := (from + slope*float64(i)) * float64(i) / Rate
		v := float32(amplitude * math.Sin(2*math.Pi*math.Mod(turns, 1)))
		return v, v
	}}
}

// Noise is white noise, other on each channel, the same for the same seed. It
// cannot go back: after a Seek the values differ.
func Noise(seed uint64, amplitude float64, d time.Duration) Source {
	r := rand.New(rand.NewPCG(seed, seed))
	return &generator{end: valuesIn(d) / Channels, value: func(int64) (float32, float32) {
		return float32(amplitude * (2*r.Float64() - 1)), float32(amplitude * (2*r.Float64() - 1))
	}}
}
