// Package vorbis reads Ogg Vorbis files as sound of package pcm. Importing it makes
// pcm.Open recognize them.
//
// The decoder is github.com/jfreymuth/oggvorbis, which allocates what the headers
// of a file claim, and panics on some files: the headers are checked here before it
// sees them, and a panic is an error.
package vorbis

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"time"

	"github.com/jfreymuth/oggvorbis"

	"github.com/discordpkg/gateway/voiceshard/pcm"
	"github.com/discordpkg/gateway/voiceshard/pcm/internal/foreign"
)

func init() {
	pcm.Register(pcm.FileFormat{
		Name: format,
		Match: func(start []byte) bool {
			return bytes.HasPrefix(start, []byte("OggS")) && bytes.Contains(start, []byte("\x01vorbis"))
		},
		Open: func(r io.Reader) (pcm.Source, error) { return NewReader(r) },
	})
}

const format = "vorbis"

// A Reader reads an Ogg Vorbis file. It is a pcm.Source, and seeks if the file can.
// It is not safe for concurrent use.
type Reader struct {
	decoder *oggvorbis.Reader
	seeker  bool
	source  pcm.Source
	values  []float32
	raw     []byte // not yet read
	buffer  []byte
	at      int64 // values that were returned
}

// NewReader reads the headers of a file. The error is a pcm.ErrFormat, or that of r.
func NewReader(r io.Reader) (*Reader, error) {
	v := &Reader{}
	section, seekable := foreign.NewSection(r)
	headers, err := readHeaders(r)
	if err != nil {
		return nil, foreign.Wrong(format, "the headers", unexpected(err))
	}
	in := foreign.Only(io.MultiReader(bytes.NewReader(headers), r))
	if seekable {
		if _, err := section.Seek(0, io.SeekStart); err != nil {
			return nil, foreign.Wrong(format, "seek", err)
		}
		v.seeker, in = true, section
	}
	err = foreign.Guard(format, func() (err error) {
		v.decoder, err = oggvorbis.NewReader(in)
		return err
	})
	if err != nil {
		return nil, foreign.Wrong(format, "the headers", unexpected(err))
	}
	v.values = make([]float32, 1024*v.decoder.Channels())
	return v, v.begin()
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// begin converts what is decoded from here on.
func (v *Reader) begin() (err error) {
	v.raw = nil
	v.source, err = pcm.SourceOf((*samples)(v), pcm.Format{Sample: pcm.Float32, Rate: v.decoder.SampleRate(), Channels: v.decoder.Channels()})
	return foreign.Wrong(format, "the format", err)
}

// samples is a Reader as raw sound.
type samples Reader

func (s *samples) Read(p []byte) (int, error) {
	v := (*Reader)(s)
	for empty := 0; len(v.raw) == 0; empty++ {
		if empty == 100 {
			return 0, io.ErrNoProgress
		}
		if err := foreign.Guard(format, v.next); err != nil {
			return 0, err
		}
	}
	n := copy(p, v.raw)
	v.raw = v.raw[n:]
	return n, nil
}

// order is where WAV has the channels of Vorbis, for each number of channels.
//
// https://xiph.org/vorbis/doc/Vorbis_I_spec.html#x1-810004.3.9
var order = [...][]int{3: {0, 2, 1}, 5: {0, 2, 1, 3, 4}, 6: {0, 2, 1, 5, 3, 4}, 7: {0, 2, 1, 6, 5, 3, 4}, 8: {0, 2, 1, 7, 5, 6, 3, 4}}

// next decodes some samples.
func (v *Reader) next() error {
	n, err := v.decoder.Read(v.values)
	v.buffer = v.buffer[:0]
	channels := v.decoder.Channels()
	for i := 0; i+channels <= n; i += channels {
		frame := v.values[i : i+channels]
		for c := range frame {
			k := c
			if channels < len(order) && order[channels] != nil {
				k = order[channels][c]
			}
			b := math.Float32bits(frame[k])
			v.buffer = append(v.buffer, byte(b), byte(b>>8), byte(b>>16), byte(b>>24))
		}
	}
	v.raw = v.buffer
	if len(v.raw) > 0 {
		return nil // an error comes again
	}
	return err
}

// ReadPCM implements pcm.Source.
func (v *Reader) ReadPCM(p []float32) (int, error) {
	n, err := v.source.ReadPCM(p)
	v.at += int64(n)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF // the file was cut off: what is there was heard
	}
	return n, foreign.Wrong(format, "decode", err)
}

