package pcm

import (
	"errors"
	"io"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func newMixer(t testing.TB, c MixerConfig) *Mixer {
	t.Helper()
	m, err := NewMixer(c)
	require.NoError(t, err)
	return m
}

func add(t testing.TB, m *Mixer, s Source, c TrackConfig) *Track {
	t.Helper()
	track, err := m.Add(s, c)
	require.NoError(t, err)
	return track
}

// take reads a time from a source.
func take(t testing.TB, s Source, d time.Duration) []float32 {
	t.Helper()
	p := make([]float32, valuesIn(d))
	n, err := readFull(s, p)
	require.NoError(t, err)
	require.Equal(t, n, len(p))
	return p
}

func peakOf(p []float32) (peak float64) {
	for _, v := range p {
		peak = max(peak, math.Abs(float64(v)))
	}
	return peak
}

// TestMixerAdds wants the sum of the tracks, 2.5 ms late.
func TestMixerAdds(t *testing.T) {
	m := newMixer(t, MixerConfig{EndsEmpty: true})
	a := add(t, m, Tone(440, 0.3, 200*time.Millisecond), TrackConfig{})
	b := add(t, m, Tone(1000, 0.3, 100*time.Millisecond), TrackConfig{Gain: 0.5})
	got := all(t, m)
	require.InDelta(t, valuesIn(202500*time.Microsecond), len(got), blockValues)
	x, y := all(t, Tone(440, 0.3, 200*time.Millisecond)), all(t, Tone(1000, 0.15, 100*time.Millisecond))
	for i := blockValues; i < len(x)-blockValues; i++ {
		want := x[i]
		if i < len(y) {
			want += y[i]
		}
		require.InDelta(t, want, got[i+blockValues], 1e-5, "value %d", i)
	}
	for _, track := range []*Track{a, b} {
		<-track.Done()
		require.NoError(t, track.Err())
	}
	require.Equal(t, 200*time.Millisecond, a.Position())
	_, err := m.ReadPCM(make([]float32, 2))
	require.Equal(t, io.EOF, err)
}

// TestLimiter wants nothing over the ceiling, whatever comes, and nothing changed
// that is below.
func TestLimiter(t *testing.T) {
	m := newMixer(t, MixerConfig{Ceiling: 0.8, EndsEmpty: true})
	nan := float32(math.NaN())
	add(t, m, Noise(1, 0.2, time.Second), TrackConfig{})
	add(t, m, &values{p: []float32{9, -9, nan, nan, float32(math.Inf(1)), 0, 3e38, -3e38}}, TrackConfig{Gain: 16})
	for range 5 {
		add(t, m, Noise(7, 1, 300*time.Millisecond), TrackConfig{})
	}
	got := all(t, m)
	require.LessOrEqual(t, peakOf(got), 0.8+1e-6)
	require.Greater(t, peakOf(got[:len(got)/4]), 0.5, "loud stays loud")
	want := all(t, Noise(1, 0.2, time.Second))
	tail := len(want) - int(valuesIn(100*time.Millisecond))
	same(t, want[tail:], got[tail+blockValues:len(want)+blockValues], "after its release it touches nothing")
}

// TestTrackControls fades, pauses and stops without a click.
func TestTrackControls(t *testing.T) {
	m := newMixer(t, MixerConfig{})
	track := add(t, m, Tone(100, 0.5, time.Hour), TrackConfig{FadeIn: 100 * time.Millisecond})
	fade := take(t, m, 120*time.Millisecond)
	require.Less(t, peakOf(fade[:len(fade)/4]), 0.2)
	require.InDelta(t, 0.5, peakOf(fade[len(fade)*9/10:]), 0.01)
	require.NoError(t, track.SetGain(0.1, 50*time.Millisecond))
	take(t, m, 60*time.Millisecond)
	require.InDelta(t, 0.05, peakOf(take(t, m, 50*time.Millisecond)), 0.002)

	track.Pause()
	take(t, m, 20*time.Millisecond)
	at := track.Position()
	require.Zero(t, peakOf(take(t, m, time.Second)))
	require.Equal(t, at, track.Position(), "a paused source is not read")
	require.NoError(t, track.SetGain(1, 0))
	track.Resume()
	take(t, m, 20*time.Millisecond)
	require.InDelta(t, 0.5, peakOf(take(t, m, 50*time.Millisecond)), 0.01)

	track.Stop(100 * time.Millisecond)
	select {
	case <-track.Done():
		t.Fatal("it ends after its fade")
	default:
	}
	out := take(t, m, 200*time.Millisecond)
	<-track.Done()
	require.NoError(t, track.Err())
	require.Zero(t, peakOf(out[len(out)*3/4:]))
	for _, p := range [][]float32{fade, out} {
		for i := 2; i < len(p); i++ {
			require.Less(t, math.Abs(float64(p[i]-p[i-2])), 0.02, "no click")
		}
	}
	require.Error(t, track.SetGain(-1, 0))
	require.Error(t, track.SetGain(math.NaN(), 0))
	require.Error(t, track.SetGain(1, -1))
}

// TestDucking wants music down while speech is heard, and up again after it.
func TestDucking(t *testing.T) {
	m := newMixer(t, MixerConfig{Duck: 0.2})
	add(t, m, Tone(100, 0.5, time.Hour), TrackConfig{})
	take(t, m, 50*time.Millisecond)
	speech := add(t, m, Tone(3000, 0.2, time.Second), TrackConfig{Priority: 1})
	take(t, m, 200*time.Millisecond)
	require.InDelta(t, 0.1+0.2, peakOf(take(t, m, 500*time.Millisecond)), 0.01)
	take(t, m, 310*time.Millisecond)
	<-speech.Done()
	require.Less(t, peakOf(take(t, m, 50*time.Millisecond)), 0.5, "it comes back slowly")
	take(t, m, time.Second)
	require.InDelta(t, 0.5, peakOf(take(t, m, 50*time.Millisecond)), 0.01)
}

// TestSilentPriority wants a track of high priority that says nothing to duck nothing.
func TestSilentPriority(t *testing.T) {
	m := newMixer(t, MixerConfig{})
	add(t, m, Tone(100, 0.5, time.Hour), TrackConfig{})
	add(t, m, Silence(time.Hour), TrackConfig{Priority: 5})
	take(t, m, time.Second)
	require.InDelta(t, 0.5, peakOf(take(t, m, 50*time.Millisecond)), 0.01)
}

func TestMixerRefuses(t *testing.T) {
	for _, c := range []MixerConfig{{Ceiling: 2}, {Ceiling: -1}, {Ceiling: math.NaN()}, {Duck: 2}, {Duck: -1}, {MaxTracks: -1}} {
		_, err := NewMixer(c)
		require.ErrorContains(t, err, "pcm: ")
	}
	m := newMixer(t, MixerConfig{MaxTracks: 1})
	for _, c := range []TrackConfig{{Gain: -1}, {Gain: 17}, {FadeIn: -1}} {
		_, err := m.Add(Silence(1), c)
		require.ErrorContains(t, err, "pcm: ")
	}
	_, err := m.Add(nil, TrackConfig{})
	require.Error(t, err)
	broken := errors.New("the disk is gone")
	track := add(t, m, &values{err: broken}, TrackConfig{})
	_, err = m.Add(Silence(1), TrackConfig{})
	require.ErrorIs(t, err, ErrTracks)
	take(t, m, 10*time.Millisecond)
	<-track.Done()
	require.ErrorIs(t, track.Err(), broken)
	last := add(t, m, Silence(time.Hour), TrackConfig{Paused: true})
	take(t, m, 10*time.Millisecond)
	require.Zero(t, last.Position())
	require.NoError(t, m.Close())
	require.ErrorIs(t, m.Close(), ErrClosed)
	<-last.Done()
	_, err = m.Add(Silence(1), TrackConfig{})
	require.ErrorIs(t, err, ErrClosed)
	all(t, m)
}

// TestMixerConcurrently changes tracks while the mixer plays, for the race detector.
func TestMixerConcurrently(t *testing.T) {
	m := newMixer(t, MixerConfig{MaxTracks: 1000})
	var users sync.WaitGroup
	for n := range 4 {
		users.Go(func() {
			for range 50 {
				track, err := m.Add(Tone(440, 0.1, 10*time.Millisecond), TrackConfig{Priority: n})
				if err != nil {
					return
				}
				track.Pause()
				_ = track.SetGain(0.5, time.Millisecond)
				track.Resume()
				_ = track.Position()
				<-track.Done()
			}
		})
	}
	done := make(chan struct{})
	go func() { users.Wait(); close(done) }()
	p := make([]float32, frameValues)
	for {
		select {
		case <-done:
			return
		default:
			_, err := m.ReadPCM(p)
			require.NoError(t, err)
		}
	}
}

// TestMixerDoesNotWait plays on while a track has nothing yet.
func TestMixerDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMixer(t, MixerConfig{})
		slow, w := io.Pipe()
		raw, err := SourceOf(slow, Format{})
		require.NoError(t, err)
		buffer, err := NewBuffer(raw, time.Second)
		require.NoError(t, err)
		track := add(t, m, buffer, TrackConfig{})
		require.Zero(t, peakOf(take(t, m, time.Second)))
		_, err = w.Write(Int16.Append(nil, all(t, Tone(440, 0.5, 300*time.Millisecond))))
		require.NoError(t, err)
		synctest.Wait()
		require.InDelta(t, 0.5, peakOf(take(t, m, 100*time.Millisecond)), 0.01)
		w.Close()
		synctest.Wait()
		take(t, m, 300*time.Millisecond)
		<-track.Done()
		require.NoError(t, track.Err())
		require.NoError(t, buffer.Close())
	})
}

