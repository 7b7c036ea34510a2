package wire

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// skipString returns the index after the string whose contents begin at b[i].
func skipString(b []byte, i int) (int, reason) {
	for i < len(b) {
		if i <= len(b)-8 {
			x := binary.LittleEndian.Uint64(b[i:])
			m := quotes(x) | slashes(x)
			if m == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(m) / 8
		}
		switch c := b[i]; {
		case c == '"':
			return i + 1, fine
		case c == '\\':
			n := escape(b[i:])
			if n == 0 {
				return i, notString
			}
			i += n
		case c < ' ':
			return i, notString
		default:
			i++
		}
	}
	return i, truncated
}

// skipPlain returns the index of the first quote or control character from
// b[i] on. It may return less, but only where fewer than eight bytes are left.
func skipPlain(b []byte, i int) int {
	for ; i <= len(b)-8; i += 8 {
		if m := quotes(binary.LittleEndian.Uint64(b[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	return i
}

// plainUntil returns an index up to which b has no backslash from i on. It does
// not look further than pays off, even if a small value is all that follows.
func plainUntil(b []byte, i int) int {
	const far = 1024
	end := min(len(b), i+far)
	if n := bytes.IndexByte(b[i:end], '\\'); n >= 0 {
		return i + n
	}
	return end
}

// Eight bytes at a time: a mark is the top bit of a byte. Only the first mark
// is exact, those after it may be wrong.
const (
	ones = 0x0101010101010101
	tops = 0x80 * ones
)

// quotes marks the first quote or control character.
func quotes(x uint64) uint64 {
	x ^= ('"' ^ ' ') * ones // makes spaces of quotes, and no others
	return (x - ('!')*ones) &^ x & tops
}

// slashes marks the first backslash.
func slashes(x uint64) uint64 {
	x ^= '\\' * ones
	return (x - ones) &^ x & tops
}

// escape returns the length of the escape sequence that b begins with, zero if
// it is none.
func escape(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) < 6 {
			return 0
		}
		for _, c := range b[2:6] {
			if !(c-'0' <= 9 || c|0x20 >= 'a' && c|0x20 <= 'f') {
				return 0
			}
		}
		return 6
	}
	return 0
}
