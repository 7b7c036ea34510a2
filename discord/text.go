package discord

import (
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// Bytes in all eight places of a word.
const (
	ones    = 0x0101010101010101
	highs   = 0x8080808080808080
	quotes  = ones * '"'
	slashes = ones * '\\'
	spaces  = ones * ' '
)

// word is the eight bytes of s from i on.
func word(s string, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// plainEnd returns the index of the first byte of s from i on that does not stand
// for itself in a string: a quote, a backslash or a control character; len(s) if
// there is none. High has a high bit set if any byte before it has.
func plainEnd(s string, i int) (end int, high uint64) {
	for i+8 <= len(s) {
		x := word(s, i)
		q, b := x^quotes, x^slashes
		if m := ((q-ones)&^q | (b-ones)&^b | (x-spaces)&^x) & highs; m != 0 {
			n := bits.TrailingZeros64(m) &^ 7
			return i + n>>3, (high | x&(1<<n-1)) & highs
		}
		high |= x
		i += 8
	}
	for ; i < len(s); i++ {
		c := s[i]
		if c == '"' || c == '\\' || c < ' ' {
			break
		}
		high |= uint64(c)
	}
	return i, high & highs
}

// minPlain is the least room that is made for text that was escaped.
const minPlain = 256

// str reads a string.
func (d *decoder) str(v *string) {
	if d.term {
		d.textOfTerm(v)
		return
	}
	switch d.peek() {
	case '"':
		*v = d.text()
	case 'n':
		d.literal("null")
	default:
		d.unfit("string")
	}
}

// text reads a string, at whose quote i is.
func (d *decoder) text() string {
	start := d.i + 1
	end, high := plainEnd(d.s, start)
	if end < len(d.s) && d.s[end] == '"' {
		s := d.s[start:end]
		if high == 0 || utf8.ValidString(s) {
			d.i = end + 1
			return s
		}
	}
	d.i = start
	return d.unescape()
}

// unescape reads the rest of a string that has escapes, or bytes that are not UTF-8.
// These, and halves of surrogate pairs, become U+FFFD.
func (d *decoder) unescape() string {
	size := d.closing()
	if d.err != nil {
		return ""
	}
	start := d.reserve(size)
	out := d.plain
	for {
		end, high := plainEnd(d.s, d.i)
		if part := d.s[d.i:end]; high == 0 {
			out = append(out, part...)
		} else {
			out = appendValid(out, part)
		}
		if d.i = end; d.s[end] == '"' {
			d.i++
			break
		}
		out = d.escape(out)
	}
	d.plain = out
	return alias(out[start:len(out):len(out)])
}

// reserve makes room for plain text, and returns where it starts.
func (d *decoder) reserve(size int) (start int) {
	if cap(d.plain)-len(d.plain) < size {
		d.plain = make([]byte, 0, max(size, 2*cap(d.plain), minPlain))
	}
	return len(d.plain)
}

// closing returns how far off the quote is that ends a string, and checks that
// there is one, the escapes before it, and that no control character is.
func (d *decoder) closing() int {
	start := d.i
	d.skipText()
	size := d.i - start
	if d.err == nil {
		d.i = start
	}
	return size
}

// skipText reads the rest of a string.
func (d *decoder) skipText() {
	for {
		d.i, _ = plainEnd(d.s, d.i)
		switch {
		case d.i == len(d.s):
			d.fail(ErrTruncated)
			return
		case d.s[d.i] == '"':
			d.i++
			return
		case d.s[d.i] != '\\' || !d.validEscape():
			d.fail(ErrSyntax)
			return
		}
	}
}

// validEscape reads an escape and reports whether there is one.
func (d *decoder) validEscape() bool {
	if len(d.s)-d.i < 2 {
		return false
	}
	switch d.s[d.i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		d.i += 2
		return true
	case 'u':
		if hex4(d.s[d.i+2:]) >= 0 {
			d.i += 6
			return true
		}
	}
	return false
}

// escape reads a valid escape and appends what it stands for.
func (d *decoder) escape(out []byte) []byte {
	c := d.s[d.i+1]
	d.i += 2
	switch c {
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		r := hex4(d.s[d.i:])
		d.i += 4
		if utf16.IsSurrogate(r) {
			r = d.pair16(r)
		}
		return utf8.AppendRune(out, r)
	}
	return append(out, c)
}

// pair16 reads the second half of a surrogate pair, if it follows.
func (d *decoder) pair16(first rune) rune {
	if rest := d.s[d.i:]; len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' {
		if r := utf16.DecodeRune(first, hex4(rest[2:])); r != utf8.RuneError {
			d.i += 6
			return r
		}
	}
	return utf8.RuneError
}

// hex4 is the number that the first four digits of s spell, -1 if they do not.
func hex4(s string) rune {
	if len(s) < 4 {
		return -1
	}
	var r rune
	for i := range 4 {
		c := s[i]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// appendValid appends s with U+FFFD for each byte that is not UTF-8.
func appendValid(out []byte, s string) []byte {
	for _, r := range s {
		out = utf8.AppendRune(out, r)
	}
	return out
}
