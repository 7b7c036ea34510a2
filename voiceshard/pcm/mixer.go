package pcm

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
	"time"
)

// A MixerConfig is how a [Mixer] mixes. The zero value is ready to use.
type MixerConfig struct {
	// Ceiling is the largest value that comes out, 0.89 (1 dB below full scale)
	// by default. A limiter sees it coming 2.5 ms ahead.
	Ceiling float64

	// Duck is the gain of tracks while one of a higher priority is heard, 0.25
	// (12 dB down) by default.
	Duck float64

	// MaxTracks is how many tracks there may be at once, 32 by default.
	MaxTracks int

	// EndsEmpty makes the mixer end when its last track has. The default is
	// that it goes on with silence until Close.
	EndsEmpty bool
}

const (
	defaultCeiling   = 0.89
	defaultDuck      = 0.25
	defaultMaxTracks = 32

	// blockSamples is what is mixed at a time: 2.5 ms.
	blockSamples = Rate / 400
	blockValues  = blockSamples * Channels

	// pauseFade keeps a pause from being a click.
	pauseFade = 10 * time.Millisecond

	duckAttack  = 60 * time.Millisecond
	duckRelease = 500 * time.Millisecond

	// duckHold is how long a track counts as heard after its last sound.
	duckHold = 400 * time.Millisecond

	// audible is the level from which on a track is heard: -50 dB.
	audible = 0.00316
)

// ErrTracks reports a mixer that has as many tracks as it may.
var ErrTracks = errors.New("pcm: the mixer has as many tracks as it may")

// A Mixer is a [Source] that is the sum of its tracks. ReadPCM is for one
// goroutine, everything else for any: tracks are added and changed while it plays.
//
// A mixer waits for no track that can tell that it has nothing yet (see
// [NewBuffer]); a source that waits holds up the others.
type Mixer struct {
	ceiling float32
	duck    float32
	most    int
	ends    bool

	mu     sync.Mutex // guards tracks, closed, and the marked part of each track
	tracks []*Track
	closed bool

	// The rest belongs to ReadPCM.
	active  []*Track
	block   [blockValues]float32
	input   [blockValues]float32
	limiter limiter
	ready   []float32
	flushed bool
}

// NewMixer returns a mixer without tracks.
func NewMixer(c MixerConfig) (*Mixer, error) {
	if c.Ceiling == 0 {
		c.Ceiling = defaultCeiling
	}
	if c.Duck == 0 {
		c.Duck = defaultDuck
	}
	if c.MaxTracks == 0 {
		c.MaxTracks = defaultMaxTracks
	}
	switch {
	case !(c.Ceiling > 0 && c.Ceiling <= 1):
		return nil, fmt.Errorf("pcm: a ceiling of %v is not between 0 and 1", c.Ceiling)
	case !(c.Duck > 0 && c.Duck <= 1):
		return nil, fmt.Errorf("pcm: a duck gain of %v is not between 0 and 1", c.Duck)
	case c.MaxTracks < 0:
		return nil, fmt.Errorf("pcm: at most %d tracks", c.MaxTracks)
	}
	m := &Mixer{ceiling: float32(c.Ceiling), duck: float32(c.Duck), most: c.MaxTracks, ends: c.EndsEmpty}
	m.limiter.gain, m.limiter.next = 1, 1
	return m, nil
}

// A TrackConfig is how a track begins.
type TrackConfig struct {
	Gain     float64       // 1 if it is zero; see [Track.SetGain] for silence
	FadeIn   time.Duration // from silence
	Priority int           // tracks of lower ones are ducked while it is heard
	Paused   bool
}

// Add adds a track, which reads the source until it ends or is stopped. The error
// is [ErrTracks], [ErrClosed], or says what makes no sense.
func (m *Mixer) Add(s Source, c TrackConfig) (*Track, error) {
	if c.Gain == 0 {
		c.Gain = 1
	}
	switch {
	case s == nil:
		return nil, errors.New("pcm: a track without a source")
	case !gainOK(c.Gain):
		return nil, gainError(c.Gain)
	case c.FadeIn < 0:
		return nil, fmt.Errorf("pcm: a fade of %v", c.FadeIn)
	}
	t := &Track{mixer: m, source: s, priority: c.Priority, wanted: float32(c.Gain), duck: 1, done: make(chan struct{})}
	if c.Paused {
		t.mode = trackPaused
	} else {
		t.ramp(t.wanted, max(c.FadeIn, time.Millisecond))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closed:
		return nil, ErrClosed
	case len(m.tracks) >= m.most:
		return nil, ErrTracks
	}
	m.tracks = append(m.tracks, t)
	return t, nil
}

// Close ends the mixer: ReadPCM returns what is in the limiter, and then io.EOF. All
// tracks are stopped.
func (m *Mixer) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrClosed
	}
	m.closed = true
	for _, t := range m.tracks {
		close(t.done)
	}
	m.tracks = nil
	return nil
}