func TestPipe(t *testing.T) {
	for _, d := range []time.Duration{0, -1, time.Millisecond, time.Hour} {
		_, err := NewPipe(d, false)
		require.ErrorContains(t, err, "pcm: a pipe")
	}
	synctest.Test(t, func(t *testing.T) {
		want := all(t, Noise(3, 0.5, time.Second))
		p, err := NewPipe(50*time.Millisecond, false)
		require.NoError(t, err)
		go func() {
			for rest := want; len(rest) > 0; {
				n := min(len(rest), 1234)
				if p.WritePCM(rest[:n]) != nil {
					return
				}
				rest = rest[n:]
			}
			p.CloseWithError(nil)
		}()
		synctest.Wait()
		require.Equal(t, 50*time.Millisecond, p.Buffered(), "the writer waits")
		same(t, want, all(t, p), "the pipe")
		require.ErrorIs(t, p.WritePCM(want[:2]), ErrClosed)
		require.Error(t, p.WritePCM(want[:1]))

		p, err = NewPipe(50*time.Millisecond, true)
		require.NoError(t, err)
		require.NoError(t, p.WritePCM(want))
		require.Equal(t, 950*time.Millisecond, p.Lost())
		p.CloseWithError(io.ErrUnexpectedEOF)
		got := make([]float32, valuesIn(50*time.Millisecond))
		n, err := p.ReadPCM(got)
		require.NoError(t, err)
		require.Equal(t, n, len(got))
		same(t, want[len(want)-n:], got, "the newest sound stays")
		_, err = p.ReadPCM(got)
		require.Equal(t, io.ErrUnexpectedEOF, err)

		p, err = NewPipe(50*time.Millisecond, true)
		require.NoError(t, err)
		require.NoError(t, p.WritePCM(want[:960]))
		p.Clear()
		require.Zero(t, p.Buffered())
		go p.Close()
		_, err = p.ReadPCM(got)
		require.Equal(t, io.EOF, err, "Close wakes a reader")

		waiting, err := NewPipe(3*time.Millisecond, false)
		require.NoError(t, err)
		wrote := make(chan error)
		go func() { wrote <- waiting.WritePCM(want) }()
		synctest.Wait()
		require.NoError(t, waiting.Close())
		require.ErrorIs(t, <-wrote, ErrClosed, "Close wakes a writer")

		idle, err := NewBuffer(idleSource{}, time.Second)
		require.NoError(t, err)
		_, err = idle.ReadPCM(got)
		require.Equal(t, io.ErrNoProgress, err)
		require.NoError(t, idle.Close())
	})
}

