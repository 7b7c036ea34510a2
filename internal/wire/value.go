package wire

import (
	"encoding/binary"
	"math/bits"
)

// MaxDepth is how deeply containers may be nested in one value of a message.
// Discord stays below 20.
const MaxDepth = 512

// Valid reports whether b is exactly one JSON value, nested no deeper than
// [MaxDepth].
func Valid(b []byte) bool {
	i, why := skipValue(b, skipSpace(b, 0))
	return why == fine && skipSpace(b, i) == len(b)
}

// skipValue returns the index after the value at b[i].
func skipValue(b []byte, i int) (int, reason) {
	if i >= len(b) {
		return i, truncated
	}
	switch c := b[i]; c {
	case '{', '[':
		return skipContainer(b, i)
	case '"':
		return skipString(b, i+1)
	default:
		return skipWord(b, i)
	}
}

// A nesting remembers for each open container whether it is an object.
type nesting [MaxDepth / 64]uint64

func (n *nesting) set(depth int, object bool) {
	word, bit := &n[uint(depth)/64%uint(len(n))], uint64(1)<<(uint(depth)%64)
	if *word &^= bit; object {
		*word |= bit
	}
}

func (n *nesting) object(depth int) bool {
	return n[uint(depth)/64%uint(len(n))]>>(uint(depth)%64)&1 != 0
}

// skipContainer returns the index after the object or array at b[i].
func skipContainer(b []byte, i int) (int, reason) {
	var (
		open   nesting
		depth  int  // of the containers around i
		object bool // the innermost one is
		why    reason
	)
	for {
		if object {
			if i, why = skipKey(b, i); why != fine {
				return i, why
			}
		}
		if uint(i) >= uint(len(b)) {
			return i, truncated
		}
		switch c := b[i]; c {
		case '"':
			i, why = skipString(b, i+1)
		case '{', '[':
			if depth == MaxDepth {
				return i, tooDeep
			}
			open.set(depth, object)
			depth++
			object = c == '{'
			i = skipSpace(b, i+1)
			if i < len(b) && b[i] == c+2 {
				break
			}
			continue
		default:
			i, why = skipWord(b, i)
		}
		if why != fine {
			return i, why
		}
		for {
			i = skipSpace(b, i)
			if i == len(b) {
				return i, truncated
			}
			c := b[i]
			i++
			if c == ',' {
				i = skipSpace(b, i)
				break
			}
			if c != '}' && c != ']' || (c == '}') != object {
				return i - 1, notComma
			}
			depth--
			if depth == 0 {
				return i, fine
			}
			object = open.object(depth)
		}
	}
}

func skipKey(b []byte, i int) (int, reason) {
	if i >= len(b) {
		return i, truncated
	}
	if b[i] != '"' {
		return i, notKey
	}
	i, why := skipString(b, i+1)
	if why != fine {
		return i, why
	}
	if i = skipSpace(b, i); i == len(b) {
		return i, truncated
	}
	if b[i] != ':' {
		return i, notColon
	}
	return skipSpace(b, i+1), fine
}

// skipString returns the index after the string whose contents begin at b[i].
func skipString(b []byte, i int) (int, reason) {
	for {
		for len(b)-i >= 8 {
			if m := special(binary.LittleEndian.Uint64(b[i:])); m != 0 {
				i += bits.TrailingZeros64(m) / 8
				break
			}
			i += 8
		}
		for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= ' ' {
			i++
		}
		if i >= len(b) {
			return i, truncated
		}
		switch b[i] {
		case '"':
			return i + 1, fine
		case '\\':
			n := escape(b[i:])
			if n == 0 {
				return i, notString
			}
			i += n
		default:
			return i, notString
		}
	}
}

const (
	ones = 0x0101010101010101
	tops = 0x8080808080808080
)

// special marks, with its top bit, the first of eight bytes that is a quote, a
// backslash or a control character. The marks after it mean nothing.
func special(x uint64) uint64 {
	quote := x ^ '"' ^ ' '*ones
	slash := x ^ '\\'*ones
	return ((quote-('!')*ones)&^quote | (slash-ones)&^slash) & tops
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

// skipWord returns the index after the number, true, false or null at b[i].
func skipWord(b []byte, i int) (int, reason) {
	switch rest := b[i:]; rest[0] {
	case 'n':
		if len(rest) >= 4 && string(rest[:4]) == "null" {
			return i + 4, fine
		}
	case 't':
		if len(rest) >= 4 && string(rest[:4]) == "true" {
			return i + 4, fine
		}
	case 'f':
		if len(rest) >= 5 && string(rest[:5]) == "false" {
			return i + 5, fine
		}
	default:
		return skipNumber(b, i)
	}
	return i, notValue
}

// skipNumber returns the index after the number at b[i].
func skipNumber(b []byte, i int) (int, reason) {
	start := i
	if b[i] == '-' {
		i++
	}
	first := i
	i = skipDigits(b, i)
	if i == first || i > first+1 && b[first] == '0' {
		return start, notValue
	}
	if i < len(b) && b[i] == '.' {
		first = i + 1
		if i = skipDigits(b, first); i == first {
			return start, notValue
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		first = i + 1
		if first < len(b) && (b[first] == '+' || b[first] == '-') {
			first++
		}
		if i = skipDigits(b, first); i == first {
			return start, notValue
		}
	}
	return i, fine
}

func skipDigits(b []byte, i int) int {
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}
