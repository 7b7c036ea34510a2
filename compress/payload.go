package compress

import (
	"encoding/binary"
	"fmt"
	"hash/adler32"
)

// A Payload inflates the messages of one connection whose Identify said compress: true. Not every message is compressed then:
// https://discord.com/developers/docs/events/gateway#payload-compression
//
// It holds nothing between messages. It is not safe for concurrent use.
type Payload struct{}

// NewPayload returns the decompressor of a new connection.
func NewPayload() *Payload { return new(Payload) }

// Name is empty: payload compression is asked for in Identify, not in the URL.
func (*Payload) Name() string { return "" }

// Decompress appends to dst the message of src, inflated where src begins like a zlib stream (in practice with 'x')
// and as it is otherwise (JSON begins with '{'). Every message is complete.
// src is not kept. dst grows to at most limit bytes.
func (*Payload) Decompress(dst, src []byte, limit int) (out []byte, complete bool, err error) {
	if len(src) == 0 || src[0]&0x8f != 8 {
		out, err = extend(dst, src, limit)
	} else {
		out, err = inflateZlib(dst, src, limit)
	}
	if err != nil {
		return dst, false, fmt.Errorf("compress: payload: %w", err)
	}
	return out, true, nil
}

// noWindow is what a stream of one message begins with. Nobody writes to it.
var noWindow window

// inflateZlib appends to dst what the zlib stream src holds: RFC 1950.
func inflateZlib(dst, src []byte, limit int) ([]byte, error) {
	if len(src) < zlibHeaderSize {
		return dst, corrupt("no zlib header")
	}
	if err := checkZlibHeader(src); err != nil {
		return dst, err
	}
	f := inflaters.Get().(*inflater)
	defer inflaters.Put(f)
	f.begin(dst, src[zlibHeaderSize:], limit, &noWindow)
	trailer, err := f.finish()
	out := f.end()
	switch {
	case err != nil:
		return dst, err
	case len(trailer) != adler32.Size:
		return dst, corrupt("zlib trailer")
	case binary.BigEndian.Uint32(trailer) != adler32.Checksum(out[len(dst):]):
		return dst, corrupt("zlib checksum")
	}
	return out, nil
}

// finish inflates all blocks up to the final one and returns the input behind it.
func (f *inflater) finish() ([]byte, error) {
	for {
		final, _, err := f.block()
		switch {
		case err == errShort:
			return nil, corrupt(err.Error())
		case err != nil:
			return nil, err
		case final:
			f.align()
			return f.src[f.pos:], nil
		}
	}
}
