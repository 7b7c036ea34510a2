package wire

import "unicode/utf8"

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
		return skipText(b, i+1)
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
//
// This is where the time of a scan goes, so what is common is dealt with in
// place: strings without escapes, words, and the absence of white space.
func skipContainer(b []byte, i int) (int, reason) {
	var (
		open   nesting
		depth  int  // of the containers around i
		object bool // the innermost one is
		key    bool // a key is next
		why    reason
		high   uint64 // has a top bit if there may be other than ASCII characters
		from   = i
		plain  = plainUntil(b, i) // no backslash before this index
	)
values:
	for uint(i) < uint(len(b)) {
		switch c := b[i]; {
		case c == '"':
			start := i + 1
			i, high = skipPlain(b, start, high)
			if i < plain && uint(i) < uint(len(b)) && b[i] == '"' {
				i++
			} else {
				var more uint64
				if i, more, why = skipString(b, start); why != fine {
					return i, why
				}
				high |= more
				plain = plainUntil(b, i)
			}
			if !key {
				break
			}
			if uint(i) >= uint(len(b)) || b[i] != ':' {
				if i = skipSpace(b, i); i == len(b) {
					return i, truncated
				}
				if b[i] != ':' {
					return i, notColon
				}
			}
			i++
			key = false
			continue
		case c <= ' ' && isSpace(c):
			i++
			continue
		case key:
			return i, notKey
		case c == '{' || c == '[':
			if depth == MaxDepth {
				return i, tooDeep
			}
			open.set(depth, object)
			depth++
			object = c == '{'
			i = skipSpace(b, i+1)
			if i == len(b) || b[i] != c+2 {
				key = object
				continue
			}
		case c == 'n' && len(b)-i >= 4 && string(b[i:i+4]) == "null":
			i += 4
		case c == 't' && len(b)-i >= 4 && string(b[i:i+4]) == "true":
			i += 4
		case c == 'f' && len(b)-i >= 5 && string(b[i:i+5]) == "false":
			i += 5
		default:
			if i, why = skipNumber(b, i); why != fine {
				return i, why
			}
		}
		for uint(i) < uint(len(b)) {
			switch c := b[i]; c {
			case ',':
				i++
				key = object
				continue values
			case '}', ']':
				if object != (c == '}') {
					return i, notComma
				}
				i++
				if depth--; depth == 0 {
					if high&tops != 0 && !utf8.Valid(b[from:i]) {
						return from, notText
					}
					return i, fine
				}
				object = open.object(depth)
			default:
				if !isSpace(c) {
					return i, notComma
				}
				i++
			}
		}
	}
	return i, truncated
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
	for i < len(b) && b[i] <= ' ' && isSpace(b[i]) {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }
