package compress

import (
	"encoding/binary"
	"fmt"
)

// A ZstdStream inflates the messages of one connection that was opened with compress=zstd-stream:
// https://discord.com/developers/docs/events/gateway#zstdstream
//
// Discord sends one frame per connection, other servers send one per message; both are read.
// It holds a decoder while a frame is open; see the package's documentation for what that takes.
// It is not safe for concurrent use.
type ZstdStream struct {
	inflater zstdInflater
	skip     uint64 // how much is to come of a frame without content
	pending  []byte // a header or block that is not complete
	held     []byte // the beginning of a message that is not complete
	err      error
}

// NewZstdStream returns the decompressor of a new connection.
func NewZstdStream() *ZstdStream { return new(ZstdStream) }

// Name is the value of the URL's compress parameter.
func (*ZstdStream) Name() string { return "zstd-stream" }

// Close leaves the decoder to other connections. Without it the memory waits for the garbage collector.
func (z *ZstdStream) Close() error {
	z.fail(ErrClosed)
	return nil
}

// fail makes err the result of all later calls and frees everything.
func (z *ZstdStream) fail(err error) {
	z.inflater.end()
	*z = ZstdStream{err: err}
}

// Decompress appends to dst the message of src and reports true. "Each websocket message corresponds to a single gateway message":
// a message is complete where src ends with a block, provided that there is content.
// Otherwise Decompress keeps what it has, returns dst as it was and reports false.
// src is not kept. dst grows to at most limit bytes.
//
// An error ([ErrTooLarge], [ErrCorrupt], [ErrClosed]) is final: every later call returns it.
func (z *ZstdStream) Decompress(dst, src []byte, limit int) (out []byte, complete bool, err error) {
	if z.err != nil {
		return dst, false, z.err
	}
	out = dst
	if len(z.held) > 0 { // as dst was on the earlier calls, so that nothing is copied twice
		out, limit = z.held, limit-len(dst)
	}
	before := len(out)
	if out, src, err = z.complete(out, src, limit); err == nil {
		out, src, err = z.inflate(out, src, limit)
	}
	whole := len(src) == 0 && len(z.pending) == 0 && z.skip == 0 && (len(z.held) > 0 || len(out) > before)
	switch {
	case err != nil:
	case !whole:
		z.wait(out, before, src)
		return dst, false, nil
	case len(z.held) > 0:
		out, err = extend(dst, out, limit+len(dst))
	}
	if err != nil {
		z.fail(fmt.Errorf("compress: zstd-stream: %w", err))
		return dst, false, z.err
	}
	z.pending, z.held = nil, nil
	return out, true, nil
}

// wait keeps what there is of a message that is not complete: out, of which the first bytes may be the caller's, and
// the rest of the input.
func (z *ZstdStream) wait(out []byte, before int, rest []byte) {
	if len(z.held) > 0 {
		z.held = out
	} else {
		z.held = append(z.held, out[before:]...)
	}
	z.pending = append(z.pending, rest...)
}

// maxZstdItem is more than any header or block takes.
const maxZstdItem = zstdMaxBlock + 64

// complete appends to dst the blocks that begin in pending, for which it takes some of src, and returns the rest of src.
func (z *ZstdStream) complete(dst, src []byte, limit int) (out, rest []byte, err error) {
	if len(z.pending) == 0 {
		return dst, src, nil
	}
	n := min(len(src), maxZstdItem)
	z.pending = append(z.pending, src[:n]...)
	dst, rest, err = z.inflate(dst, z.pending, limit)
	if len(rest) > n { // src was all there is
		z.pending = append(z.pending[:0], rest...)
		return dst, nil, err
	}
	z.pending = nil
	return dst, src[n-len(rest):], err
}

// inflate appends the blocks of src to dst and returns the rest of src, in which something is not complete.
func (z *ZstdStream) inflate(dst, src []byte, limit int) (out, rest []byte, err error) {
	for len(src) > 0 {
		n := 0
		switch {
		case z.skip > 0:
			n = int(min(z.skip, uint64(len(src))))
			z.skip -= uint64(n)
		case z.inflater.decoder == nil:
			n, err = z.begin(src)
		default:
			dst, n, err = z.block(dst, src, limit)
		}
		if n == 0 || err != nil {
			break
		}
		src = src[n:]
	}
	return dst, src, err
}

// begin reads a frame header and returns its size, or zero while it is not complete.
func (z *ZstdStream) begin(src []byte) (int, error) {
	if len(src) < 8 {
		return 0, nil // the shortest frame: a header of 6 bytes and a block of 3
	}
	if binary.LittleEndian.Uint32(src)&zstdSkippableMask == zstdSkippable {
		z.skip = uint64(binary.LittleEndian.Uint32(src[4:]))
		return 8, nil
	}
	frame, n, err := parseZstdFrame(src)
	if n == 0 || err != nil {
		return 0, err
	}
	return n, z.inflater.begin(frame)
}

// block inflates one block and returns its size, or zero while it is not complete.
func (z *ZstdStream) block(dst, src []byte, limit int) ([]byte, int, error) {
	if len(src) < zstdBlockHeaderSize {
		return dst, 0, nil
	}
	b, err := z.inflater.frame.parseBlock(src)
	if err != nil || b.size > len(src) {
		return dst, 0, err
	}
	if b.empty && !b.last {
		return dst, b.size, nil
	}
	dst, err = z.inflater.block(dst, src[:b.size], b.last, limit)
	if b.last && err == nil {
		z.inflater.end()
	}
	return dst, b.size, err
}
