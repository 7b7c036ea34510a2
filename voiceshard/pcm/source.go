package pcm

import (
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

const (
	// Rate is the number of samples in a second of each channel.
	Rate = 48000

	// Channels is the number of channels of every [Source].
	Channels = 2

	// FrameTime is how long a packet of an [Encoder] is.
	FrameTime = 20 * time.Millisecond

	// FrameSamples is the number of samples of each channel in a packet.
	FrameSamples = Rate / 50

	// frameValues is the number of values in a packet, of all channels.
	frameValues = FrameSamples * Channels
)

// A Source is a stream of sound: 48 kHz, stereo, interleaved.
type Source interface {
	// ReadPCM reads up to len(p) values, an even number of them, and returns
	// how many it read. len(p) is even. At the end it returns 0 and io.EOF.
	// It returns less than asked for only if the rest is not there yet, or at
	// the end.
	ReadPCM(p []float32) (n int, err error)
}

// A Lengther is a [Source] that may know how long it is.
type Lengther interface {
	// Length returns the playing time, and whether it is known.
	Length() (time.Duration, bool)
}

// A Seeker is a [Source] that can go elsewhere.
type Seeker interface {
	// Seek makes the next value one from the time to. Before the beginning is
	// the beginning, behind the end is the end. The error is [ErrNotSeekable]
	// if there is no way back.
	Seek(to time.Duration) error
}

// Errors that callers test for.
var (
	// ErrFormat reports a malformed file. The message says where.
	ErrFormat = errors.New("pcm: malformed file")

	// ErrUnknown reports a file whose format is not known: [Open] knows WAV and
	// Opus, and what was imported besides.
	ErrUnknown = errors.New("pcm: unknown format: neither WAV nor Opus; import pcm/mp3, pcm/flac or pcm/vorbis for those")

	// ErrNotSeekable reports a source without a way back.
	ErrNotSeekable = errors.New("pcm: the source cannot seek")

	// ErrClosed reports the use of something that was closed.
	ErrClosed = errors.New("pcm: closed")
)

// span returns how long a number of values is.
func span(values int64) time.Duration {
	return time.Duration(values/Channels) * time.Second / Rate
}

// valuesIn returns how many values a time has.
func valuesIn(d time.Duration) int64 {
	return int64(d/time.Second)*Rate*Channels + int64(d%time.Second)*Rate/int64(time.Second)*Channels
}

// readFull fills p from a source, and returns how much it got. The error is
// io.EOF only if that is nothing.
func readFull(s Source, p []float32) (n int, err error) {
	for empty := 0; n < len(p); {
		k, err := s.ReadPCM(p[n:])
		n += k
		switch {
		case err == io.EOF && n > 0:
			return n, nil
		case err != nil:
			return n, err
		case k > 0:
			empty = 0
		default:
			if empty++; empty >= maxEmptyReads {
				return n, io.ErrNoProgress
			}
		}
	}
	return n, nil
}

// maxEmptyReads is how often in a row a source may return nothing without an
// error.
const maxEmptyReads = 100

// sanitize makes samples that a codec can take: what is no number becomes
// silence, what is beyond full scale is clipped. It returns how many it changed.
func sanitize(p []float32) (changed int) {
	for i, v := range p {
		switch {
		case v >= -1 && v <= 1:
		case v > 1 && v <= math.MaxFloat32:
			p[i] = 1
			changed++
		case v < -1 && v >= -math.MaxFloat32:
			p[i] = -1
			changed++
		default: // NaN and infinities
			p[i] = 0
			changed++
		}
	}
	return changed
}

// A FormatError says what is wrong with a file, and where. It is an [ErrFormat],
// and what caused it.
type FormatError struct {
	Format string // "wav", "mp3", ...
	Offset int64  // in bytes, of the part that is wrong; -1: not known
	Reason string
	Err    error // what caused it, or nil
}

func (e *FormatError) Error() string {
	at := ""
	if e.Offset >= 0 {
		at = fmt.Sprintf("at byte %d: ", e.Offset)
	}
	cause := ""
	if e.Err != nil {
		cause = ": " + e.Err.Error()
	}
	return "pcm: " + e.Format + ": " + at + e.Reason + cause
}

// Is reports whether target is [ErrFormat].
func (e *FormatError) Is(target error) bool { return target == ErrFormat }

// Unwrap returns the cause.
func (e *FormatError) Unwrap() error { return e.Err }
