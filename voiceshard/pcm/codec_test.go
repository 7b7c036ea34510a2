package pcm

import (
	"bytes"
	"errors"
	"io"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/voiceshard/audio"
)

// all reads a source to its end.
func all(t testing.TB, s Source) []float32 {
	t.Helper()
	var out []float32
	p := make([]float32, 1000)
	for {
		n, err := s.ReadPCM(p)
		out = append(out, p[:n]...)
		if err == io.EOF {
			return out
		}
		require.NoError(t, err)
	}
}

// same compares sound, and prints no more than where it differs.
func same(t testing.TB, want, got []float32, what string) {
	t.Helper()
	n := min(len(want), len(got))
	for i := range n {
		if want[i] != got[i] {
			require.FailNow(t, "sound differs", "%s: value %d of %d is %v, not %v", what, i, n, got[i], want[i])
		}
	}
	require.Equal(t, len(want), len(got), what)
}

// likeness returns the correlation of two sounds, and by how many values the
// second is late, looked for up to a limit.
func likeness(a, b []float32, limit int) (best float64, late int) {
	for shift := 0; shift <= limit; shift += 2 {
		var ab, aa, bb float64
		for i := 0; i+shift < len(b) && i < len(a); i++ {
			x, y := float64(a[i]), float64(b[i+shift])
			ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
		}
		if c := ab / math.Sqrt(aa*bb+1e-30); c > best {
			best, late = c, shift
		}
	}
	return best, late
}

// TestThereAndBack encodes into a file and decodes it: as long as before, in its
// place, and much like it.
func TestThereAndBack(t *testing.T) {
	for _, length := range []time.Duration{10 * time.Millisecond, 20 * time.Millisecond, 333 * time.Millisecond, time.Second} {
		want := all(t, Sweep(200, 3000, 0.5, length))
		e, err := NewEncoder(Sweep(200, 3000, 0.5, length), EncoderConfig{Bitrate: 128_000})
		require.NoError(t, err)
		require.Equal(t, 312, e.Head().PreSkip)
		l, ok := e.Length()
		require.True(t, ok)
		require.Equal(t, length, l)
		var file bytes.Buffer
		ogg, err := audio.NewOggWriter(&file, audio.WithOpusHead(e.Head()))
		require.NoError(t, err)
		for {
			packet, err := e.ReadFrame()
			if err == io.EOF {
				break
			}
			require.NoError(t, err)
			n, err := rtp.Samples(packet)
			require.NoError(t, err)
			require.Equal(t, FrameSamples, n)
			require.NoError(t, ogg.WriteFrame(packet))
		}
		require.NoError(t, ogg.Close())
		require.Equal(t, length, e.Position())

		s, err := NewReader(bytes.NewReader(file.Bytes()))
		require.NoError(t, err)
		got := all(t, s)
		require.GreaterOrEqual(t, len(got), len(want), "the end is not cut off")
		require.Less(t, len(got), len(want)+2*frameValues)
		c, late := likeness(want, got, 20)
		require.Greater(t, c, 0.98, "%v", length)
		require.Zero(t, late, "the look-ahead is left out")
	}
}

func TestEncoderConfig(t *testing.T) {
	for _, c := range []EncoderConfig{
		{Bitrate: 5999}, {Bitrate: 510_001}, {Bitrate: -1}, {Complexity: 11}, {Complexity: -1}, {Loss: -1}, {Loss: 101},
	} {
		_, err := NewEncoder(Silence(time.Second), c)
		require.ErrorContains(t, err, "pcm: ")
	}
	_, err := NewEncoder(nil, EncoderConfig{})
	require.Error(t, err)
	e, err := NewEncoder(Silence(0), EncoderConfig{})
	require.NoError(t, err)
	_, err = e.ReadFrame()
	require.Equal(t, io.EOF, err, "no sound, no packet")
	require.Error(t, e.SetBitrate(1))
	require.Error(t, e.SetLoss(101))
}