func TestMixerAllocatesNothing(t *testing.T) {
	m := newMixer(t, MixerConfig{})
	for range 8 {
		add(t, m, Tone(440, 0.1, time.Hour), TrackConfig{})
	}
	p := make([]float32, frameValues)
	_, _ = m.ReadPCM(p)
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = m.ReadPCM(p) }))
}

// loop plays the same values for ever.
type loop struct {
	p []float32
	n int
}

func (l *loop) ReadPCM(p []float32) (n int, err error) {
	for n < len(p) {
		k := copy(p[n:], l.p[l.n:])
		n += k
		l.n = (l.n + k) % len(l.p)
	}
	return n, nil
}

// BenchmarkMix is 20 ms of eight tracks.
func BenchmarkMix(b *testing.B) {
	m := newMixer(b, MixerConfig{})
	for i := range 8 {
		add(b, m, &loop{p: all(b, Noise(uint64(i), 0.3, time.Second))}, TrackConfig{Priority: i % 2})
	}
	p := make([]float32, frameValues)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = m.ReadPCM(p)
	}
}

func FuzzMixer(f *testing.F) {
	f.Add([]byte{0, 0, 0x80, 0x3f, 0, 0, 0xc0, 0x7f}, 1.0, uint8(3))
	f.Add([]byte{0xff, 0xff, 0x7f, 0x7f, 0, 0, 0x80, 0xff}, 16.0, uint8(0))
	f.Fuzz(func(t *testing.T, raw []byte, gain float64, priority uint8) {
		p := make([]float32, len(raw)/8*2)
		for i := range p {
			p[i] = math.Float32frombits(uint32(raw[4*i]) | uint32(raw[4*i+1])<<8 | uint32(raw[4*i+2])<<16 | uint32(raw[4*i+3])<<24)
		}
		m := newMixer(t, MixerConfig{EndsEmpty: true})
		if _, err := m.Add(&values{p: p}, TrackConfig{Gain: gain, Priority: int(priority)}); err != nil {
			return
		}
		add(t, m, Noise(1, 1, 5*time.Millisecond), TrackConfig{})
		e, err := NewEncoder(m, EncoderConfig{})
		require.NoError(t, err)
		for {
			if _, err := e.ReadFrame(); err != nil {
				require.Equal(t, io.EOF, err)
				break
			}
		}
		require.Zero(t, e.Stats().Clipped, "the limiter lets nothing through that an encoder cannot take")
	})
}
