package wire

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// skipText returns the index after the string whose contents begin at b[i], and
// which must be UTF-8.
func skipText(b []byte, i int) (int, reason) {
	end, high, why := skipString(b, i)
	if why == fine && high&tops != 0 && !utf8.Valid(b[i:end]) {
		return i, notText
	}
	return end, why
}

// skipString returns the index after the string whose contents begin at b[i].
// High has a top bit if there are other than ASCII characters in it; it may also
// have one without.
func skipString(b []byte, i int) (_ int, high uint64, _ reason) {
	for i < len(b) {
		if i <= len(b)-8 {
			x := binary.LittleEndian.Uint64(b[i:])
			high |= x
			m := quotes(x) | slashes(x)
			if m == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(m) / 8
		}
		switch c := b[i]; {
		case c == '"':
			return i + 1, high, fine
		case c == '\\':
			n := escape(b[i:])
			if n == 0 {
				return i, high, notString
			}
			i += n
		case c < ' ':
			return i, high, notString
		default:
			high |= uint64(c)
			i++
		}
	}
	return i, high, truncated
}

// skipPlain returns the index of the first quote or control character from
// b[i] on. It may return less, but only where fewer than eight bytes are left.
// It adds to high what [skipString] returns.
func skipPlain(b []byte, i int, high uint64) (int, uint64) {
	for ; i <= len(b)-8; i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		high |= x
		if m := quotes(x); m != 0 {
			return i + bits.TrailingZeros64(m)/8, high
		}
	}
	return i, high
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
