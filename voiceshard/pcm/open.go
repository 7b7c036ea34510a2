package pcm

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/discordpkg/gateway/voiceshard/audio"
)

// A FileFormat is one that [NewReader] recognizes.
type FileFormat struct {
	Name string // "mp3"

	// Match reports whether a file begins like one of this format. It gets up to
	// 4,096 bytes.
	Match func(start []byte) bool

	// Open returns a source that reads the file. If r is an [io.Seeker] the
	// source should be a [Seeker].
	Open func(r io.Reader) (Source, error)
}

var (
	formatsMu sync.Mutex // guards formats
	formats   []FileFormat
)

// Register adds a format, for packages like mp3 below this one, which call it in
// their init. It is safe for concurrent use.
func Register(f FileFormat) {
	formatsMu.Lock()
	defer formatsMu.Unlock()
	formats = append(formats, f)
}

// registered returns the formats, a copy.
func registered() []FileFormat {
	formatsMu.Lock()
	defer formatsMu.Unlock()
	return append([]FileFormat(nil), formats...)
}

// sniffSize is how many bytes show what a file is.
const sniffSize = 4096

// NewReader returns a source over a file: WAV, Opus in Ogg, WebM or DCA, and the
// formats whose packages are imported. If r is an [io.Seeker] the source can seek.
// The error is [ErrUnknown], an [ErrFormat], or one of package audio.
func NewReader(r io.Reader) (Source, error) {
	start, r, err := peek(r)
	if err != nil {
		return nil, fmt.Errorf("pcm: %w", err)
	}
	if len(start) >= 12 && bytes.Equal(start[8:12], []byte("WAVE")) {
		return NewWAVReader(r)
	}
	for _, f := range registered() {
		if f.Match(start) {
			return f.Open(r)
		}
	}
	opus, err := audio.NewReader(r)
	if err != nil {
		var codec *audio.CodecError
		switch {
		case errors.As(err, &codec):
			return nil, fmt.Errorf("%w (this is %s)", ErrUnknown, codec.Codec)
		case errors.Is(err, audio.ErrContainer):
			return nil, ErrUnknown
		}
		return nil, fmt.Errorf("pcm: %w", err)
	}
	return NewDecoder(opus)
}

// peek returns the beginning of r, and a reader of all of it.
func peek(r io.Reader) (start []byte, whole io.Reader, err error) {
	if s, ok := r.(io.ReadSeeker); ok {
		if at, err := s.Seek(0, io.SeekCurrent); err == nil {
			start = make([]byte, sniffSize)
			n, err := io.ReadFull(s, start)
			if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
				return nil, nil, err
			}
			if _, err := s.Seek(at, io.SeekStart); err != nil {
				return nil, nil, err
			}
			return start[:n], s, nil
		}
	}
	b := bufio.NewReaderSize(r, sniffSize)
	start, err = b.Peek(sniffSize)
	if err != nil && err != io.EOF {
		return nil, nil, err
	}
	return start, b, nil
}

// A File is an open file.
type File struct {
	Source
	f *os.File
}

// Open opens a file, see [NewReader]. The caller closes it.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("pcm: %w", err)
	}
	s, err := NewReader(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w (%s)", err, path), f.Close())
	}
	return &File{Source: s, f: f}, nil
}

// Length implements [Lengther].
func (f *File) Length() (time.Duration, bool) {
	if l, ok := f.Source.(Lengther); ok {
		return l.Length()
	}
	return 0, false
}

// Seek implements [Seeker].
func (f *File) Seek(to time.Duration) error {
	if s, ok := f.Source.(Seeker); ok {
		return s.Seek(to)
	}
	return ErrNotSeekable
}

// Close closes the file.
func (f *File) Close() error { return f.f.Close() }
