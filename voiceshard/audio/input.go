package audio

import (
	"bufio"
	"fmt"
	"io"
)

// inputSize is that of the read buffer: a whole Ogg page fits.
const inputSize = 1 << 16

// An input is a buffered file that knows where it is.
type input struct {
	bufio.Reader
	file   io.Reader
	seeker io.Seeker // file, or nil if there is no way back
	base   int64     // where the file begins
	offset int64     // of the next byte, from base
}

func newInput(r io.Reader) *input {
	in := &input{file: r}
	in.Reader = *bufio.NewReaderSize(r, inputSize)
	if s, ok := r.(io.Seeker); ok {
		if at, err := s.Seek(0, io.SeekCurrent); err == nil { // a pipe is an *os.File as well
			in.seeker, in.base = s, at
		}
	}
	return in
}

// discard skips n bytes.
func (in *input) discard(n int64) error {
	for n > 0 {
		k, err := in.Reader.Discard(int(min(n, 1<<30)))
		in.offset += int64(k)
		n -= int64(k)
		if err != nil {
			return err
		}
	}
	return nil
}

// read appends n bytes to dst, which grows as they arrive, not because
// somebody says that there are n.
func (in *input) read(dst []byte, n int) ([]byte, error) {
	for n > 0 {
		b, err := in.Peek(min(n, inputSize))
		dst = append(dst, b...)
		n -= len(b)
		if e := in.discard(int64(len(b))); e != nil {
			return dst, e
		}
		if err != nil && n > 0 {
			return dst, err
		}
	}
	return dst, nil
}

// seek goes to an offset from the beginning of the file.
func (in *input) seek(offset int64) error {
	if in.seeker == nil {
		return ErrNotSeekable
	}
	if _, err := in.seeker.Seek(in.base+offset, io.SeekStart); err != nil {
		return fmt.Errorf("audio: %w", err)
	}
	in.Reset(in.file)
	in.offset = offset
	return nil
}

// probe runs f on a second input of the same file, and leaves this one and
// what it has buffered as they were.
func (in *input) probe(f func(in *input, size int64) error) error {
	if in.seeker == nil {
		return ErrNotSeekable
	}
	end, err := in.seeker.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("audio: %w", err)
	}
	second := &input{file: in.file, seeker: in.seeker, base: in.base}
	second.Reader = *bufio.NewReaderSize(in.file, inputSize)
	err = f(second, end-in.base)
	ahead := in.offset + int64(in.Buffered())
	if _, e := in.seeker.Seek(in.base+ahead, io.SeekStart); e != nil && err == nil {
		err = fmt.Errorf("audio: %w", e)
	}
	return err
}