// ReadPCM implements [Source].
func (m *Mixer) ReadPCM(p []float32) (n int, err error) {
	for n < len(p) {
		if len(m.ready) == 0 && !m.mix() {
			if n == 0 && len(p) > 0 {
				return 0, io.EOF
			}
			return n, nil
		}
		k := copy(p[n:], m.ready)
		n += k
		m.ready = m.ready[k:]
	}
	return n, nil
}

// mix makes the next block. It reports false at the end.
func (m *Mixer) mix() bool {
	priority, more := m.plan()
	if !more {
		if m.flushed {
			return false
		}
		m.flushed = true
		clear(m.block[:])
		m.ready = m.limiter.pass(m.block[:], m.ceiling)
		return true
	}
	clear(m.block[:])
	for _, t := range m.active {
		m.add(t, priority)
	}
	m.settle()
	m.ready = m.limiter.pass(m.block[:], m.ceiling)
	return true
}

// plan decides the gains of a block, and the highest priority that is heard.
func (m *Mixer) plan() (priority int, more bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.active = m.active[:0]
	if m.closed || m.ends && len(m.tracks) == 0 {
		return 0, false
	}
	priority = math.MinInt
	for _, t := range m.tracks {
		if t.mode == trackPaused {
			continue
		}
		t.from, t.to = t.advance()
		m.active = append(m.active, t)
		if t.heard > 0 {
			priority = max(priority, t.priority)
		}
	}
	return priority, true
}

// add adds a track to the block.
func (m *Mixer) add(t *Track, priority int) {
	n := t.read(m.input[:])
	before := t.duck
	t.duck = m.ducked(t, priority)
	from, to := t.from*before, t.to*t.duck
	step := (to - from) / blockSamples
	var peak uint32
	gain := from
	in, out := m.input[:n], m.block[:n]
	for i := 0; i+1 < len(in) && i+1 < len(out); i += 2 {
		l, r := in[i]*gain, in[i+1]*gain
		out[i] += l
		out[i+1] += r
		peak = max(peak, magnitude(l), magnitude(r))
		gain += step
	}
	if math.Float32frombits(peak) >= audible*t.duck {
		t.heard = int(duckHold * Rate / time.Second)
	} else {
		t.heard = max(t.heard-blockSamples, 0)
	}
}

// magnitude returns the bits of the absolute value, which compare like the numbers;
// those of infinities and of what is no number are larger than all others.
func magnitude(v float32) uint32 { return math.Float32bits(v) &^ (1 << 31) }

// ducked returns the next duck gain of a track.
func (m *Mixer) ducked(t *Track, priority int) float32 {
	if t.priority < priority {
		return max(t.duck-(1-m.duck)*blockSamples/float32(duckAttack*Rate/time.Second), m.duck)
	}
	return min(t.duck+(1-m.duck)*blockSamples/float32(duckRelease*Rate/time.Second), 1)
}

// settle ends what has come to its end.
func (m *Mixer) settle() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	m.tracks = slices.DeleteFunc(m.tracks, func(t *Track) bool {
		if t.left > 0 || t.gain > 0 {
			return t.finish(t.ended)
		}
		if t.mode == trackPausing {
			t.mode = trackPaused
		}
		return t.finish(t.ended || t.mode == trackStopping)
	})
}

// gainOK allows up to 24 dB.
func gainOK(g float64) bool { return g >= 0 && g <= 16 }

func gainError(g float64) error { return fmt.Errorf("pcm: a gain of %v is not between 0 and 16", g) }

// A limiter keeps values below a ceiling. It is one block late, so that its gain
// is down before a peak comes.
type limiter struct {
	held       [blockValues]float32
	out        [blockValues]float32
	gain, next float32 // at the beginning of the held block, and what that needs
}

// release is by how much the gain rises in a block: to full scale in 200 ms or so.
const release = 0.0125

// pass takes a block and returns the one before.
func (l *limiter) pass(in []float32, ceiling float32) []float32 {
	var bits uint32
	for _, v := range in {
		bits = max(bits, magnitude(v))
	}
	if bits > magnitude(math.MaxFloat32) { // a track brought no numbers
		bits = 0
		for i, v := range in {
			if magnitude(v) > magnitude(math.MaxFloat32) {
				in[i] = 0
			}
			bits = max(bits, magnitude(in[i]))
		}
	}
	need := float32(1)
	if peak := math.Float32frombits(bits); peak > ceiling {
		need = ceiling / peak
	}
	// The gain at the end of the held block suits that block and the next one.
	end := min(l.next, need, l.gain+release)
	if l.gain == 1 && end == 1 {
		copy(l.out[:], l.held[:])
	} else {
		gain, step := l.gain, (end-l.gain)/blockSamples
		for i := 0; i < blockValues; i += 2 {
			l.out[i], l.out[i+1] = l.held[i]*gain, l.held[i+1]*gain
			gain += step
		}
	}
	copy(l.held[:], in)
	l.gain, l.next = end, need
	return l.out[:]
}
