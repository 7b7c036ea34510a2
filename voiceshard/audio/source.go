package audio

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// MaxPacket is the size in bytes of the largest packet that is read or written.
// A packet of 120 ms, the longest, has no use for more.
//
// https://www.rfc-editor.org/rfc/rfc7845#section-6
const MaxPacket = 61440

// A Source is a sequence of Opus packets.
type Source interface {
	// ReadFrame returns the next packet, of 2.5 to 120 ms. It is valid until
	// the next call. The error is io.EOF behind the last packet.
	ReadFrame() (opus []byte, err error)
}

// A Seeker is a [Source] that can go elsewhere.
type Seeker interface {
	// Seek makes the next packet one from shortly before to: a decoder needs
	// 80 ms to swing in. Before the beginning is the beginning, behind the end
	// is the end. After an error the position is undefined until a Seek
	// succeeds. The error is ErrNotSeekable if there is no way back.
	Seek(to time.Duration) error
}

// A Lengther is a [Source] that may know how long it is.
type Lengther interface {
	// Length returns the playing time, and whether it is known. The first
	// call may look through the file.
	Length() (time.Duration, bool)
}

// A Positioner is a [Source] that knows where it is.
type Positioner interface {
	// Position returns the playing time at which the next packet begins.
	Position() time.Duration
}

// A Stream is what all readers of this package are.
type Stream interface {
	Source
	Seeker
	Lengther
	Positioner
}

// Errors that callers test for. Those about what is wrong with a file are
// [ErrFormat], and say where it is.
var (
	ErrFormat      = errors.New("audio: malformed file")
	ErrContainer   = errors.New("audio: neither Ogg nor WebM nor DCA")
	ErrNotOpus     = errors.New("audio: not Opus")
	ErrNotSeekable = errors.New("audio: the source cannot seek")
)

// A CodecError says that a file is fine, but holds something else than Opus. It
// is an [ErrNotOpus].
type CodecError struct {
	Codec string // for people: "Vorbis", "MP3"
}

func (e *CodecError) Error() string {
	return fmt.Sprintf("audio: %s, not Opus: convert it, with ffmpeg -i IN -c:a libopus OUT.opus", e.Codec)
}

func (e *CodecError) Is(target error) bool { return target == ErrNotOpus }

// A FormatError says what is wrong with a file, and where. It is an
// [ErrFormat], and [io.ErrUnexpectedEOF] if the file ends too early.
type FormatError struct {
	Container string // "ogg", "webm" or "dca"
	Offset    int64  // in bytes, of the part that is wrong
	Reason    string
	Err       error // what caused it, or nil
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("audio: %s: at byte %d: %s", e.Container, e.Offset, e.Reason)
}

func (e *FormatError) Is(target error) bool { return target == ErrFormat }

func (e *FormatError) Unwrap() error { return e.Err }

// formatError makes a FormatError. A file that ends where it should not is one
// that was cut off.
func formatError(container string, offset int64, reason string, err error) error {
	switch err {
	case nil:
	case io.EOF, io.ErrUnexpectedEOF:
		reason, err = reason+": the file ends here", io.ErrUnexpectedEOF
	default:
		reason += ": " + err.Error()
	}
	return &FormatError{Container: container, Offset: offset, Reason: reason, Err: err}
}

// sniffSize is how many bytes show what a file is.
const sniffSize = 4096

// NewReader returns a reader for the container that r begins with. If r is an
// [io.Seeker] the reader can seek; the file begins where r stands.
//
// The error is [ErrContainer] for what is no container of Opus at all, and a
// [CodecError] if it can be named.
func NewReader(r io.Reader) (Stream, error) {
	in := newInput(r)
	start, err := in.Peek(sniffSize)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("audio: %w", err)
	}
	switch {
	case bytes.HasPrefix(start, []byte(oggCapture)):
		return newOggReader(in)
	case bytes.HasPrefix(start, []byte(ebmlMagic)):
		return newWebMReader(in)
	case bytes.HasPrefix(start, []byte(dcaMagic)), looksLikeDCA(start):
		return newDCAReader(in)
	}
	if codec := foreign(start); codec != "" {
		return nil, &CodecError{Codec: codec}
	}
	return nil, ErrContainer
}

// foreign names what people try to play that is not Opus.
func foreign(start []byte) string {
	for _, f := range []struct {
		at    int
		magic string
		name  string
	}{
		{8, "WAVE", "PCM in WAV"}, {0, "ID3", "MP3"}, {0, "\xff\xfb", "MP3"}, {0, "\xff\xf3", "MP3"}, {0, "\xff\xf2", "MP3"},
		{0, "fLaC", "FLAC"}, {4, "ftyp", "MP4"}, {0, "\xff\xf1", "AAC"}, {0, "\xff\xf9", "AAC"},
		{0, "FORM", "PCM in AIFF"}, {0, "caff", "CAF"}, {0, "\x30\x26\xb2\x75", "WMA"}, {8, "AVI ", "AVI"},
	} {
		if len(start) > f.at && bytes.HasPrefix(start[f.at:], []byte(f.magic)) {
			return f.name
		}
	}
	return ""
}

// A File is an open file of Opus.
type File struct {
	Stream
	f *os.File
}

// Open opens a file, whatever its container is. See [NewReader] about errors.
// The caller closes it.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("audio: %w", err)
	}
	s, err := NewReader(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%w (%s)", err, path)
	}
	return &File{Stream: s, f: f}, nil
}

// Close closes the file. Packets of it stay valid as documented.
func (f *File) Close() error { return f.f.Close() }
