// Package flac reads FLAC files as sound of package pcm. Importing it makes
// pcm.Open recognize them.
//
// The decoder is github.com/mewkiz/flac.
package flac

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"time"

	"github.com/mewkiz/flac"
	"github.com/mewkiz/flac/frame"

	"github.com/discordpkg/gateway/voiceshard/pcm"
	"github.com/discordpkg/gateway/voiceshard/pcm/internal/foreign"
)

func init() {
	pcm.Register(pcm.FileFormat{
		Name:  format,
		Match: func(start []byte) bool { return bytes.HasPrefix(start, []byte("fLaC")) },
		Open:  func(r io.Reader) (pcm.Source, error) { return NewReader(r) },
	})
}

const format = "flac"

// A Reader reads a FLAC file. It is a pcm.Source, and seeks if the file can. It is
// not safe for concurrent use.
type Reader struct {
	file    *foreign.Section // nil: the file cannot seek
	stream  *flac.Stream
	seeking bool // stream can seek
	source  pcm.Source
	raw     []byte // of a frame, not yet read
	buffer  []byte
	skip    uint64 // samples of the next frame that lie before where Seek went
	at      int64  // values that were returned
}

// NewReader reads the header of a file. The error is a pcm.ErrFormat, or that of r.
func NewReader(r io.Reader) (*Reader, error) {
	f := &Reader{}
	f.file, _ = foreign.NewSection(r)
	err := foreign.Guard(format, func() (err error) {
		f.stream, err = flac.New(foreign.Only(r))
		return err
	})
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, foreign.Wrong(format, "the header", err)
	}
	if bits := f.stream.Info.BitsPerSample; bits < 4 || bits > 32 {
		return nil, &pcm.FormatError{Format: format, Offset: -1, Reason: "a sample has a wrong number of bits"}
	}
	return f, f.begin()
}

// begin converts what the stream decodes from here on.
func (f *Reader) begin() (err error) {
	f.source, err = pcm.SourceOf((*samples)(f), pcm.Format{
		Sample: pcm.Int32, Rate: int(f.stream.Info.SampleRate), Channels: int(f.stream.Info.NChannels),
	})
	return foreign.Wrong(format, "the format", err)
}

// samples is a Reader as raw sound.
type samples Reader

func (s *samples) Read(p []byte) (int, error) {
	f := (*Reader)(s)
	for len(f.raw) == 0 {
		if err := foreign.Guard(format, f.next); err != nil {
			return 0, err
		}
	}
	n := copy(p, f.raw)
	f.raw = f.raw[n:]
	return n, nil
}

// next decodes a frame.
func (f *Reader) next() error {
	fr, err := f.stream.ParseNext()
	if err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return io.EOF // the file was cut off: what is there was heard
		}
		return err
	}
	if err := f.check(fr); err != nil {
		return err
	}
	f.buffer = f.buffer[:0]
	skipped := min(f.skip, uint64(fr.BlockSize))
	f.skip -= skipped
	shift := 32 - f.stream.Info.BitsPerSample
	for i := int(skipped); i < int(fr.BlockSize); i++ {
		for _, c := range fr.Subframes {
			f.buffer = binary.LittleEndian.AppendUint32(f.buffer, uint32(c.Samples[i])<<shift)
		}
	}
	f.raw = f.buffer
	return nil
}

// check wants every frame to be of the form that the header names.
func (f *Reader) check(fr *frame.Frame) error {
	if len(fr.Subframes) != int(f.stream.Info.NChannels) {
		return errors.New("a frame has other channels than the header says")
	}
	for _, c := range fr.Subframes {
		if len(c.Samples) != int(fr.BlockSize) {
			return errors.New("a frame is shorter than it says")
		}
	}
	return nil
}

// ReadPCM implements pcm.Source.
func (f *Reader) ReadPCM(p []float32) (int, error) {
	n, err := f.source.ReadPCM(p)
	f.at += int64(n)
	return n, foreign.Wrong(format, "decode", err)
}

// Position returns the playing time at which the next value is.
func (f *Reader) Position() time.Duration {
	return time.Duration(f.at/pcm.Channels) * time.Second / pcm.Rate
}

// Length implements pcm.Lengther. Streams may not know it.
func (f *Reader) Length() (time.Duration, bool) {
	n, rate := f.stream.Info.NSamples, uint64(f.stream.Info.SampleRate)
	if n == 0 {
		return 0, false
	}
	return time.Duration(n/rate)*time.Second + time.Duration(n%rate)*time.Second/time.Duration(rate), true
}

// Seek implements pcm.Seeker. The first call looks through the file if that has no
// table of where its samples are.
func (f *Reader) Seek(to time.Duration) error {
	length, ok := f.Length()
	if f.file == nil || !ok {
		return pcm.ErrNotSeekable
	}
	to = min(max(to, 0), length)
	rate := uint64(f.stream.Info.SampleRate)
	sample := uint64(to/time.Second)*rate + uint64(to%time.Second)*rate/uint64(time.Second)
	if sample >= f.stream.Info.NSamples {
		sample = f.stream.Info.NSamples - 1
	}
	err := foreign.Guard(format, func() error { return f.goTo(sample) })
	if err != nil {
		return foreign.Wrong(format, "seek", errors.Join(pcm.ErrNotSeekable, err))
	}
	if to == length {
		f.skip++ // behind the last sample
	}
	f.at = int64(sample) * pcm.Rate / int64(rate) * pcm.Channels
	return f.begin()
}

// goTo makes the next frame the one with a sample.
func (f *Reader) goTo(sample uint64) error {
	if !f.seeking {
		if _, err := f.file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		stream, err := flac.NewSeek(f.file)
		if err != nil {
			return err
		}
		if *stream.Info != *f.stream.Info {
			return errors.New("the file has changed")
		}
		f.stream, f.seeking = stream, true
	}
	f.raw = nil
	// The decoder takes the number of the last frame, which is shorter, for one of
	// frames as short: go to one before it.
	from := sample
	if block := uint64(f.stream.Info.BlockSizeMax); from+block >= f.stream.Info.NSamples {
		from -= min(from, block)
	}
	at, err := f.stream.Seek(from)
	if err != nil {
		return err
	}
	if at > sample {
		return errors.New("the decoder went too far")
	}
	f.skip = sample - at
	return nil
}
