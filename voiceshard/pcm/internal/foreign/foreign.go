// Package foreign keeps decoders of other libraries in bounds: a panic becomes an
// error, and a file may begin behind what was cut off in front.
package foreign

import (
	"errors"
	"fmt"
	"io"

	"github.com/discordpkg/gateway/voiceshard/pcm"
)

// Guard calls f and turns a panic into an error of the format.
func Guard(format string, f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &pcm.FormatError{Format: format, Offset: -1, Reason: fmt.Sprintf("the decoder panicked: %v", r)}
		}
	}()
	return f()
}

// Wrong makes an error of the format, but for io.EOF.
func Wrong(format, reason string, err error) error {
	if err == nil || err == io.EOF || errors.Is(err, pcm.ErrFormat) {
		return err
	}
	return &pcm.FormatError{Format: format, Offset: -1, Reason: reason, Err: err}
}

// A Section is the rest of a file behind a position. It can seek if the file can.
type Section struct {
	r    io.ReadSeeker
	base int64
}

// NewSection returns what is behind the current position of r. It reports false if
// r cannot seek.
func NewSection(r io.Reader) (*Section, bool) {
	s, ok := r.(io.ReadSeeker)
	if !ok {
		return nil, false
	}
	at, err := s.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, false
	}
	return &Section{r: s, base: at}, true
}

// Read implements [io.Reader].
func (s *Section) Read(p []byte) (int, error) { return s.r.Read(p) }

// Seek implements [io.Seeker].
func (s *Section) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekStart {
		if offset < 0 {
			return 0, errors.New("seek before the beginning")
		}
		offset += s.base
	}
	at, err := s.r.Seek(offset, whence)
	return at - s.base, err
}

// only hides that a reader can seek.
type only struct{ io.Reader }

// Only returns r as a reader that cannot seek.
func Only(r io.Reader) io.Reader { return only{r} }
