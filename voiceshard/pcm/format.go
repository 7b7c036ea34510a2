package pcm

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// A Sample is how one value is stored.
type Sample uint8

// The samples, all of them in little-endian order.
const (
	Int16   Sample = iota // 16-bit integers, the default
	Int24                 // 24-bit integers in three bytes
	Int32                 // 32-bit integers
	Float32               // IEEE 754, full scale is 1
	Uint8                 // 8-bit, 128 is silence
	Float64
)

// size returns the bytes of a value.
func (s Sample) size() int {
	switch s {
	case Int16:
		return 2
	case Int24:
		return 3
	case Int32, Float32:
		return 4
	case Uint8:
		return 1
	case Float64:
		return 8
	}
	return 0
}

// A Format is how raw sound is stored.
type Format struct {
	Sample   Sample
	Rate     int // in Hz, MinRate to MaxRate; 48,000 if it is zero
	Channels int // 1 to 8, interleaved; 2 if it is zero
}

const maxChannels = 8

func channelsError(n int) error {
	return fmt.Errorf("pcm: %d channels are not between 1 and %d", n, maxChannels)
}

// withDefaults returns the format with its zero values filled in.
func (f Format) withDefaults() (Format, error) {
	if f.Rate == 0 {
		f.Rate = Rate
	}
	if f.Channels == 0 {
		f.Channels = Channels
	}
	switch {
	case f.Sample.size() == 0:
		return f, fmt.Errorf("pcm: unknown sample format %d", f.Sample)
	case f.Rate < MinRate || f.Rate > MaxRate:
		return f, fmt.Errorf("pcm: a rate of %d Hz is not between %d and %d", f.Rate, MinRate, MaxRate)
	case f.Channels < 1 || f.Channels > maxChannels:
		return f, channelsError(f.Channels)
	}
	return f, nil
}

// frame returns the bytes of one value of each channel.
func (f Format) frame() int { return f.Sample.size() * f.Channels }

// SourceOf returns raw sound as a [Source]: mono goes to both channels, more than
// two channels are mixed down, other rates are resampled. A rest at the end that
// is no whole sample of each channel is left out.
func SourceOf(r io.Reader, f Format) (Source, error) {
	f, err := f.withDefaults()
	if err != nil {
		return nil, err
	}
	c, err := newConverter(f)
	if err != nil {
		return nil, err
	}
	return &rawSource{r: r, converter: c}, nil
}

// rawSource reads raw sound.
type rawSource struct {
	r         io.Reader
	converter *converter
	raw       [4096]byte
	n         int // bytes of raw
	ready     []float32
	buffer    []float32
	err       error
}

// ReadPCM implements [Source].
func (s *rawSource) ReadPCM(p []float32) (int, error) {
	for len(s.ready) == 0 {
		if s.err != nil {
			return 0, s.err
		}
		n, err := s.r.Read(s.raw[s.n:])
		s.n += n
		whole := s.n - s.n%s.converter.format.frame()
		s.buffer = s.converter.append(s.buffer[:0], s.raw[:whole])
		s.n = copy(s.raw[:], s.raw[whole:s.n])
		if s.err = err; err == io.EOF {
			s.buffer = s.converter.flush(s.buffer)
		}
		s.ready = s.buffer
		if n == 0 && err == nil {
			return 0, nil
		}
	}
	n := copy(p, s.ready)
	s.ready = s.ready[n:]
	return n, nil
}

// A converter makes 48 kHz stereo of raw sound.
type converter struct {
	format    Format
	resampler *Resampler
	stereo    []float32
	frame     [maxChannels]float32
}

func newConverter(f Format) (*converter, error) {
	r, err := NewResampler(f.Rate, Rate, Channels)
	if err != nil {
		return nil, err
	}
	return &converter{format: f, resampler: r}, nil
}

