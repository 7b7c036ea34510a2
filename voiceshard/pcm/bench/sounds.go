//go:build libopus

package bench

import (
	"io"
	"math"
	"math/rand/v2"

	"github.com/discordpkg/gateway/voiceshard/pcm"
)

// Frame is the number of values in 20 ms.
const Frame = pcm.FrameSamples * pcm.Channels

// Sounds are what is encoded, ten seconds each: something like speech, with
// pauses, and something like music.
func Sounds() map[string][]float32 {
	return map[string][]float32{"speech": speechLike(10), "music": musicLike(10)}
}

// Loud is music beyond full scale, as decoders get it from mastered files.
func Loud() []float32 {
	p := musicLike(5)
	for i := range p {
		p[i] = min(max(p[i]*4, -1), 1)
	}
	return p
}

// speechLike is a buzz whose pitch and formants move, in syllables.
func speechLike(seconds int) []float32 {
	r := rand.New(rand.NewPCG(3, 4))
	p := make([]float32, 0, seconds*pcm.Rate*pcm.Channels)
	phase, pitch, formant := 0.0, 120.0, 700.0
	var low, band float64
	for i := range seconds * pcm.Rate {
		if i%(pcm.Rate/5) == 0 {
			pitch, formant = 90+80*r.Float64(), 400+1800*r.Float64()
		}
		t := float64(i%(pcm.Rate/5)) / (pcm.Rate / 5)
		loud := math.Sin(math.Pi * t)
		if i/pcm.Rate%4 == 3 {
			loud = 0 // a pause
		}
		phase = math.Mod(phase+pitch/pcm.Rate, 1)
		in := loud*(1-2*phase) + 0.05*loud*r.NormFloat64() + 0.0005*r.NormFloat64()
		f := 2 * math.Sin(math.Pi*formant/pcm.Rate)
		low += f * band
		band += f * (in - low - 0.3*band)
		v := float32(0.25 * (band + 0.3*in))
		p = append(p, v, v)
	}
	return p
}

// musicLike is chords with partials and noise, wide in stereo.
func musicLike(seconds int) []float32 {
	r := rand.New(rand.NewPCG(5, 6))
	p := make([]float32, 0, seconds*pcm.Rate*pcm.Channels)
	notes := []float64{220, 277.2, 329.6, 440}
	for i := range seconds * pcm.Rate {
		t := float64(i) / pcm.Rate
		beat := math.Exp(-4 * math.Mod(t, 0.5))
		var left, right float64
		for n, hertz := range notes {
			for k := 1.0; k <= 5; k++ {
				v := math.Sin(2*math.Pi*hertz*k*t) / k / 12
				pan := float64(n) / float64(len(notes)-1)
				left += v * (1 - pan)
				right += v * pan
			}
		}
		hiss := 0.05 * beat * r.NormFloat64()
		p = append(p, float32(left*(0.4+0.6*beat)+hiss), float32(right*(0.4+0.6*beat)-hiss))
	}
	return p
}

// Packets encodes a sound with package pcm.
func Packets(sound []float32, c pcm.EncoderConfig) (packets [][]byte, err error) {
	e, err := pcm.NewEncoder(&memory{p: sound}, c)
	if err != nil {
		return nil, err
	}
	for {
		p, err := e.ReadFrame()
		if err == io.EOF {
			return packets, nil
		}
		if err != nil {
			return nil, err
		}
		packets = append(packets, append([]byte(nil), p...))
	}
}

// memory is a source of what is in memory.
type memory struct {
	p []float32
	n int
}

func (m *memory) ReadPCM(p []float32) (int, error) {
	n := copy(p, m.p[m.n:])
	m.n += n
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}
