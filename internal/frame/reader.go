package frame

import (
	"errors"
	"fmt"
	"io"

	"github.com/gobwas/ws"
)

// ErrTooLarge reports a message over the limit of the reader. Nothing of the
// frame that exceeds it was read.
var ErrTooLarge = errors.New("frame: message exceeds the limit")

// A ProtocolError is a peer that breaks the websocket protocol. The answer is
// close code 1002.
type ProtocolError struct{ Err error }

func (e *ProtocolError) Error() string { return "frame: " + e.Err.Error() }
func (e *ProtocolError) Unwrap() error { return e.Err }

// A Reader reads messages and control frames. It is not safe for concurrent
// use.
//
// It holds 4 KiB while the connection is quiet. For a large message it grows
// with the bytes that arrive, to at most twice their number, whatever length
// the peer has declared, and shrinks afterwards.
type Reader struct {
	src   io.Reader
	state ws.State
	limit int

	block    *block
	r, w     int   // block.b[r:w] is unread
	lastRead int   // bytes of the last read
	full     bool  // the last read left no room: there may be more
	err      error // of the source, once what came before it is used up

	first    ws.OpCode // of the fragmented message
	parts    []byte    // of the fragmented message so far
	complete bool      // parts was handed out
}

// NewReader returns a reader of the frames that arrive at one end of a
// connection: [ws.StateClientSide] or [ws.StateServerSide]. Early are bytes
// that were read from src already; they are copied. Limit is the size of the
// largest message in bytes, over all of its fragments.
func NewReader(src io.Reader, side ws.State, limit int, early []byte) *Reader {
	r := &Reader{src: src, state: side, limit: limit, block: newBlock(max(1, len(early)))}
	r.w = copy(r.block.b, early)
	return r
}

// Next returns the next message (text or binary, its fragments joined) or
// control frame (close, ping or pong; between the fragments of a message too).
// The payload is unmasked and valid until the next call, which may also change
// it.
//
// It returns io.EOF when the source ends between two frames, and
// io.ErrUnexpectedEOF when it ends inside of one; [ErrTooLarge] or a
// [*ProtocolError], after which nothing more can be read; otherwise what the
// source returned.
func (r *Reader) Next() (op ws.OpCode, payload []byte, err error) {
	if r.complete {
		r.complete = false
		if r.parts = r.parts[:0]; cap(r.parts) > 1<<busyShift {
			r.parts = nil
		}
	}
	for {
		h, payload, err := r.frame()
		switch {
		case err != nil:
			return 0, nil, err
		case h.OpCode.IsControl(), h.Fin && h.OpCode != ws.OpContinuation:
			return h.OpCode, payload, nil
		}
		r.parts = append(r.parts, payload...)
		if h.OpCode != ws.OpContinuation {
			r.first = h.OpCode
			r.state = r.state.Set(ws.StateFragmented)
		}
		if h.Fin {
			r.state = r.state.Clear(ws.StateFragmented)
			r.complete = true
			return r.first, r.parts, nil
		}
	}
}

// Buffered returns the number of bytes that were read and not handed out yet.
func (r *Reader) Buffered() int { return r.w - r.r }

// Close gives the buffer back. The reader and the last payload must not be
// used any more.
func (r *Reader) Close() {
	if r.block != nil {
		r.block.free()
		r.block, r.parts = nil, nil
	}
	r.r, r.w, r.err = 0, 0, io.ErrClosedPipe
}

// frame reads one frame.
func (r *Reader) frame() (h ws.Header, payload []byte, err error) {
	size, err := r.header(&h)
	if err != nil {
		return h, nil, err
	}
	if err := ws.CheckHeader(h, r.state); err != nil {
		return h, nil, &ProtocolError{err}
	}
	held := 0
	if !h.OpCode.IsControl() {
		held = len(r.parts)
	}
	if h.Length > int64(r.limit-held) && !h.OpCode.IsControl() {
		return h, nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, r.limit)
	}
	if err := r.need(size + int(h.Length)); err != nil {
		return h, nil, noEOF(err)
	}
	end := r.r + size + int(h.Length)
	payload = r.block.b[r.r+size : end : end]
	r.r = end
	if h.Masked {
		ws.Cipher(payload, h.Mask, 0)
	}
	return h, payload, nil
}

// header parses the header of the next frame without consuming it.
func (r *Reader) header(h *ws.Header) (size int, err error) {
	if err := r.need(2); err != nil {
		if r.w > r.r {
			err = noEOF(err)
		}
		return 0, err
	}
	size = headerSize(r.block.b[r.r+1])
	if err := r.need(size); err != nil {
		return 0, noEOF(err)
	}
	if err := parseHeader(h, r.block.b[r.r:r.r+size]); err != nil {
		return 0, &ProtocolError{err}
	}
	return size, nil
}

// need makes n unread bytes available in one piece.
func (r *Reader) need(n int) error {
	for r.w-r.r < n {
		if err := r.fill(n); err != nil {
			return err
		}
	}
	return nil
}

// maxEmptyReads is how often a source may return neither bytes nor an error.
const maxEmptyReads = 100

// fill reads once. The caller waits for n bytes in one piece.
func (r *Reader) fill(n int) error {
	if r.err != nil {
		return r.err
	}
	r.makeRoom(n)
	for range maxEmptyReads {
		free := r.block.b[r.w:]
		got, err := r.src.Read(free)
		if got < 0 || got > len(free) {
			return errors.New("frame: source returned an invalid count from Read")
		}
		r.w += got
		r.lastRead, r.full = got, got == len(free)
		r.err = err
		if got > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// makeRoom leaves room for at least one more byte. The caller waits for n bytes
// in one piece.
func (r *Reader) makeRoom(n int) {
	size := len(r.block.b)
	busy := r.full && size < 1<<busyShift
	switch unread := r.w - r.r; {
	case busy && (unread == 0 || r.w == size):
		r.move(1 << busyShift)
	case unread == 0 && size > 1<<minShift && (r.lastRead < size/8 || size > 1<<busyShift && !r.full):
		r.move(1 << minShift)
	case unread == 0:
		r.r, r.w = 0, 0
	case r.w < size:
	case r.r > 0:
		r.w = copy(r.block.b, r.block.b[r.r:r.w])
		r.r = 0
	default:
		r.move(min(2*size, max(n, size+1)))
	}
}

// move puts what is unread at the front of a block of the size.
func (r *Reader) move(size int) {
	b := newBlock(size)
	r.w = copy(b.b, r.block.b[r.r:r.w])
	r.r = 0
	r.block.free()
	r.block = b
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
