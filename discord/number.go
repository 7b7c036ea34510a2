package discord

import (
	"strconv"

	"github.com/discordpkg/gateway/snowflake"
)

// number reads a number and returns its text, which is not empty unless there is
// none.
func (d *decoder) number() string {
	s, start := d.s, d.i
	i := start
	if i < len(s) && s[i] == '-' {
		i++
	}
	switch {
	case i < len(s) && s[i] == '0':
		i++
	case i < len(s) && '1' <= s[i] && s[i] <= '9':
		i = digitsEnd(s, i)
	default:
		return d.noNumber(i)
	}
	if i < len(s) && s[i] == '.' {
		from := i + 1
		if i = digitsEnd(s, from); i == from {
			return d.noNumber(i)
		}
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		if i++; i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		from := i
		if i = digitsEnd(s, from); i == from {
			return d.noNumber(i)
		}
	}
	d.i = i
	return s[start:i]
}

func (d *decoder) noNumber(i int) string {
	if d.i = i; i >= len(d.s) {
		d.fail(ErrTruncated)
	} else {
		d.fail(ErrSyntax)
	}
	return ""
}

func digitsEnd(s string, i int) int {
	for i < len(s) && s[i]-'0' <= 9 {
		i++
	}
	return i
}

// isNumber reports whether a number starts with c.
func isNumber(c byte) bool { return c == '-' || c-'0' <= 9 }

// maxQuick is how many digits fit any int64 and uint64.
const maxQuick = 18

// int reads an integer.
func (d *decoder) int(v *int64) {
	if d.term {
		d.intOfTerm(v)
		return
	}
	c := d.peek()
	if !isNumber(c) {
		d.noInteger(c)
		return
	}
	start := d.i
	text := d.number()
	if n, ok := quickInt(text); ok {
		*v = n
		return
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		d.unfitAt(start, "integer")
		return
	}
	*v = n
}

// noInteger reads what starts with c where a number belongs.
func (d *decoder) noInteger(c byte) {
	if c == 'n' {
		d.literal("null")
	} else {
		d.unfit("integer")
	}
}

// quickInt reads the integers that need no thought: few digits, no sign.
func quickInt(s string) (n int64, ok bool) {
	if len(s) > maxQuick {
		return 0, false
	}
	for i := range len(s) {
		c := s[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + int64(c)
	}
	return n, s != ""
}

// enum reads a value of an enumeration.
func (d *decoder) enum(v *int32) {
	n := int64(*v)
	if !d.term {
		d.peek()
	}
	start := d.i
	if d.int(&n); n != int64(int32(n)) {
		d.unfitAt(start, "integer of 32 bits")
		return
	}
	*v = int32(n)
}

// flags reads a set that is a number.
func (d *decoder) flags(v *uint64) {
	if d.term {
		d.flagsOfTerm(v)
		return
	}
	c := d.peek()
	if !isNumber(c) {
		d.noInteger(c)
		return
	}
	start := d.i
	text := d.number()
	n, ok := quickInt(text)
	if ok {
		*v = uint64(n)
		return
	}
	u, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		d.unfitAt(start, "set of flags")
		return
	}
	*v = u
}

// float reads a number.
func (d *decoder) float(v *float64) {
	if d.term {
		d.floatOfTerm(v)
		return
	}
	c := d.peek()
	if !isNumber(c) {
		if c == 'n' {
			d.literal("null")
		} else {
			d.unfit("number")
		}
		return
	}
	start := d.i
	f, err := strconv.ParseFloat(d.number(), 64)
	if err != nil {
		d.unfitAt(start, "number")
		return
	}
	*v = f
}

// bool reads true or false.
func (d *decoder) bool(v *bool) {
	if d.term {
		d.boolOfTerm(v)
		return
	}
	switch d.peek() {
	case 't':
		if d.literal("true") {
			*v = true
		}
	case 'f':
		if d.literal("false") {
			*v = false
		}
	case 'n':
		d.literal("null")
	default:
		d.unfit("boolean")
	}
}

// digits reads a string or a number of decimal digits, zero for null. It reports
// false, and has noted it, if that is not what there is.
func (d *decoder) digits(want string) (n uint64, ok bool) {
	if d.term {
		return d.digitsOfTerm(want)
	}
	c := d.peek()
	start := d.i
	var text string
	switch {
	case c == '"':
		end := digitsEnd(d.s, start+1)
		if end < len(d.s) && d.s[end] == '"' {
			text, d.i = d.s[start+1:end], end+1
			break
		}
		d.unfit(want)
		return 0, false
	case isNumber(c):
		text = d.number()
	case c == 'n':
		d.literal("null")
		return 0, true
	default:
		d.unfit(want)
		return 0, false
	}
	if n, ok = parseDigits(text); !ok {
		d.unfitAt(start, want)
	}
	return n, ok
}

// parseDigits reads decimal digits, leading zeros too.
func parseDigits(s string) (uint64, bool) {
	if len(s) >= 16 && len(s) <= 19 {
		if high, ok := eightDigits(word(s, 0)); ok {
			if low, ok := eightDigits(word(s, 8)); ok {
				n := high*1e8 + low
				for _, c := range []byte(s[16:]) {
					if c -= '0'; c > 9 {
						return 0, false
					}
					n = n*10 + uint64(c)
				}
				return n, true
			}
		}
		return 0, false
	}
	if len(s) == 0 || s[0]-'0' > 9 {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil
}

// eightDigits is the number that the eight bytes of a word spell.
func eightDigits(x uint64) (uint64, bool) {
	const nibbles = ones * 0xf0
	if x&nibbles != ones*'0' || (x+ones*6)&nibbles != ones*'0' {
		return 0, false
	}
	x = (x & (ones * 0x0f)) * (10<<8 + 1) >> 8
	x = (x & 0x00ff00ff00ff00ff) * (100<<16 + 1) >> 16
	return (x & 0x0000ffff0000ffff) * (10000<<32 + 1) >> 32, true
}

// id reads a snowflake, zero for null.
func (d *decoder) id(v *snowflake.ID) {
	if d.term {
		d.idOfTerm(v)
		return
	}
	c := d.peek()
	start := d.i
	if c == '"' {
		if n, end := quickID(d.s, start+1); end > 0 {
			*v, d.i = snowflake.ID(n), end
			return
		}
	}
	n, ok := d.digits("snowflake")
	if !ok {
		return
	}
	// The package snowflake takes neither zero nor leading zeros.
	if c != 'n' && (n == 0 || d.s[start] == '0' || d.s[start+1] == '0' && c == '"') {
		d.unfitAt(start, "snowflake")
		return
	}
	*v = snowflake.ID(n)
}

// quickID reads an id of today's size and the quote behind it, and returns the
// index after that, or zero.
func quickID(s string, i int) (n uint64, end int) {
	if len(s)-i < 20 || s[i] == '0' {
		return 0, 0
	}
	high, ok := eightDigits(word(s, i))
	if !ok {
		return 0, 0
	}
	low, ok := eightDigits(word(s, i+8))
	if !ok {
		return 0, 0
	}
	n = high*1e8 + low
	for i += 16; ; i++ {
		if i == len(s) {
			return 0, 0
		}
		c := s[i] - '0'
		if c > 9 {
			break
		}
		if n >= 1e18 { // room for one digit more is not sure
			return 0, 0
		}
		n = n*10 + uint64(c)
	}
	if s[i] != '"' {
		return 0, 0
	}
	return n, i + 1
}
