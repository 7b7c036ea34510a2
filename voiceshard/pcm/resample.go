package pcm

import (
	"fmt"
	"math"
)

// Rates that can be resampled, in Hz.
const (
	MinRate = 1_000
	MaxRate = 768_000
)

// A Resampler changes the rate of interleaved sound. It is a polyphase filter
// with a Kaiser window: images and aliases are at least 96 dB down, and up to 82 %
// of the lower of the two Nyquist frequencies (18 kHz of 22.05) the response is
// flat within 0.1 dB. It adds no delay: the first sample out is the first sample in.
type Resampler struct {
	channels int
	up, down int // of each down samples of the finer grid of up times the input rate, one is output
	taps     int
	phases   [][]float32 // filters, one a phase; one more than up if they are interpolated
	exact    bool
	history  []float32
	at       int // phase of the next output, in parts of up
	blend    []float32
	in, out  int64 // samples so far
}

const (
	kaiserBeta  = 10.5   // 105 dB
	baseTaps    = 80     // at the lower rate
	transition  = 0.1815 // of the band, that Kaiser's formula gives for the two
	exactPhases = 1024   // more are interpolated from so many
)

// NewResampler returns a resampler. The error says which rate or number of
// channels (1 to 8) is out of range.
func NewResampler(from, to, channels int) (*Resampler, error) {
	for _, rate := range []int{from, to} {
		if rate < MinRate || rate > MaxRate {
			return nil, fmt.Errorf("pcm: a rate of %d Hz is not between %d and %d", rate, MinRate, MaxRate)
		}
	}
	if channels < 1 || channels > maxChannels {
		return nil, channelsError(channels)
	}
	g := gcd(from, to)
	r := &Resampler{channels: channels, up: to / g, down: from / g}
	if from == to {
		return r, nil
	}
	cutoff, taps := 1.0, baseTaps
	if to < from {
		cutoff = float64(to) / float64(from)
		taps = int(math.Ceil(baseTaps / cutoff))
	}
	r.taps = taps + taps%2
	r.exact = r.up <= exactPhases
	count := r.up
	if !r.exact {
		count = exactPhases + 1
	}
	r.phases = make([][]float32, count)
	for i := range r.phases {
		offset := float64(i) / float64(min(r.up, exactPhases))
		r.phases[i] = filter(r.taps, offset, cutoff*(1-transition/2))
	}
	r.blend = make([]float32, r.taps)
	// Half a filter of silence in front makes up for its delay.
	r.history = make([]float32, (r.taps/2-1)*channels)
	return r, nil
}

// filter returns a windowed sinc for a point that lies offset behind the sample
// in the middle, in samples.
func filter(taps int, offset, cutoff float64) []float32 {
	h, sum := make([]float64, taps), 0.0
	half := float64(taps) / 2
	for k := range h {
		x := float64(k) - (half - 1) - offset
		v := cutoff
		if x != 0 {
			v = math.Sin(math.Pi*x*cutoff) / (math.Pi * x)
		}
		w := x / half
		h[k] = v * bessel(kaiserBeta*math.Sqrt(max(0, 1-w*w)))
		sum += h[k]
	}
	f := make([]float32, taps)
	for k := range h {
		f[k] = float32(h[k] / sum)
	}
	return f
}

// bessel is the modified Bessel function of the first kind of order zero.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > sum*1e-17; k++ {
		term *= (x / 2 / k) * (x / 2 / k)
		sum += term
	}
	return sum
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Process appends the resampled src to dst. What it returns is shorter than the
// time of src by half a filter, which [Resampler.Flush] brings.
func (r *Resampler) Process(dst, src []float32) []float32 {
	r.in += int64(len(src) / r.channels)
	if r.phases == nil {
		r.out = r.in
		return append(dst, src...)
	}
	r.history = append(r.history, src...)
	samples, i := len(r.history)/r.channels, 0
	for ; i+r.taps <= samples; i += r.step() {
		window := r.history[i*r.channels : (i+r.taps)*r.channels]
		switch h := r.phase(); r.channels {
		case 1:
			dst = append(dst, dot1(window, h))
		case 2:
			a, b := dot2(window, h)
			dst = append(dst, a, b)
		default:
			dst = r.dot(dst, window, h)
		}
		r.out++
	}
	i = min(i, samples)
	r.history = r.history[:copy(r.history, r.history[i*r.channels:])]
	return dst
}

// step moves on by one sample of the output, and returns by how many of the input.
func (r *Resampler) step() int {
	r.at += r.down
	n := r.at / r.up
	r.at %= r.up
	return n
}

// phase returns the filter of the next output.
func (r *Resampler) phase() []float32 {
	if r.exact {
		return r.phases[r.at]
	}
	where := float64(r.at) / float64(r.up) * exactPhases
	k := int(where)
	t := float32(where - float64(k))
	a, b := r.phases[k], r.phases[k+1]
	for i := range r.blend {
		r.blend[i] = a[i] + t*(b[i]-a[i])
	}
	return r.blend
}

func dot1(w, h []float32) float32 {
	var a, b float32
	w = w[:len(h)]
	for k := 0; k+1 < len(h); k += 2 {
		a += h[k] * w[k]
		b += h[k+1] * w[k+1]
	}
	return a + b
}

func dot2(w, h []float32) (a, b float32) {
	w = w[:2*len(h)]
	for k, c := range h {
		a += c * w[2*k]
		b += c * w[2*k+1]
	}
	return a, b
}

func (r *Resampler) dot(dst, w, h []float32) []float32 {
	for c := range r.channels {
		var a float32
		for k := range h {
			a += h[k] * w[k*r.channels+c]
		}
		dst = append(dst, a)
	}
	return dst
}

// Flush appends what is left after the last src, so that the output is as long as
// the input. The resampler starts anew then.
func (r *Resampler) Flush(dst []float32) []float32 {
	if r.phases == nil {
		r.in, r.out = 0, 0
		return dst
	}
	want := (r.in*int64(r.up) + int64(r.down) - 1) / int64(r.down)
	missing := want - r.out
	start := len(dst)
	dst = r.Process(dst, make([]float32, r.taps*r.channels))
	if n := start + int(missing)*r.channels; n < len(dst) {
		dst = dst[:n]
	}
	r.history = r.history[:0]
	r.history = append(r.history, make([]float32, (r.taps/2-1)*r.channels)...)
	r.in, r.out, r.at = 0, 0, 0
	return dst
}
