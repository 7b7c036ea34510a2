package frame

import (
	"errors"
	"fmt"
	"io"

	"github.com/gobwas/ws"

	"github.com/discordpkg/gateway/internal/buffer"
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
// with the bytes that arrive, to at most eight times their number, whatever
// length the peer has declared, and shrinks afterwards. All that it allocates
// for one message is at most twice the limit, freed or not.
type Reader struct {
	src   io.Reader
	state ws.State
	limit int

	block    *block
	r, w     int   // block.b[r:w] is unread
	lastRead int   // bytes of the last read
	full     bool  // the last read left no room: there may be more
	err      error // of the source, once what came before it is used up

	// A message in fragments is put together in the block, before what is unread.
	start, held int       // block.b[start:start+held] is what there is of it
	first       ws.OpCode // of its first fragment
	partial     bool      // the last header was one of its fragments
	complete    bool      // it was handed out
}

// spare is the room in bytes that the largest block has beside a message of
// the limit: for a header, and for control frames between fragments.
const spare = 1 << minShift

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
		r.complete, r.held = false, 0
	}
	for {
		h, payload, err := r.frame()
		switch {
		case err != nil:
			return 0, nil, err
		case h.OpCode.IsControl(), h.Fin && h.OpCode != ws.OpContinuation:
			return h.OpCode, payload, nil
		}
		r.hold(payload)
		if h.OpCode != ws.OpContinuation {
			r.first = h.OpCode
			r.state = r.state.Set(ws.StateFragmented)
		}
		if h.Fin {
			r.state = r.state.Clear(ws.StateFragmented)
			r.complete = true
			return r.first, r.block.b[r.start : r.start+r.held : r.start+r.held], nil
		}
	}
}

// hold appends a fragment, which stands behind the others in the block.
func (r *Reader) hold(payload []byte) {
	if r.held == 0 {
		r.start = r.r - len(payload)
	} else {
		copy(r.block.b[r.start+r.held:], payload)
	}
	r.held += len(payload)
}

// Buffered returns the number of bytes that were read and not handed out yet.
func (r *Reader) Buffered() int { return r.w - r.r }

// Detach leaves the memory of the last payload to its holder: the reader takes
// other memory for what comes next, and the payload stays valid for good.
func (r *Reader) Detach() {
	if r.block == nil {
		return
	}
	if r.complete {
		r.complete, r.held = false, 0
	}
	r.gather(newBlock(max(1, r.held+r.w-r.r))) // the old block is not shared again
}

// Close gives the buffer back. The reader and the last payload must not be
// used any more.
func (r *Reader) Close() {
	if r.block != nil {
		r.block.free()
		r.block = nil
	}
	r.r, r.w, r.held, r.err = 0, 0, 0, io.ErrClosedPipe
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
	if h.Length > int64(r.limit-r.held) && !h.OpCode.IsControl() {
		return h, nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, r.limit)
	}
	r.partial = !h.Fin || h.OpCode == ws.OpContinuation
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
	unread := r.w - r.r
	empty := unread == 0 && r.held == 0
	switch {
	case busy && (empty || r.w == size):
		r.move(1 << busyShift)
	case empty && size > 1<<minShift && (r.lastRead < size/8 || size > 1<<busyShift && !r.full):
		r.move(1 << minShift)
	case empty:
		r.r, r.w = 0, 0
	case r.w < size:
	case size-r.held-unread >= spare/4, r.held == 0 && r.r > 0:
		r.gather(r.block)
	default:
		r.move(r.larger(n))
	}
}

// larger returns the size of the next block, which is larger than this one. The
// caller waits for n bytes in one piece.
func (r *Reader) larger(n int) int {
	size := len(r.block.b)
	if r.held > 0 || r.partial { // how long the message becomes is not known
		return buffer.Size(size, size+1, r.limit+spare)
	}
	// Sizes grow fourfold, and end in the size of the frame exactly.
	next := max(n, size+1)
	for next/4 > size {
		next /= 4
	}
	return next
}

// move puts what is held and what is unread at the front of a block of the size.
func (r *Reader) move(size int) {
	old := r.block
	r.gather(newBlock(size))
	old.free()
}

// gather puts what is held and what is unread at the front of a block, which
// may be the same.
func (r *Reader) gather(to *block) {
	if to != r.block || r.start > 0 {
		copy(to.b, r.block.b[r.start:r.start+r.held])
	}
	r.w = r.held + copy(to.b[r.held:], r.block.b[r.r:r.w])
	r.start, r.r, r.block = 0, r.held, to
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
