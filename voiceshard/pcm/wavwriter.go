package pcm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// A WAVWriter writes a WAV file. The header goes out with the first value and
// says that the length is unknown, which readers take; Close fills it in if the
// destination is an [io.WriteSeeker], as RF64 beyond 4 GB.
type WAVWriter struct {
	w      io.Writer
	format Format
	raw    []byte
	data   int64 // bytes of sound
	begun  bool
	closed bool
	err    error
}

// NewWAVWriter returns a writer. The format is that of the file; what is written
// must have its rate and channels already: it is 48 kHz stereo unless the format
// says otherwise. Integers of more than 16 bits, floats and more than two channels
// get the extensible form.
func NewWAVWriter(w io.Writer, f Format) (*WAVWriter, error) {
	f, err := f.withDefaults()
	if err != nil {
		return nil, err
	}
	return &WAVWriter{w: w, format: f}, nil
}

// WritePCM writes interleaved values, a whole number for each channel. Integers are
// clipped at full scale.
func (w *WAVWriter) WritePCM(p []float32) error {
	switch {
	case w.closed:
		return ErrClosed
	case w.err != nil:
		return w.err
	case len(p)%w.format.Channels != 0:
		return fmt.Errorf("pcm: %d values are no whole samples of %d channels", len(p), w.format.Channels)
	}
	w.start()
	w.raw = w.format.Sample.Append(w.raw[:0], p)
	w.write(w.raw)
	return w.err
}

// Samples returns how many samples of each channel were written.
func (w *WAVWriter) Samples() int64 { return w.data / int64(w.format.frame()) }

func (w *WAVWriter) write(b []byte) {
	if w.err != nil {
		return
	}
	n, err := w.w.Write(b)
	if w.begun {
		w.data += int64(n)
	}
	if err != nil {
		w.err = fmt.Errorf("pcm: wav: %w", err)
	}
}

// start writes the header of a stream of unknown length.
func (w *WAVWriter) start() {
	if w.begun {
		return
	}
	w.write(w.header(-1))
	w.begun = true
}

// Offsets in the header.
const (
	wavLarge      = 12 // of the chunk for large sizes, JUNK while it is not needed
	wavLargeSize  = 28
	wavHeaderHead = wavLarge + 8 + wavLargeSize
)

// header returns everything before the sound, of a number of bytes: -1 is unknown.
func (w *WAVWriter) header(data int64) []byte {
	format := w.formatChunk()
	size, total := uint32(wavUnknownSize), uint32(wavUnknownSize)
	riff, large := "RIFF", "JUNK"
	rest := int64(wavHeaderHead + 8 + len(format) + 8 - 8)
	switch {
	case data < 0:
	case data+data%2+rest > math.MaxUint32:
		riff, large = "RF64", "ds64"
	default:
		size, total = uint32(data), uint32(data+data%2+rest)
	}
	b := append([]byte(riff), 0, 0, 0, 0)
	binary.LittleEndian.PutUint32(b[4:], total)
	b = append(b, "WAVE"+large...)
	b = binary.LittleEndian.AppendUint32(b, wavLargeSize)
	sizes := make([]byte, wavLargeSize)
	if riff == "RF64" {
		binary.LittleEndian.PutUint64(sizes, uint64(data+data%2+rest))
		binary.LittleEndian.PutUint64(sizes[8:], uint64(data))
		binary.LittleEndian.PutUint64(sizes[16:], uint64(data/int64(w.format.frame())))
	}
	b = append(b, sizes...)
	b = append(b, "fmt "...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(format)))
	b = append(append(b, format...), "data"...)
	return binary.LittleEndian.AppendUint32(b, size)
}

func (w *WAVWriter) formatChunk() []byte {
	f := w.format
	code := uint16(wavInteger)
	if f.Sample == Float32 || f.Sample == Float64 {
		code = wavFloat
	}
	extensible := f.Channels > 2 || f.Sample.size() > 2
	tag := code
	if extensible {
		tag = wavExtensible
	}
	bits := uint16(8 * f.Sample.size())
	b := binary.LittleEndian.AppendUint16(nil, tag)
	b = binary.LittleEndian.AppendUint16(b, uint16(f.Channels))
	b = binary.LittleEndian.AppendUint32(b, uint32(f.Rate))
	b = binary.LittleEndian.AppendUint32(b, uint32(f.Rate*f.frame()))
	b = binary.LittleEndian.AppendUint16(b, uint16(f.frame()))
	b = binary.LittleEndian.AppendUint16(b, bits)
	if !extensible {
		return b
	}
	b = binary.LittleEndian.AppendUint16(b, 22)
	b = binary.LittleEndian.AppendUint16(b, bits)
	b = binary.LittleEndian.AppendUint32(b, speakers(f.Channels))
	b = binary.LittleEndian.AppendUint16(b, code)
	return append(b, wavGUID...)
}

// speakers returns which loudspeakers the channels are for, in the order of WAV.
func speakers(channels int) uint32 {
	const left, right, center, low, backLeft, backRight, sideLeft, sideRight = 1, 2, 4, 8, 0x10, 0x20, 0x200, 0x400
	return [...]uint32{
		1: center, 2: left | right, 3: left | right | center, 4: left | right | backLeft | backRight,
		5: left | right | center | backLeft | backRight, 6: left | right | center | low | backLeft | backRight,
		7: left | right | center | low | backLeft | backRight | sideLeft,
		8: left | right | center | low | backLeft | backRight | sideLeft | sideRight,
	}[channels]
}

// Close completes the file. It does not close what is below.
func (w *WAVWriter) Close() error {
	if w.closed {
		return ErrClosed
	}
	w.closed = true
	w.start()
	data := w.data
	if data%2 == 1 {
		w.write([]byte{0})
	}
	s, ok := w.w.(io.WriteSeeker)
	if w.err != nil || !ok {
		return w.err
	}
	header := w.header(data)
	end, err := s.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil // a pipe: readers take a stream of unknown length
	}
	begin := end - int64(len(header)) - data - data%2
	if begin < 0 {
		return nil // opened for appending: the file has other content in front
	}
	if _, err = s.Seek(begin, io.SeekStart); err == nil {
		_, err = s.Write(header)
	}
	if _, back := s.Seek(end, io.SeekStart); err != nil || back != nil {
		return fmt.Errorf("pcm: wav: %w", errors.Join(err, back))
	}
	return nil
}
