package pcm

import (
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/discordpkg/gateway/voiceshard/audio"
)

// A Decoder decodes a file of Opus: it is a [Source] over the readers of package
// audio. Packets that cannot be decoded are concealed and counted.
type Decoder struct {
	source  audio.Source
	decoder *guarded
	buffer  []float32
	ready   []float32 // of the buffer: not yet returned
	skip    int64     // samples that are not for the ear
	gain    float32
	last    int // samples of the last packet
	at      int64
	failed  uint64
}

// seekLead is how much is decoded before a position to swing in.
//
// https://www.rfc-editor.org/rfc/rfc7845#section-4.6
const seekLead = 80 * time.Millisecond

// NewDecoder returns a decoder of a source, with [Gopus].
func NewDecoder(source audio.Source) (*Decoder, error) { return Gopus.NewFileDecoder(source) }

// NewFileDecoder is [NewDecoder] with another codec.
func (c Codec) NewFileDecoder(source audio.Source) (*Decoder, error) {
	if source == nil {
		return nil, errors.New("pcm: a decoder without a source")
	}
	g, err := newGuarded(c)
	if err != nil {
		return nil, err
	}
	d := &Decoder{source: source, decoder: g, buffer: make([]float32, MaxSamples*Channels), gain: 1}
	if h, ok := source.(interface{ Head() audio.OpusHead }); ok {
		if _, knows := source.(audio.Positioner); !knows {
			d.skip = int64(h.Head().PreSkip)
		}
		d.gain = float32(math.Pow(10, float64(h.Head().Gain)/256/20))
	}
	return d, nil
}

// ReadPCM implements [Source].
func (d *Decoder) ReadPCM(p []float32) (int, error) {
	for len(d.ready) == 0 {
		if err := d.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, d.ready)
	d.ready = d.ready[n:]
	d.at += int64(n)
	return n, nil
}

// next decodes a packet.
func (d *Decoder) next() error {
	before, _ := d.played()
	packet, err := d.source.ReadFrame()
	if err != nil {
		if err == io.EOF {
			return err
		}
		return fmt.Errorf("pcm: decode: %w", err)
	}
	n, err := d.decoder.do(d.buffer, func(f FrameDecoder) (int, error) { return f.Decode(packet, d.buffer) })
	if err != nil {
		d.failed++
		n = d.last
		clear(d.buffer[:n*Channels])
	}
	d.last = n
	first, last := d.heard(before, int64(n))
	skipped := min(d.skip, last-first)
	d.skip -= skipped
	d.ready = d.buffer[(first+skipped)*Channels : last*Channels]
	if d.gain != 1 {
		for i := range d.ready {
			d.ready[i] *= d.gain
		}
	}
	return nil
}

// played returns the position of the source in samples, if it knows that.
func (d *Decoder) played() (samples int64, ok bool) {
	p, ok := d.source.(audio.Positioner)
	if !ok {
		return 0, false
	}
	return int64(math.Round(p.Position().Seconds() * Rate)), true
}

// heard returns which of the n samples of the packet are for the ear. A file
// leaves out samples of its first packets, which the codec is late by, and of its
// last one.
//
// https://www.rfc-editor.org/rfc/rfc7845#section-4.2
func (d *Decoder) heard(before, n int64) (first, last int64) {
	after, ok := d.played()
	if !ok || after-before >= n || after < before {
		return 0, n
	}
	if before == 0 {
		return n - after, n
	}
	return 0, after - before
}

// Failed returns how many packets could not be decoded.
func (d *Decoder) Failed() uint64 { return d.failed }

// Position returns the playing time at which the next value is.
func (d *Decoder) Position() time.Duration { return span(d.at) }

// Length implements [Lengther].
func (d *Decoder) Length() (time.Duration, bool) {
	if l, ok := d.source.(audio.Lengther); ok {
		return l.Length()
	}
	return 0, false
}

// Seek implements [Seeker].
func (d *Decoder) Seek(to time.Duration) error {
	s, ok := d.source.(audio.Seeker)
	if !ok {
		return ErrNotSeekable
	}
	to = max(to, 0)
	if err := s.Seek(max(to-seekLead, 0)); err != nil {
		if errors.Is(err, audio.ErrNotSeekable) {
			return ErrNotSeekable
		}
		return fmt.Errorf("pcm: seek: %w", err)
	}
	d.decoder.decoder.Reset()
	d.ready, d.at = nil, valuesIn(to)
	d.skip = 0
	if at, ok := d.played(); ok {
		d.skip = max(valuesIn(to)/Channels-at, 0)
	}
	return nil
}
