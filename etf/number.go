package etf

import (
	"encoding/binary"
	"math"
	"strconv"
)

// maxSafe is the largest magnitude up to which JSON numbers hold every
// integer, 2^53. Beyond it, AppendJSON writes strings.
const maxSafe = 1 << 53

// bigInteger reads a whole SMALL_BIG or LARGE_BIG term. It reports false when
// the magnitude needs more than 64 bits.
func bigInteger(term []byte) (magnitude uint64, negative, ok bool) {
	head := int(layouts[term[0]].head)
	digits := term[head:] // base 256, least significant first
	negative = term[head-1] != 0
	for len(digits) > 8 {
		if digits[len(digits)-1] != 0 {
			return 0, negative, false
		}
		digits = digits[:len(digits)-1]
	}
	if len(digits) == 8 { // as snowflakes have
		return binary.LittleEndian.Uint64(digits), negative, true
	}
	for i := len(digits) - 1; i >= 0; i-- {
		magnitude = magnitude<<8 | uint64(digits[i])
	}
	return magnitude, negative, true
}

// appendBig appends a whole SMALL_BIG or LARGE_BIG term, as a string when it is
// beyond 2^53 or quote is set. It takes up to 22 bytes.
func appendBig(dst, term []byte, quote bool) ([]byte, error) {
	magnitude, negative, ok := bigInteger(term)
	if !ok {
		return dst, ErrRange
	}
	quote = quote || magnitude > maxSafe
	if quote {
		dst = append(dst, '"')
	}
	if negative && magnitude > 0 {
		dst = append(dst, '-')
	}
	dst = strconv.AppendUint(dst, magnitude, 10)
	if quote {
		dst = append(dst, '"')
	}
	return dst, nil
}

// appendFloatTerm appends a whole FLOAT or NEW_FLOAT term.
func appendFloatTerm(dst, term []byte) ([]byte, error) {
	if term[0] == tagNewFloat {
		return appendFloat(dst, math.Float64frombits(binary.BigEndian.Uint64(term[1:])))
	}
	// "%.20e" in C, padded with zero bytes: the grammar is within that of JSON.
	text := term[1:]
	for len(text) > 0 && text[len(text)-1] == 0 {
		text = text[:len(text)-1]
	}
	if end, _ := scanNumber(text, 0); end != len(text) || end == 0 {
		return dst, ErrRange
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return dst, ErrRange
	}
	return appendFloat(dst, f)
}

// appendFloat appends f as encoding/json does: shortest form that reads back
// the same, with an exponent only where JavaScript would print one. It takes
// up to 25 bytes.
func appendFloat(dst []byte, f float64) ([]byte, error) {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return dst, ErrRange
	}
	if n := int64(f); float64(n) == f && -maxSafe <= n && n <= maxSafe {
		return strconv.AppendInt(dst, n, 10), nil
	}
	if abs := math.Abs(f); abs < 1e-6 || abs >= 1e21 {
		return strconv.AppendFloat(dst, f, 'e', -1, 64), nil
	}
	return strconv.AppendFloat(dst, f, 'f', -1, 64), nil
}
