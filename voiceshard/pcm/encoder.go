package pcm

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/discordpkg/gateway/voiceshard/audio"
)

// An EncoderConfig is how to encode. The zero value is music at 96 kb/s.
type EncoderConfig struct {
	// Bitrate in bits per second, 6,000 to 510,000; 96,000 by default, or 32,000
	// for voice. That of a channel is its field bitrate. Voice below 20 kb/s
	// takes up to 22 % more than it is told.
	Bitrate int

	// Voice makes the codec one for speech, which is encoded as one channel. The
	// default is one for music, in stereo.
	Voice bool

	// Complexity is 1 (cheap) to 10, 9 by default.
	Complexity int

	// FEC adds to each packet a coarse copy of the one before, for listeners who
	// lost that. It costs bits, works at speech bitrates only, and makes the sound
	// mono.
	FEC bool

	// Loss is the share of packets that are expected to be lost, in percent, 0
	// to 100. FEC does nothing without it. See [Encoder.SetLoss].
	Loss int

	// DTX sends next to nothing while the sound is silent.
	DTX bool

	// Codec replaces [Gopus].
	Codec Codec
}

const (
	minBitrate          = 6_000
	maxBitrate          = 510_000
	defaultMusicBitrate = 96_000
	defaultVoiceBitrate = 32_000
	defaultComplexity   = 9
)

// settings returns what a codec is made for, with defaults.
func (c EncoderConfig) settings() (s EncoderSettings, err error) {
	s = EncoderSettings{Bitrate: c.Bitrate, Complexity: c.Complexity, Loss: c.Loss, FEC: c.FEC, DTX: c.DTX, Voice: c.Voice}
	if s.Bitrate == 0 {
		s.Bitrate = defaultMusicBitrate
		if c.Voice {
			s.Bitrate = defaultVoiceBitrate
		}
	}
	if s.Complexity == 0 {
		s.Complexity = defaultComplexity
	}
	switch {
	case s.Bitrate < minBitrate || s.Bitrate > maxBitrate:
		return s, bitrateError(s.Bitrate)
	case s.Complexity < 1 || s.Complexity > 10:
		return s, fmt.Errorf("pcm: complexity %d is not between 1 and 10", s.Complexity)
	case s.Loss < 0 || s.Loss > 100:
		return s, lossError(s.Loss)
	}
	return s, nil
}

func bitrateError(b int) error {
	return fmt.Errorf("pcm: bitrate %d is not between %d and %d bits per second", b, minBitrate, maxBitrate)
}

func lossError(p int) error {
	return fmt.Errorf("pcm: a loss of %d %% is not between 0 and 100", p)
}

// An Encoder reads sound and returns packets of Opus, 20 ms each: it is an
// [audio.Source] for voiceshard's Session.Play, and for an [audio.OggWriter] with
// [Encoder.Head]. The last packet is filled up with silence, and as much silence
// follows as the codec needs to give out the end of the sound.
//
// ReadFrame, Seek, Position and Length are for one goroutine, SetBitrate,
// SetLoss and Stats for any.
type Encoder struct {
	source   Source
	codec    Codec
	encoder  FrameEncoder
	frame    []float32
	packet   []byte
	position int64 // values of the source that were read
	owed     int   // samples that the codec has not given out
	ended    bool

	mu       sync.Mutex // guards what follows
	settings EncoderSettings
	changed  bool
	stats    EncoderStats
}

// EncoderStats are what an [Encoder] did.
type EncoderStats struct {
	Frames  uint64
	Bytes   uint64
	Clipped uint64 // values that were beyond full scale or no numbers
	Failed  uint64 // frames that the codec could not encode; they are silence
}

// NewEncoder returns an encoder that reads a source. The source must not be used
// elsewhere meanwhile.
func NewEncoder(source Source, config EncoderConfig) (*Encoder, error) {
	if source == nil {
		return nil, errors.New("pcm: an encoder without a source")
	}
	settings, err := config.settings()
	if err != nil {
		return nil, err
	}
	codec := config.Codec
	if codec.NewEncoder == nil {
		codec = Gopus
	}
	e := &Encoder{
		source: source, codec: codec, settings: settings,
		frame: make([]float32, frameValues), packet: make([]byte, MaxPacket),
	}
	if e.encoder, err = codec.NewEncoder(settings); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCodec, err)
	}
	e.owed = e.encoder.LookAhead()
	return e, nil
}

