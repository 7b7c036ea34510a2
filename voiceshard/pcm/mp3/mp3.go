// Package mp3 reads MP3 files as sound of package pcm. Importing it makes pcm.Open
// recognize them. What an encoder put in front and behind is left out where the
// file says how much that is (the LAME tag), so that albums play without gaps.
//
// The decoder is github.com/hajimehoshi/go-mp3.
package mp3

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"time"

	"github.com/hajimehoshi/go-mp3"

	"github.com/discordpkg/gateway/voiceshard/pcm"
	"github.com/discordpkg/gateway/voiceshard/pcm/internal/foreign"
)

func init() {
	pcm.Register(pcm.FileFormat{Name: format, Match: matches, Open: func(r io.Reader) (pcm.Source, error) { return NewReader(r) }})
}

const format = "mp3"

// matches reports whether a file begins with a tag or a frame.
func matches(start []byte) bool {
	if bytes.HasPrefix(start, []byte("ID3")) {
		return true
	}
	_, ok := parseFrame(start)
	return ok
}

// A Reader reads an MP3 file. It is a pcm.Source, and seeks if the file can. It is
// not safe for concurrent use.
type Reader struct {
	decoder *mp3.Decoder
	tag     tag
	seeker  bool
	source  pcm.Source
	at      int64 // values that were returned
}

// frameBytes is a sample of both channels as the decoder returns it.
const frameBytes = 4

// decoderDelay is by how many samples every decoder of MP3 is late.
const decoderDelay = 529

// lead is how many samples are decoded before the place of a Seek: a frame may have
// a part of its bits in the nine before it.
const lead = 10 * 1152

// NewReader reads the beginning of a file. The error is a pcm.ErrFormat, or that of r.
func NewReader(r io.Reader) (*Reader, error) {
	m := &Reader{}
	r, err := m.open(r)
	if err != nil {
		return nil, err
	}
	err = foreign.Guard(format, func() error {
		m.decoder, err = mp3.NewDecoder(r)
		return err
	})
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, foreign.Wrong(format, "no frame can be decoded", err)
	}
	return m, m.begin(0)
}

// open skips the tags in front, which the decoder would read into memory as large
// as they say they are, and the frame that holds the LAME tag.
func (m *Reader) open(r io.Reader) (io.Reader, error) {
	section, seekable := foreign.NewSection(r)
	b := bufio.NewReaderSize(r, 8192)
	skipped, err := skipID3(b)
	if err != nil {
		return nil, foreign.Wrong(format, "the ID3 tag", err)
	}
	start, err := b.Peek(b.Size())
	if err != nil && err != io.EOF {
		return nil, foreign.Wrong(format, "read", err)
	}
	m.tag = parseTag(start)
	if !seekable {
		_, err := b.Discard(m.tag.frame)
		return foreign.Only(b), err
	}
	m.seeker = true
	if _, err := section.Seek(skipped+int64(m.tag.frame), io.SeekStart); err != nil {
		return nil, foreign.Wrong(format, "seek", err)
	}
	section, _ = foreign.NewSection(r)
	return section, nil
}

// skipID3 reads over the tags in front of the sound.
//
// https://id3.org/id3v2.4.0-structure
func skipID3(b *bufio.Reader) (skipped int64, err error) {
	for {
		h, err := b.Peek(10)
		if err != nil || string(h[:3]) != "ID3" {
			return skipped, nil // the decoder says what is wrong with it
		}
		size := int64(h[6]&0x7f)<<21 | int64(h[7]&0x7f)<<14 | int64(h[8]&0x7f)<<7 | int64(h[9]&0x7f)
		n, err := io.CopyN(io.Discard, b, 10+size)
		if skipped += n; err == io.EOF {
			return skipped, io.ErrUnexpectedEOF
		} else if err != nil {
			return skipped, err
		}
	}
}

// begin reads from a sample of the sound on.
func (m *Reader) begin(sample int64) error {
	rate := m.decoder.SampleRate()
	raw := io.Reader(guarded{m.decoder})
	if m.tag.samples >= 0 {
		raw = io.LimitReader(raw, max(m.tag.samples-sample, 0)*frameBytes)
	}
	if sample == 0 {
		if _, err := io.CopyN(io.Discard, guarded{m.decoder}, m.tag.delay*frameBytes); err != nil && err != io.EOF {
			return foreign.Wrong(format, "decode", err)
		}
	}
	var err error
	m.source, err = pcm.SourceOf(raw, pcm.Format{Rate: rate})
	m.at = sample * pcm.Rate / int64(rate) * pcm.Channels
	return foreign.Wrong(format, "the rate", err)
}

// guarded is a reader whose panics are errors.
type guarded struct{ r io.Reader }

func (g guarded) Read(p []byte) (n int, err error) {
	err = foreign.Guard(format, func() error {
		var err error
		n, err = g.r.Read(p)
		return err
	})
	return n, err
}

