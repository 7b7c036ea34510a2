package etf

import "math"

// scanNumber returns the end of the JSON number at src[i], and whether it has
// neither fraction nor exponent. If there is none, the end is the complement
// of where it goes wrong, a negative number.
func scanNumber(src []byte, i int) (end int, integer bool) {
	if i < len(src) && src[i] == '-' {
		i++
	}
	start := i
	i = scanDigits(src, i)
	if i == start || src[start] == '0' && i > start+1 {
		if i > start {
			i = start + 1
		}
		return ^i, false
	}
	integer = true
	if i < len(src) && src[i] == '.' {
		integer = false
		start = i + 1
		if i = scanDigits(src, start); i == start {
			return ^i, false
		}
	}
	if i < len(src) && (src[i] == 'e' || src[i] == 'E') {
		integer = false
		i++
		if i < len(src) && (src[i] == '+' || src[i] == '-') {
			i++
		}
		start = i
		if i = scanDigits(src, start); i == start {
			return ^i, false
		}
	}
	return i, integer
}

func scanDigits(src []byte, i int) int {
	for i < len(src) && '0' <= src[i] && src[i] <= '9' {
		i++
	}
	return i
}

// parseInteger reads a JSON number without fraction and exponent. It reports
// false when the magnitude needs more than 64 bits, or more than 63 with a
// sign; only -2^63 itself goes beyond.
func parseInteger(text []byte) (magnitude uint64, negative, ok bool) {
	if negative = text[0] == '-'; negative {
		text = text[1:]
	}
	limit := uint64(math.MaxUint64)
	if negative {
		limit = 1 << 63
	}
	for _, b := range text {
		digit := uint64(b - '0')
		if magnitude > (limit-digit)/10 {
			return 0, negative, false
		}
		magnitude = magnitude*10 + digit
	}
	return magnitude, negative, true
}