// TestBitrateChanges wants fewer bytes from the next packet on.
func TestBitrateChanges(t *testing.T) {
	e, err := NewEncoder(Noise(1, 0.3, time.Minute), EncoderConfig{Bitrate: 128_000})
	require.NoError(t, err)
	second := func() (bytes int) {
		for range 50 {
			p, err := e.ReadFrame()
			require.NoError(t, err)
			bytes += len(p)
		}
		return bytes
	}
	before := second()
	require.NoError(t, e.SetBitrate(24_000))
	require.NoError(t, e.SetLoss(10))
	after := second()
	require.InDelta(t, 16_000, before, 1600)
	require.InDelta(t, 3_000, after, 600)
	require.EqualValues(t, before+after, e.Stats().Bytes)
	require.EqualValues(t, 100, e.Stats().Frames)
}

// values is a source of given values.
type values struct {
	p   []float32
	err error
}

func (v *values) ReadPCM(p []float32) (int, error) {
	if len(v.p) == 0 {
		if v.err == nil {
			return 0, io.EOF
		}
		return 0, v.err
	}
	n := copy(p, v.p)
	v.p = v.p[n:]
	return n, nil
}

// TestNoNumbers wants every value that is none to be harmless.
func TestNoNumbers(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	p := make([]float32, 10*frameValues)
	for i := range p {
		p[i] = []float32{nan, inf, -inf, 1e30, -1e30, 0.5, 3, -3}[i%8]
	}
	e, err := NewEncoder(&values{p: p}, EncoderConfig{})
	require.NoError(t, err)
	frames := 0
	for ; ; frames++ {
		if _, err = e.ReadFrame(); err != nil {
			break
		}
	}
	require.Equal(t, io.EOF, err)
	require.Equal(t, 11, frames, "ten, and one for the look-ahead")
	require.Zero(t, e.Stats().Failed)
	require.EqualValues(t, 10*frameValues*7/8, e.Stats().Clipped)
}

func TestSourceFails(t *testing.T) {
	broken := errors.New("the cable is out")
	e, err := NewEncoder(&values{err: broken}, EncoderConfig{})
	require.NoError(t, err)
	_, err = e.ReadFrame()
	require.ErrorIs(t, err, broken)
	e, err = NewEncoder(idleSource{}, EncoderConfig{})
	require.NoError(t, err)
	_, err = e.ReadFrame()
	require.ErrorIs(t, err, io.ErrNoProgress, "a source that brings nothing does not hang")
}

type idleSource struct{}

func (idleSource) ReadPCM([]float32) (int, error) { return 0, nil }

// moody panics now and then, in the encoder and in the decoder.
type moody struct {
	FrameEncoder
	FrameDecoder
	calls *int
}

func (m moody) mood() {
	if *m.calls++; *m.calls%3 == 0 {
		panic("index out of range")
	}
}

func (m moody) Encode(frame []float32, packet []byte) (int, error) {
	m.mood()
	return m.FrameEncoder.Encode(frame, packet)
}

func (m moody) Decode(packet []byte, pcm []float32) (int, error) {
	m.mood()
	return m.FrameDecoder.Decode(packet, pcm)
}

func moodyCodec() Codec {
	calls := 0
	return Codec{
		NewEncoder: func(s EncoderSettings) (FrameEncoder, error) {
			e, err := Gopus.NewEncoder(s)
			return moody{FrameEncoder: e, calls: &calls}, err
		},
		NewDecoder: func() (FrameDecoder, error) {
			d, err := Gopus.NewDecoder()
			return moody{FrameDecoder: d, calls: &calls}, err
		},
	}
}

// TestCodecPanics wants a packet of silence in place of a panic, and the sound to go on.
func TestCodecPanics(t *testing.T) {
	e, err := NewEncoder(Tone(440, 0.5, time.Second), EncoderConfig{Codec: moodyCodec()})
	require.NoError(t, err)
	source := &packets{}
	for {
		p, err := e.ReadFrame()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		source.all = append(source.all, bytes.Clone(p))
	}
	require.EqualValues(t, 51, e.Stats().Frames)
	require.EqualValues(t, 17, e.Stats().Failed)

	d, err := moodyCodec().NewFileDecoder(source)
	require.NoError(t, err)
	require.Equal(t, 51*frameValues, len(all(t, d)), "what cannot be decoded is as long as the one before")
	require.EqualValues(t, 17, d.Failed())
}