// append converts whole frames.
func (c *converter) append(dst []float32, raw []byte) []float32 {
	c.stereo = c.stereo[:0]
	size := c.format.Sample.size()
	for len(raw) >= c.format.frame() {
		for i := range c.format.Channels {
			c.frame[i] = c.format.Sample.value(raw[i*size:])
		}
		raw = raw[c.format.frame():]
		c.stereo = appendStereo(c.stereo, c.frame[:c.format.Channels])
	}
	return c.resampler.Process(dst, c.stereo)
}

func (c *converter) flush(dst []float32) []float32 { return c.resampler.Flush(dst) }

// value reads one value. What is no number is silence.
func (s Sample) value(b []byte) float32 {
	switch s {
	case Uint8:
		return float32(int(b[0])-128) / 128
	case Int24:
		return float32(int32(uint32(b[0])<<8|uint32(b[1])<<16|uint32(b[2])<<24)>>8) / (1 << 23)
	case Int32:
		return float32(float64(int32(binary.LittleEndian.Uint32(b))) / (1 << 31))
	case Float32:
		return number(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
	case Float64:
		return number(math.Float64frombits(binary.LittleEndian.Uint64(b)))
	default:
		return float32(int16(binary.LittleEndian.Uint16(b))) / (1 << 15)
	}
}

// number keeps what would poison a filter out of it.
func number(v float64) float32 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return float32(min(max(v, -maxValue), maxValue))
}

// maxValue is 24 dB over full scale: louder is a mistake, and filters stay finite.
const maxValue = 16

// Append appends values in this form, for those who write raw sound. Values
// beyond full scale are clipped, and what is no number is silence, but for floats.
func (s Sample) Append(dst []byte, values []float32) []byte {
	for _, v := range values {
		x := float64(v)
		if x != x { // NaN
			x = 0
		}
		clipped := min(max(x, -1), 1)
		switch s {
		case Uint8:
			dst = append(dst, byte(min(math.Round(clipped*128)+128, 255)))
		case Int16:
			dst = binary.LittleEndian.AppendUint16(dst, uint16(int16(min(math.Round(clipped*(1<<15)), 1<<15-1))))
		case Int24:
			n := uint32(int32(min(math.Round(clipped*(1<<23)), 1<<23-1)))
			dst = append(dst, byte(n), byte(n>>8), byte(n>>16))
		case Int32:
			dst = binary.LittleEndian.AppendUint32(dst, uint32(int32(min(math.Round(clipped*(1<<31)), 1<<31-1))))
		case Float32:
			dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(x)))
		case Float64:
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(x))
		}
	}
	return dst
}

// minus3dB is what a channel in the middle or at the back adds to each side.
const minus3dB = 0.70710678

// appendStereo mixes one value of each channel down. The order of the channels is
// that of WAV: left, right, center, low frequencies, back left and right, side left
// and right. Weights are those of ITU-R BS.775, scaled so that nothing clips that
// did not before.
func appendStereo(dst, frame []float32) []float32 {
	switch len(frame) {
	case 1:
		return append(dst, frame[0], frame[0])
	case 2:
		return append(dst, frame[0], frame[1])
	case 3: // left, right, center
		const scale = 1 / (1 + minus3dB)
		m := frame[2] * minus3dB
		return append(dst, (frame[0]+m)*scale, (frame[1]+m)*scale)
	case 4: // left, right, back left, back right
		const scale = 1 / (1 + minus3dB)
		return append(dst, (frame[0]+frame[2]*minus3dB)*scale, (frame[1]+frame[3]*minus3dB)*scale)
	}
	m, low := frame[2]*minus3dB, len(frame) > 5
	left, right, weight := frame[0]+m, frame[1]+m, float32(1+minus3dB)
	back := 3
	if low { // that has a channel of its own, which small speakers cannot play
		back = 4
	}
	for i := back; i+1 < len(frame); i += 2 {
		left += frame[i] * minus3dB
		right += frame[i+1] * minus3dB
		weight += minus3dB
	}
	return append(dst, left/weight, right/weight)
}
