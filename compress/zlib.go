package compress

import (
	"bytes"
	"fmt"

	"github.com/discordpkg/gateway/internal/buffer"
)

const (
	zlibHeaderSize = 2

	// maxFalseMarkers bounds how often a message may be inflated in vain because one of its websocket messages
	// ended in the bytes of the flush marker by chance.
	maxFalseMarkers = 8

	// keptPending is the capacity up to which the room for incomplete messages is kept for the next one.
	keptPending = 4 << 10
)

// syncFlush is what a sync flush ends in: the lengths of an empty stored block.
// "You should push received data to a buffer until you receive the 4-byte Z_SYNC_FLUSH suffix":
// https://discord.com/developers/docs/events/gateway#transport-compression
var syncFlush = []byte{0x00, 0x00, 0xff, 0xff}

// A ZlibStream inflates the messages of one connection that was opened with compress=zlib-stream:
// https://discord.com/developers/docs/events/gateway#zlibstream
//
// Between messages it holds the window of the stream, which grows with it to 32 KiB, and nothing else.
// It is not safe for concurrent use.
type ZlibStream struct {
	window  window
	begun   bool   // the header is behind us
	pending []byte // what arrived of a message that is not complete
	vain    int    // how often pending was inflated in vain
	err     error
}

// NewZlibStream returns the decompressor of a new connection.
func NewZlibStream() *ZlibStream { return new(ZlibStream) }

// Name is the value of the URL's compress parameter.
func (*ZlibStream) Name() string { return "zlib-stream" }

// Decompress appends to dst the message that src, one websocket message, completes, and reports true.
// It returns dst as it was and reports false while the message needs more websocket messages;
// a flush without a byte of content completes nothing.
// src is not kept. dst grows to at most limit bytes.
//
// A message is complete when the input ends in an empty stored block, not merely in its last four bytes:
// these may be part of the content where a server splits its messages.
//
// An error ([ErrTooLarge], [ErrCorrupt]) is final: every later call returns it.
func (z *ZlibStream) Decompress(dst, src []byte, limit int) (out []byte, complete bool, err error) {
	if z.err != nil {
		return dst, false, z.err
	}
	if len(z.pending) > 0 {
		if z.err = z.keep(src, limit); z.err != nil {
			return dst, false, z.err
		}
		src = z.pending
	}
	if !z.begun && len(src) >= zlibHeaderSize {
		if z.err = checkZlibHeader(src); z.err != nil {
			return dst, false, z.err
		}
	}
	if bytes.HasSuffix(src, syncFlush) {
		out, complete, z.err = z.inflate(dst, src, limit)
		if complete || z.err != nil {
			z.forget()
			return out, len(out) > len(dst), z.err
		}
	}
	if len(z.pending) == 0 {
		z.err = z.keep(src, limit)
	}
	return dst, false, z.err
}

// inflate inflates src, which is complete when it ends in a flush.
func (z *ZlibStream) inflate(dst, src []byte, limit int) (out []byte, complete bool, err error) {
	if !z.begun {
		src = src[zlibHeaderSize:]
	}
	f := inflaters.Get().(*inflater)
	defer inflaters.Put(f)
	f.begin(dst, src, limit, &z.window)
	complete, err = f.flushed()
	out = f.end()
	switch {
	case err != nil:
		return dst, false, fmt.Errorf("compress: zlib-stream: %w", err)
	case complete:
		z.begun = true
		z.window.write(out[len(dst):])
		return out, true, nil
	case z.vain == maxFalseMarkers:
		return dst, false, fmt.Errorf("compress: zlib-stream: %w", corrupt("too many false flush markers"))
	}
	z.vain++
	return dst, false, nil
}

// flushed inflates all blocks of the input and reports whether it ends in a flush.
func (f *inflater) flushed() (bool, error) {
	for {
		final, empty, err := f.block()
		switch {
		case err == errShort:
			return false, nil
		case err != nil:
			return false, err
		case final:
			return false, corrupt("the stream ended")
		case empty && f.pos == len(f.src):
			return true, nil
		}
	}
}

// keep appends src to the message that is not complete. A compressed message is hardly longer than an inflated one.
func (z *ZlibStream) keep(src []byte, limit int) error {
	most := maxDeflated(limit)
	if len(src) > most-len(z.pending) {
		return fmt.Errorf("compress: zlib-stream: %w: over %d bytes without a flush", ErrTooLarge, limit)
	}
	z.pending = append(buffer.Grow(z.pending, len(src), most), src...)
	return nil
}

// forget empties pending, and frees it when it is large.
func (z *ZlibStream) forget() {
	z.pending, z.vain = z.pending[:0], 0
	if cap(z.pending) > keptPending {
		z.pending = nil
	}
}

// checkZlibHeader judges the first two bytes of a zlib stream: RFC 1950, section 2.2.
func checkZlibHeader(src []byte) error {
	cmf, flg := uint(src[0]), uint(src[1])
	switch {
	case cmf&0x0f != 8 || cmf>>4 > 7 || (cmf<<8|flg)%31 != 0:
		return corrupt("no zlib header")
	case flg&0x20 != 0:
		return corrupt("zlib header asks for a dictionary")
	}
	return nil
}