// packets is a source of Opus without position.
type packets struct {
	all [][]byte
	n   int
}

func (s *packets) ReadFrame() ([]byte, error) {
	if s.n == len(s.all) {
		return nil, io.EOF
	}
	s.n++
	return s.all[s.n-1], nil
}

// TestDecoderSeeks decodes from anywhere what it would have decoded there.
func TestDecoderSeeks(t *testing.T) {
	e, err := NewEncoder(Sweep(200, 4000, 0.5, 2*time.Second), EncoderConfig{})
	require.NoError(t, err)
	var file bytes.Buffer
	ogg, err := audio.NewOggWriter(&file, audio.WithOpusHead(e.Head()), audio.WithPageDuration(100*time.Millisecond))
	require.NoError(t, err)
	for {
		p, err := e.ReadFrame()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		require.NoError(t, ogg.WriteFrame(p))
	}
	require.NoError(t, ogg.Close())
	s, err := NewReader(bytes.NewReader(file.Bytes()))
	require.NoError(t, err)
	d := s.(*Decoder)
	whole := all(t, d)
	for _, at := range []time.Duration{0, 7 * time.Millisecond, 500 * time.Millisecond, 1333 * time.Millisecond} {
		require.NoError(t, d.Seek(at))
		require.Equal(t, at, d.Position().Round(time.Millisecond))
		rest := all(t, d)
		from := int(valuesIn(at))
		require.Equal(t, len(whole)-from, len(rest), "at %v", at)
		c, _ := likeness(whole[from+4800:], rest[4800:], 0)
		require.Greater(t, c, 0.99, "at %v", at)
	}
	length, ok := d.Length()
	require.True(t, ok)
	require.InDelta(t, 2, length.Seconds(), 0.05)
	noWay, err := NewDecoder(&packets{})
	require.NoError(t, err)
	require.ErrorIs(t, noWay.Seek(0), ErrNotSeekable)
}

// TestNoAllocations of a frame, in either direction.
func TestNoAllocations(t *testing.T) {
	e, err := NewEncoder(Noise(1, 0.3, time.Hour), EncoderConfig{})
	require.NoError(t, err)
	source := &packets{}
	for range 300 {
		p, err := e.ReadFrame()
		require.NoError(t, err)
		source.all = append(source.all, bytes.Clone(p))
	}
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = e.ReadFrame() }))
	d, err := NewDecoder(source)
	require.NoError(t, err)
	p := make([]float32, frameValues)
	for range 100 {
		_, _ = d.ReadPCM(p)
	}
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = d.ReadPCM(p) }))
}

// TestEncoderSeeks: an encoder is a stream of an encoder: it seeks if its source does.
func TestEncoderSeeks(t *testing.T) {
	e, err := NewEncoder(Tone(440, 0.5, time.Second), EncoderConfig{})
	require.NoError(t, err)
	var _ audio.Stream = e
	require.NoError(t, e.Seek(900*time.Millisecond))
	frames := 0
	for ; ; frames++ {
		if _, err := e.ReadFrame(); err != nil {
			require.Equal(t, io.EOF, err)
			break
		}
	}
	require.Equal(t, 6, frames, "five, and one for the look-ahead")
	require.Equal(t, time.Second, e.Position())
	e, err = NewEncoder(&values{}, EncoderConfig{})
	require.NoError(t, err)
	require.ErrorIs(t, e.Seek(0), audio.ErrNotSeekable)
}

func BenchmarkEncode(b *testing.B) {
	e, err := NewEncoder(Noise(1, 0.3, 1000*time.Hour), EncoderConfig{})
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = e.ReadFrame()
	}
}
