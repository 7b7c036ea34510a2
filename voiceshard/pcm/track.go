package pcm

import (
	"fmt"
	"io"
	"time"
)

// A Track is one sound of a [Mixer]. It is safe for concurrent use.
type Track struct {
	mixer    *Mixer
	source   Source
	priority int
	done     chan struct{}

	// Guarded by the mixer's mutex.
	mode   trackMode
	wanted float32 // gain while it plays
	gain   float32
	target float32
	left   int // samples until the gain is the target
	err    error

	// The rest belongs to ReadPCM.
	from, to float32 // gain in the block
	duck     float32
	heard    int // samples for which it still counts as heard
	ended    bool
	failed   error
	position int64 // values; guarded by the mixer's mutex
	read1    int64 // values that were read since the last settle
	late     uint64
}

type trackMode uint8

const (
	trackPlaying trackMode = iota
	trackPausing
	trackPaused
	trackStopping
)

// ramp moves the gain. The caller holds the mixer's mutex, or owns the track.
func (t *Track) ramp(to float32, over time.Duration) {
	t.target = to
	t.left = max(int(valuesIn(over)/Channels), 1)
}

// advance returns the gain at the beginning and at the end of a block.
func (t *Track) advance() (from, to float32) {
	from = t.gain
	if n := min(t.left, blockSamples); n > 0 {
		t.gain += (t.target - t.gain) * float32(n) / float32(t.left)
		t.left -= n
	}
	if t.left == 0 {
		t.gain = t.target
	}
	return from, t.gain
}

// read fills a block, with silence where the source has nothing, and returns the
// length of the sound.
func (t *Track) read(p []float32) (n int) {
	if t.ended {
		return 0
	}
	if s, ok := t.source.(tryReader); ok {
		n, t.failed = s.tryReadPCM(p)
		if n < len(p) && t.failed == nil {
			t.late++
		}
	} else {
		n, t.failed = readFull(t.source, p)
	}
	t.ended = t.failed != nil
	t.read1 += int64(n)
	return n
}

// finish accounts for a block, and reports whether the track is over. The caller
// holds the mixer's mutex.
func (t *Track) finish(over bool) bool {
	t.position += t.read1
	t.read1 = 0
	if !over {
		return false
	}
	if t.failed != nil && t.failed != io.EOF {
		t.err = fmt.Errorf("pcm: track: %w", t.failed)
	}
	close(t.done)
	return true
}

// SetGain changes the gain, 0 to 16, over a time. Changes at once would click: the
// least is 2.5 ms.
func (t *Track) SetGain(gain float64, over time.Duration) error {
	if !gainOK(gain) {
		return gainError(gain)
	}
	if over < 0 {
		return fmt.Errorf("pcm: a fade of %v", over)
	}
	t.mixer.mu.Lock()
	defer t.mixer.mu.Unlock()
	t.wanted = float32(gain)
	if t.mode == trackPlaying {
		t.ramp(t.wanted, over)
	}
	return nil
}

// Pause stops reading the source, after a fade of 10 ms.
func (t *Track) Pause() {
	t.mixer.mu.Lock()
	defer t.mixer.mu.Unlock()
	if t.mode == trackPlaying {
		t.mode = trackPausing
		t.ramp(0, pauseFade)
	}
}

// Resume goes on after a pause.
func (t *Track) Resume() {
	t.mixer.mu.Lock()
	defer t.mixer.mu.Unlock()
	if t.mode == trackPausing || t.mode == trackPaused {
		t.mode = trackPlaying
		t.ramp(t.wanted, pauseFade)
	}
}

// Stop ends the track after a fade: a longer one for a cross-fade.
func (t *Track) Stop(fade time.Duration) {
	t.mixer.mu.Lock()
	defer t.mixer.mu.Unlock()
	t.mode = trackStopping
	t.ramp(0, max(fade, pauseFade))
}

// Done is closed when the track is over.
func (t *Track) Done() <-chan struct{} { return t.done }

// Err returns why the track ended: nil at the end of the source, after Stop, and
// while it plays.
func (t *Track) Err() error {
	t.mixer.mu.Lock()
	defer t.mixer.mu.Unlock()
	return t.err
}

// Position returns how much of the source was played.
func (t *Track) Position() time.Duration {
	t.mixer.mu.Lock()
	defer t.mixer.mu.Unlock()
	return span(t.position)
}

// tryReader is a source that does not wait.
type tryReader interface {
	// tryReadPCM is ReadPCM, but returns what there is, which may be nothing.
	tryReadPCM(p []float32) (n int, err error)
}