// Position returns the playing time at which the next value is.
func (v *Reader) Position() time.Duration {
	return time.Duration(v.at/pcm.Channels) * time.Second / pcm.Rate
}

// Length implements pcm.Lengther. It is known if the file can seek.
func (v *Reader) Length() (time.Duration, bool) {
	n, rate := v.decoder.Length(), int64(v.decoder.SampleRate())
	if !v.seeker || n <= 0 || n/rate > int64(math.MaxInt64/time.Second) {
		return 0, false
	}
	return time.Duration(n/rate)*time.Second + time.Duration(n%rate)*time.Second/time.Duration(rate), true
}

// Seek implements pcm.Seeker.
func (v *Reader) Seek(to time.Duration) error {
	length, ok := v.Length()
	if !v.seeker || !ok {
		return pcm.ErrNotSeekable
	}
	to = min(max(to, 0), length)
	rate := int64(v.decoder.SampleRate())
	sample := int64(to/time.Second)*rate + int64(to%time.Second)*rate/int64(time.Second)
	if err := foreign.Guard(format, func() error { return v.decoder.SetPosition(sample) }); err != nil {
		return foreign.Wrong(format, "seek", errors.Join(pcm.ErrNotSeekable, err))
	}
	v.at = sample * pcm.Rate / rate * pcm.Channels
	return v.begin()
}

// Limits of the headers.
const (
	maxHeaders  = 1 << 20 // bytes, with cover art in the comments
	maxEntries  = 1 << 16 // of a codebook
	maxValues   = 1 << 18 // of all codebooks
	maxComments = 1 << 12
)

var (
	errHeaders = errors.New("they are too large")
	errClaims  = errors.New("they claim more than they can hold")
)

// readHeaders reads the pages with the three headers, and checks what the decoder
// would allocate.
//
// https://www.rfc-editor.org/rfc/rfc3533#section-6
func readHeaders(r io.Reader) (pages []byte, err error) {
	var packets [][]byte
	var packet []byte
	for len(packets) < 3 {
		start := len(pages)
		if pages, err = readPage(r, pages); err != nil {
			return nil, err
		}
		lacing := pages[start+27 : start+27+int(pages[start+26])]
		body := pages[start+27+len(lacing):]
		for _, n := range lacing {
			packet = append(packet, body[:n]...)
			body = body[n:]
			if n < 255 {
				packets = append(packets, packet)
				packet = nil
			}
		}
	}
	if err := checkComments(packets[1]); err != nil {
		return nil, err
	}
	return pages, checkCodebooks(packets[2])
}

// readPage appends a page.
func readPage(r io.Reader, pages []byte) ([]byte, error) {
	if len(pages) > maxHeaders {
		return nil, errHeaders
	}
	head := make([]byte, 27+255)
	if _, err := io.ReadFull(r, head[:27]); err != nil {
		return nil, err
	}
	if string(head[:4]) != "OggS" {
		return nil, errors.New("there is no page where one should be")
	}
	lacing := head[27 : 27+int(head[26])]
	if _, err := io.ReadFull(r, lacing); err != nil {
		return nil, err
	}
	size := 0
	for _, n := range lacing {
		size += int(n)
	}
	pages = append(append(pages, head[:27]...), lacing...)
	start := len(pages)
	pages = append(pages, make([]byte, size)...)
	_, err := io.ReadFull(r, pages[start:])
	return pages, err
}

// checkComments wants as many comments as there is room for.
//
// https://xiph.org/vorbis/doc/v-comment.html
func checkComments(p []byte) error {
	if len(p) < 11 || string(p[:7]) != "\x03vorbis" {
		return errors.New("the second one is none of comments")
	}
	vendor := int64(binary.LittleEndian.Uint32(p[7:]))
	if vendor > int64(len(p)-15) {
		return errClaims
	}
	if n := binary.LittleEndian.Uint32(p[11+vendor:]); n > maxComments || int64(n)*4 > int64(len(p)) {
		return errClaims
	}
	return nil
}