// Head returns the header for an [audio.OggWriter]: players leave out what the
// codec is late by.
func (e *Encoder) Head() audio.OpusHead {
	return audio.OpusHead{Channels: Channels, PreSkip: e.encoder.LookAhead(), InputSampleRate: Rate}
}

// SetBitrate changes the bits per second from the next packet on.
func (e *Encoder) SetBitrate(bitrate int) error {
	if bitrate < minBitrate || bitrate > maxBitrate {
		return bitrateError(bitrate)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settings.Bitrate, e.changed = bitrate, true
	return nil
}

// SetLoss changes the expected loss in percent from the next packet on.
func (e *Encoder) SetLoss(percent int) error {
	if percent < 0 || percent > 100 {
		return lossError(percent)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settings.Loss, e.changed = percent, true
	return nil
}

// Stats returns what the encoder did.
func (e *Encoder) Stats() EncoderStats {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stats
}

// ReadFrame implements [audio.Source]: the packet is valid until the next call.
// Behind the end it returns io.EOF. Other errors are those of the source. A codec
// that fails makes a packet of silence, is replaced by a new one, and is counted.
func (e *Encoder) ReadFrame() ([]byte, error) {
	if e.ended {
		return nil, io.EOF
	}
	n, err := readFull(e.source, e.frame)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("pcm: encode: %w", err)
	}
	e.position += int64(n)
	if n < len(e.frame) {
		clear(e.frame[n:])
		// What the codec is late by follows the end.
		if e.owed -= FrameSamples - n/Channels; e.owed <= 0 {
			e.ended = true
		}
		if n == 0 && e.position == 0 {
			return nil, io.EOF // there was no sound at all
		}
	}
	return e.encode()
}

// encode encodes the frame.
func (e *Encoder) encode() ([]byte, error) {
	clipped := sanitize(e.frame)
	settings, changed := e.take()
	n, err := guard(func() (int, error) {
		if changed {
			if err := errors.Join(e.encoder.SetBitrate(settings.Bitrate), e.encoder.SetLoss(settings.Loss)); err != nil {
				return 0, err
			}
		}
		return e.encoder.Encode(e.frame, e.packet)
	})
	failed := err != nil || n <= 0 || n > len(e.packet)
	if failed {
		fresh, err := e.codec.NewEncoder(settings)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCodec, err)
		}
		e.encoder = fresh
		n = copy(e.packet, silentPacket)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stats.Frames++
	e.stats.Bytes += uint64(n)
	e.stats.Clipped += uint64(clipped)
	if failed {
		e.stats.Failed++
	}
	return e.packet[:n], nil
}

// silentPacket is 20 ms of silence: CELT, fullband, one frame.
//
// https://www.rfc-editor.org/rfc/rfc6716#section-3.1
const silentPacket = "\xf8\xff\xfe"

// take returns the settings, and whether they have changed since the last call.
func (e *Encoder) take() (s EncoderSettings, changed bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	changed, e.changed = e.changed, false
	return e.settings, changed
}

// Position implements [audio.Positioner].
func (e *Encoder) Position() time.Duration { return span(e.position) }

// Length implements [audio.Lengther]: it is that of the source.
func (e *Encoder) Length() (time.Duration, bool) {
	if l, ok := e.source.(Lengther); ok {
		return l.Length()
	}
	return 0, false
}

// Seek implements [audio.Seeker]. The error is [audio.ErrNotSeekable] if the
// source cannot seek.
func (e *Encoder) Seek(to time.Duration) error {
	s, ok := e.source.(Seeker)
	if !ok {
		return audio.ErrNotSeekable
	}
	to = max(to, 0)
	if err := s.Seek(to); err != nil {
		if errors.Is(err, ErrNotSeekable) {
			return audio.ErrNotSeekable
		}
		return fmt.Errorf("pcm: seek: %w", err)
	}
	if length, ok := e.Length(); ok {
		to = min(to, length)
	}
	e.position, e.ended, e.owed = valuesIn(to), false, e.encoder.LookAhead()
	return nil
}
