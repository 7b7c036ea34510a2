package mls

import (
	"encoding/binary"
	"fmt"
)

// Bounds on what a vector may hold, whatever its bytes would have room for.
const (
	maxLeaves     = 1 << 14 // of a ratchet tree
	maxExtensions = 64      // of one list
)

// A reader takes TLS presentation language apart, see RFC 9420 section 2.1.
// It never copies: what it returns aliases its input. The first error sticks,
// from there on every read returns zero values.
type reader struct {
	b   []byte
	err error
}

// refuse ends the reading with an error, unless one has ended it before.
func (r *reader) refuse(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b = nil
}

func (r *reader) fail(what string) { r.refuse(fmt.Errorf("%w: %s", ErrMalformed, what)) }

func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.fail("truncated")
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) u8() uint8 {
	if v := r.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if v := r.take(2); v != nil {
		return binary.BigEndian.Uint16(v)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if v := r.take(4); v != nil {
		return binary.BigEndian.Uint32(v)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if v := r.take(8); v != nil {
		return binary.BigEndian.Uint64(v)
	}
	return 0
}

// size reads the length of a vector: one, two or four bytes, the two high
// bits say which, and only the shortest form is one.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-2.1.2
func (r *reader) size() int {
	first := r.u8()
	v, least := uint32(first&0x3f), uint32(0)
	switch first >> 6 {
	case 0:
	case 1:
		v, least = v<<8|uint32(r.u8()), 1<<6
	case 2:
		b := r.take(3)
		if b == nil {
			return 0
		}
		v, least = v<<24|uint32(b[0])<<16|uint32(b[1])<<8|uint32(b[2]), 1<<14
	default:
		r.fail("length of a vector in eight bytes")
		return 0
	}
	if v < least {
		r.fail("length of a vector is not in its shortest form")
		return 0
	}
	return int(v)
}

// vector reads opaque<V>.
func (r *reader) vector() []byte { return r.take(r.size()) }

// list reads a vector of structures: the result reads its content. An error
// within does not reach r, close does that.
func (r *reader) list() reader {
	v := r.vector()
	return reader{b: v, err: r.err}
}

// close takes over the error of a list, which must be read to its end.
func (r *reader) close(list *reader) {
	if list.err == nil && len(list.b) != 0 {
		list.fail("rest in a vector")
	}
	if list.err != nil {
		r.refuse(list.err)
	}
}

// more reports whether something is left to read.
func (r *reader) more() bool { return r.err == nil && len(r.b) > 0 }

// present reads the presence byte of an optional value.
func (r *reader) present() bool {
	v := r.u8()
	if v > 1 {
		r.fail("presence of an optional value is neither 0 nor 1")
	}
	return v == 1
}

// end wants the input to be used up.
func (r *reader) end() error {
	if r.err == nil && len(r.b) != 0 {
		r.fail("bytes after the end")
	}
	return r.err
}

// since returns what was read after start, a copy of r.b from then.
func (r *reader) since(start []byte) []byte {
	if r.err != nil {
		return nil
	}
	n := len(start) - len(r.b)
	return start[:n:n]
}

func appendU16(dst []byte, v uint16) []byte { return binary.BigEndian.AppendUint16(dst, v) }
func appendU32(dst []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(dst, v) }
func appendU64(dst []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(dst, v) }

func appendSize(dst []byte, n int) []byte {
	switch {
	case n < 1<<6:
		return append(dst, byte(n))
	case n < 1<<14:
		return appendU16(dst, 1<<14|uint16(n))
	default:
		return appendU32(dst, 1<<31|uint32(n))
	}
}

// appendVector appends opaque<V>.
func appendVector[T []byte | string](dst []byte, v T) []byte {
	return append(appendSize(dst, len(v)), v...)
}