// ReadPCM implements pcm.Source.
func (m *Reader) ReadPCM(p []float32) (int, error) {
	n, err := m.source.ReadPCM(p)
	m.at += int64(n)
	return n, foreign.Wrong(format, "decode", err)
}

// Position returns the playing time at which the next value is.
func (m *Reader) Position() time.Duration {
	return time.Duration(m.at/pcm.Channels) * time.Second / pcm.Rate
}

// samples returns the samples of the file, at its rate.
func (m *Reader) samples() (int64, bool) {
	if m.tag.samples >= 0 {
		return m.tag.samples, true
	}
	n := m.decoder.Length()
	return n / frameBytes, n >= 0
}

// Length implements pcm.Lengther.
func (m *Reader) Length() (time.Duration, bool) {
	n, ok := m.samples()
	if !ok {
		return 0, false
	}
	return time.Duration(n) * time.Second / time.Duration(m.decoder.SampleRate()), true
}

// Seek implements pcm.Seeker.
func (m *Reader) Seek(to time.Duration) error {
	if !m.seeker {
		return pcm.ErrNotSeekable
	}
	samples, _ := m.samples()
	rate := int64(m.decoder.SampleRate())
	to = max(to, 0)
	sample := min(int64(to/time.Second)*rate+int64(to%time.Second)*rate/int64(time.Second), samples)
	err := foreign.Guard(format, func() error {
		at := (sample + m.tag.delay) * frameBytes
		if sample == 0 {
			at = 0
		}
		from := max(at-lead*frameBytes, 0)
		if _, err := m.decoder.Seek(from, io.SeekStart); err != nil {
			return err
		}
		_, err := io.CopyN(io.Discard, m.decoder, at-from)
		if err == io.EOF {
			err = nil // the end is where it shall be
		}
		return err
	})
	if err != nil {
		return foreign.Wrong(format, "seek", errors.Join(pcm.ErrNotSeekable, err))
	}
	return m.begin(sample)
}

// A tag is what the first frame says instead of sound.
type tag struct {
	frame   int   // bytes of it, 0: there is none
	delay   int64 // samples to leave out in front
	samples int64 // that follow, -1: not known
}

// frameOf is the header of a frame.
//
// http://www.mp3-tech.org/programmer/frame_header.html
type frameOf struct {
	size    int // bytes
	side    int // bytes between the header and the sound
	samples int64
}

// Bit rates in kb/s and sample rates in Hz of layer III, of MPEG 1 and of MPEG 2.
var (
	bitRates = [2][15]int{
		{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
		{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
	}
	sampleRates = [3]int{44100, 48000, 32000}
)

func parseFrame(b []byte) (f frameOf, ok bool) {
	if len(b) < 4 || b[0] != 0xff || b[1]&0xe6 != 0xe2 { // the layer is III
		return f, false
	}
	version, rateIndex, frequency := b[1]>>3&3, b[2]>>4, b[2]>>2&3
	if version == 1 || rateIndex == 0 || rateIndex == 15 || frequency == 3 {
		return f, false
	}
	mono := b[3]>>6 == 3
	low, rate := 0, sampleRates[frequency]
	f.samples, f.side = 1152, 32
	if mono {
		f.side = 17
	}
	if version != 3 { // MPEG 2 or 2.5
		low, f.samples, f.side = 1, 576, 17
		if mono {
			f.side = 9
		}
		rate /= 2
		if version == 0 {
			rate /= 2
		}
	}
	f.size = int(f.samples)/8*bitRates[low][rateIndex]*1000/rate + int(b[2]>>1&1)
	return f, true
}

// parseTag reads the Xing and LAME tags of the first frame.
//
// http://gabriel.mp3-tech.org/mp3infotag.html
func parseTag(b []byte) tag {
	none := tag{samples: -1}
	f, ok := parseFrame(b)
	at := 4 + f.side
	if !ok || f.size > len(b) || at+8 > f.size {
		return none
	}
	if id := string(b[at : at+4]); id != "Xing" && id != "Info" {
		return none
	}
	t := tag{frame: f.size, samples: -1}
	flags := binary.BigEndian.Uint32(b[at+4:])
	at += 8
	frames := int64(-1)
	for bit, size := range []int{4, 4, 100, 4} { // frames, bytes, contents, quality
		if flags>>bit&1 == 0 {
			continue
		}
		if at+size > f.size {
			return t
		}
		if bit == 0 {
			frames = int64(binary.BigEndian.Uint32(b[at:]))
		}
		at += size
	}
	if at+24 > f.size {
		return t
	}
	both := int64(b[at+21])<<16 | int64(b[at+22])<<8 | int64(b[at+23])
	delay, padding := both>>12, both&0xfff
	if both == 0 || frames < 0 || frames*f.samples < delay+padding {
		return t
	}
	t.delay = delay + decoderDelay
	t.samples = frames*f.samples - delay - padding
	return t
}
