package pcm

import (
	"encoding/binary"
	"errors"
	"io"
	"time"
)

// The chunks and codes of WAV.
//
// https://learn.microsoft.com/en-us/windows/win32/api/mmreg/ns-mmreg-waveformatextensible
// https://tech.ebu.ch/docs/tech/tech3306v1_1.pdf (RF64)
const (
	wavInteger    = 1
	wavFloat      = 3
	wavExtensible = 0xfffe

	wavUnknownSize = 0xffffffff
	maxWAVFormat   = 64 << 10 // bytes of a fmt or ds64 chunk that are read
	maxWAVChunks   = 10_000   // before the sound
)

// wavGUID is the end of each sub-format of the extensible form.
const wavGUID = "\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"

// A WAVReader reads a WAV file: 8, 16, 24 and 32-bit integers, 32 and 64-bit floats,
// plain or extensible, RF64 over 4 GB, and streams whose header does not know how
// long they are. It is a [Source]: channels and rate are converted, see [SourceOf].
// What the header claims is never allocated: memory does not depend on it.
type WAVReader struct {
	r      io.Reader
	seeker io.Seeker // nil: r cannot seek
	format Format
	raw    *rawSource
	start  int64 // offset of the sound, as seeker has it
	size   int64 // bytes of sound, -1: up to the end of the file
	offset int64 // bytes of the header that were read
	at     int64 // values that were returned
}

// NewWAVReader reads the header. If r is an [io.Seeker] the reader can seek. The
// error is an [ErrFormat], or that of r.
func NewWAVReader(r io.Reader) (*WAVReader, error) {
	w := &WAVReader{r: r, size: -1}
	w.seeker, _ = r.(io.Seeker)
	if err := w.header(); err != nil {
		return nil, err
	}
	if w.seeker != nil {
		// A pipe may have the method all the same.
		if at, err := w.seeker.Seek(0, io.SeekCurrent); err == nil {
			w.start = at
			w.bound()
		} else {
			w.seeker = nil
		}
	}
	return w, w.begin(0)
}

// begin reads from a frame on.
func (w *WAVReader) begin(frame int64) error {
	c, err := newConverter(w.format)
	if err != nil {
		return w.wrong("the format cannot be converted", err)
	}
	r := w.r
	if w.size >= 0 {
		r = io.LimitReader(r, max(w.size-frame*int64(w.format.frame()), 0))
	}
	w.raw = &rawSource{r: r, converter: c}
	w.at = frame * Rate / int64(w.format.Rate) * Channels
	return nil
}

func (w *WAVReader) wrong(reason string, err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return &FormatError{Format: "wav", Offset: w.offset, Reason: reason, Err: err}
}

// read fills b.
func (w *WAVReader) read(b []byte, what string) error {
	n, err := io.ReadFull(w.r, b)
	w.offset += int64(n)
	if err != nil {
		return w.wrong("the file ends in "+what, err)
	}
	return nil
}

// header reads up to the sound.
func (w *WAVReader) header() error {
	var b [12]byte
	if err := w.read(b[:], "the header"); err != nil {
		return err
	}
	if id := string(b[:4]); id != "RIFF" && id != "RF64" && id != "BW64" || string(b[8:]) != "WAVE" {
		return w.wrong("this is no WAV file", nil)
	}
	var large int64 = -1 // size of the sound in RF64
	known := false
	for range maxWAVChunks {
		if err := w.read(b[:8], "a chunk's header"); err != nil {
			return err
		}
		size := int64(binary.LittleEndian.Uint32(b[4:]))
		var err error
		switch string(b[:4]) {
		case "ds64":
			large, err = w.largeSize(size)
		case "fmt ":
			known = true
			err = w.parseFormat(size)
		case "data":
			if !known {
				return w.wrong("the sound comes before its format", nil)
			}
			w.size = dataSize(size, large)
			return nil
		default:
			err = w.skip(size)
		}
		if err != nil {
			return err
		}
	}
	return w.wrong("there is no sound", nil)
}

// dataSize returns how many bytes of sound there are. Programs that write into a
// pipe leave all ones, or zero.
func dataSize(size, large int64) int64 {
	switch {
	case size == wavUnknownSize && large >= 0:
		return large
	case size == wavUnknownSize, size == 0, size == wavUnknownSize-1, size == 0x7fffffff:
		return -1
	}
	return size
}

// skip reads over the content of a chunk. Its size is even in the file.
func (w *WAVReader) skip(size int64) error {
	n, err := io.CopyN(io.Discard, w.r, size+size%2)
	w.offset += n
	if err != nil {
		return w.wrong("the file ends in a chunk", err)
	}
	return nil
}

