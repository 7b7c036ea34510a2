package etf

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// text reads a string and appends it as a binary.
func (p *parser) text() error {
	p.pos++
	start := p.header(tagBinary)
	for {
		plain := plainPrefix(p.src[p.pos:])
		p.out = append(p.out, p.src[p.pos:p.pos+plain]...)
		p.pos += plain
		if p.pos >= len(p.src) {
			return ErrTruncated
		}
		switch b := p.src[p.pos]; {
		case b == '"':
			p.pos++
			p.setCount(start, uint32(len(p.out)-start))
			return nil
		case b == '\\':
			if err := p.escape(); err != nil {
				return err
			}
		case b < ' ':
			return ErrJSON
		default:
			p.runes()
		}
	}
}

// plainPrefix returns how many bytes of s stand for themselves in a string,
// and are ASCII.
func plainPrefix(s []byte) int {
	i := 0
	for ; len(s)-i >= 8; i += 8 {
		if m := special(binary.LittleEndian.Uint64(s[i:])) & tops; m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for ; i < len(s); i++ {
		if b := s[i]; b < ' ' || b == '"' || b == '\\' || b >= utf8.RuneSelf {
			break
		}
	}
	return i
}

// runes reads a run of other than ASCII characters.
func (p *parser) runes() {
	for p.pos < len(p.src) && p.src[p.pos] >= utf8.RuneSelf {
		r, size := utf8.DecodeRune(p.src[p.pos:])
		p.out = utf8.AppendRune(p.out, r)
		p.pos += size
	}
}

// escape reads a backslash and what belongs to it.
func (p *parser) escape() error {
	p.pos++
	if p.pos >= len(p.src) {
		return ErrTruncated
	}
	b := p.src[p.pos]
	switch b {
	case '"', '\\', '/':
	case 'b':
		b = '\b'
	case 'f':
		b = '\f'
	case 'n':
		b = '\n'
	case 'r':
		b = '\r'
	case 't':
		b = '\t'
	case 'u':
		return p.unicodeEscape()
	default:
		return ErrJSON
	}
	p.out = append(p.out, b)
	p.pos++
	return nil
}

// unicodeEscape reads u and four digits, and the second half of a surrogate
// pair if that follows. A half on its own stands for U+FFFD.
func (p *parser) unicodeEscape() error {
	p.pos++
	r, digits := hex4(p.src[p.pos:])
	p.pos += digits
	if digits < 4 {
		return p.fail()
	}
	if rest := p.src[p.pos:]; utf16.IsSurrogate(r) && len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' {
		low, digits := hex4(rest[2:])
		if pair := utf16.DecodeRune(r, low); digits == 4 && pair != utf8.RuneError {
			r = pair
			p.pos += 6
		}
	}
	p.out = utf8.AppendRune(p.out, r)
	return nil
}

// hex4 reads up to four hexadecimal digits and returns how many there were.
func hex4(s []byte) (r rune, digits int) {
	for ; digits < 4 && digits < len(s); digits++ {
		b := s[digits]
		switch {
		case '0' <= b && b <= '9':
			b -= '0'
		case 'a' <= b && b <= 'f':
			b -= 'a' - 10
		case 'A' <= b && b <= 'F':
			b -= 'A' - 10
		default:
			return r, digits
		}
		r = r<<4 | rune(b)
	}
	return r, digits
}