// content reads a small chunk.
func (w *WAVReader) content(size, least int64, what string) ([]byte, error) {
	if size < least || size > maxWAVFormat {
		return nil, w.wrong(what+" has a wrong size", nil)
	}
	b := make([]byte, size+size%2)
	return b[:size], w.read(b, what)
}

// largeSize reads the chunk that RF64 has for sizes.
func (w *WAVReader) largeSize(size int64) (int64, error) {
	b, err := w.content(size, 24, "the chunk of large sizes")
	if err != nil {
		return 0, err
	}
	n := binary.LittleEndian.Uint64(b[8:])
	if n > 1<<62 {
		return 0, w.wrong("the size of the sound makes no sense", nil)
	}
	return int64(n), nil
}

func (w *WAVReader) parseFormat(size int64) error {
	b, err := w.content(size, 16, "the format")
	if err != nil {
		return err
	}
	code := binary.LittleEndian.Uint16(b)
	if code == wavExtensible {
		if len(b) < 40 || string(b[26:40]) != wavGUID {
			return w.wrong("unknown sub-format", nil)
		}
		code = binary.LittleEndian.Uint16(b[24:])
	}
	w.format = Format{Channels: int(binary.LittleEndian.Uint16(b[2:])), Rate: int(min(binary.LittleEndian.Uint32(b[4:]), MaxRate+1))}
	align, bits := int(binary.LittleEndian.Uint16(b[12:])), int(binary.LittleEndian.Uint16(b[14:]))
	var ok bool
	if w.format.Sample, ok = wavSample(code, bits); !ok {
		return w.wrong("neither integers of 8, 16, 24 or 32 bits nor floats: convert it, with ffmpeg -i IN -c:a pcm_s16le OUT.wav", nil)
	}
	if w.format.Channels == 0 || w.format.Rate == 0 {
		return w.wrong("no channels, or no rate", nil)
	}
	if w.format, err = w.format.withDefaults(); err != nil {
		return w.wrong("the format", err)
	}
	if align != w.format.frame() {
		return w.wrong("the size of a sample contradicts its bits", nil)
	}
	return nil
}

// wavSample returns how a code and a number of bits are stored.
func wavSample(code uint16, bits int) (Sample, bool) {
	switch {
	case code == wavInteger && bits == 8:
		return Uint8, true
	case code == wavInteger && bits == 16:
		return Int16, true
	case code == wavInteger && bits == 24:
		return Int24, true
	case code == wavInteger && bits == 32:
		return Int32, true
	case code == wavFloat && bits == 32:
		return Float32, true
	case code == wavFloat && bits == 64:
		return Float64, true
	}
	return 0, false
}

// bound limits the sound to what the file has.
func (w *WAVReader) bound() {
	end, err := w.seeker.Seek(0, io.SeekEnd)
	if err != nil {
		return
	}
	if _, err := w.seeker.Seek(w.start, io.SeekStart); err != nil {
		w.seeker = nil
		return
	}
	if left := max(end-w.start, 0); w.size < 0 || w.size > left {
		w.size = left
	}
}

// Format returns how the sound is stored in the file.
func (w *WAVReader) Format() Format { return w.format }

// ReadPCM implements [Source].
func (w *WAVReader) ReadPCM(p []float32) (int, error) {
	n, err := w.raw.ReadPCM(p)
	w.at += int64(n)
	if err != nil && err != io.EOF {
		err = w.wrong("read", err)
	}
	return n, err
}

// Position returns the playing time at which the next value is.
func (w *WAVReader) Position() time.Duration { return span(w.at) }

// Length implements [Lengther]. It is not known for a stream without a size.
func (w *WAVReader) Length() (time.Duration, bool) {
	if w.size < 0 {
		return 0, false
	}
	frames := w.size / int64(w.format.frame())
	seconds, rest := frames/int64(w.format.Rate), frames%int64(w.format.Rate)
	if seconds > int64(maxLength/time.Second) {
		return maxLength, true
	}
	return time.Duration(seconds)*time.Second + time.Duration(rest)*time.Second/time.Duration(w.format.Rate), true
}

// maxLength is the longest sound that a length is told of.
const maxLength = 100 * 365 * 24 * time.Hour

// Seek implements [Seeker].
func (w *WAVReader) Seek(to time.Duration) error {
	if w.seeker == nil {
		return ErrNotSeekable
	}
	length, _ := w.Length()
	to = min(max(to, 0), length)
	rate := int64(w.format.Rate)
	frame := int64(to/time.Second)*rate + int64(to%time.Second)*rate/int64(time.Second)
	if _, err := w.seeker.Seek(w.start+frame*int64(w.format.frame()), io.SeekStart); err != nil {
		return errors.Join(ErrNotSeekable, err)
	}
	return w.begin(frame)
}
