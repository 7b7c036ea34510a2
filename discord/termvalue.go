package discord

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/discordpkg/gateway/snowflake"
)

// textOfTerm reads text. Integers beyond those that JSON numbers hold are text in
// Discord's JSON.
func (d *decoder) textOfTerm(v *string) {
	start := d.i
	if head := d.s[d.i:]; !d.bare && len(head) > 5 && head[0] == tagBinary { // most text
		if size := bigWord(head[1:]); size <= uint(len(head)-5) {
			d.i += 5 + int(size)
			*v = d.utf8(head[5 : 5+size])
			return
		}
	}
	switch t := d.token(); {
	case t.shape == textTerm:
		*v = t.text
	case t.shape == intTerm && t.n > maxSafe:
		*v = string(appendInt(nil, t))
	default:
		d.misread(t, start, "string")
	}
}

func appendInt(out []byte, t token) []byte {
	if t.neg {
		out = append(out, '-')
	}
	return strconv.AppendUint(out, t.n, 10)
}

// intOfTerm reads an integer.
func (d *decoder) intOfTerm(v *int64) {
	if rest := d.s[d.i:]; !d.bare && len(rest) > 4 { // most integers
		switch rest[0] {
		case tagSmallInteger:
			*v = int64(rest[1])
			d.i += 2
			return
		case tagInteger:
			*v = int64(int32(bigWord(rest[1:])))
			d.i += 5
			return
		}
	}
	start := d.i
	t := d.token()
	switch {
	case t.shape != intTerm:
		d.misread(t, start, "integer")
	case t.n <= math.MaxInt64:
		*v = int64(t.n)
		if t.neg {
			*v = -*v
		}
	case t.neg && t.n == 1<<63:
		*v = math.MinInt64
	default:
		d.unfitAt(start, "integer")
	}
}

// flagsOfTerm reads a set that is a number.
func (d *decoder) flagsOfTerm(v *uint64) {
	start := d.i
	t := d.token()
	if t.shape != intTerm || t.neg && t.n > 0 {
		d.misread(t, start, "set of flags")
		return
	}
	*v = t.n
}

// floatOfTerm reads a number.
func (d *decoder) floatOfTerm(v *float64) {
	start := d.i
	switch t := d.token(); t.shape {
	case floatTerm:
		*v = t.f
	case intTerm:
		if *v = float64(t.n); t.neg {
			*v = -*v
		}
	default:
		d.misread(t, start, "number")
	}
}

// boolOfTerm reads true or false.
func (d *decoder) boolOfTerm(v *bool) {
	if rest := d.s[d.i:]; !d.bare && strings.HasPrefix(rest, "s\x05false") {
		*v = false
		d.i += len("s\x05false")
		return
	}
	start := d.i
	t := d.token()
	if t.shape != boolTerm {
		d.misread(t, start, "boolean")
		return
	}
	*v = t.n != 0
}

// digitsOfTerm reads an integer, or text that spells one.
func (d *decoder) digitsOfTerm(want string) (n uint64, ok bool) {
	start := d.i
	t := d.token()
	switch t.shape {
	case intTerm:
		if n, ok = t.n, !t.neg; !ok {
			d.unfitAt(start, want)
		}
	case textTerm:
		if n, ok = parseDigits(t.text); !ok {
			d.unfitAt(start, want)
		}
	case nullTerm:
		return 0, true
	default:
		d.misread(t, start, want)
	}
	return n, ok
}

// idOfTerm reads a snowflake, zero for null.
func (d *decoder) idOfTerm(v *snowflake.ID) {
	if rest := d.s[d.i:]; !d.bare && len(rest) > 10 && rest[0] == tagSmallBig && rest[1] == 8 && rest[2] == 0 { // most ids
		*v = snowflake.ID(word(rest, 3))
		d.i += 11
		return
	}
	start := d.i
	t := d.token()
	switch {
	case t.shape == intTerm && !t.neg && t.n > 0:
		*v = snowflake.ID(t.n)
		return
	case t.shape == textTerm && t.text != "" && t.text[0] != '0':
		if n, ok := parseDigits(t.text); ok {
			*v = snowflake.ID(n)
			return
		}
	case t.shape == nullTerm:
		*v = 0
		return
	}
	d.misread(t, start, "snowflake")
}

// rawTerm reads any term and returns its JSON.
func (d *decoder) rawTerm() string {
	var short [minPlain]byte
	out := d.appendJSON(short[:0])
	start := d.reserve(len(out))
	d.plain = append(d.plain, out...)
	return alias(d.plain[start:len(d.plain):len(d.plain)])
}

// appendJSON reads any term and appends its JSON.
func (d *decoder) appendJSON(out []byte) []byte {
	switch t := d.token(); t.shape {
	case nullTerm, noTerm:
		return append(out, "null"...)
	case boolTerm:
		return strconv.AppendBool(out, t.n != 0)
	case textTerm:
		return appendQuoted(out, t.text)
	case floatTerm:
		return strconv.AppendFloat(out, t.f, 'g', -1, 64)
	case intTerm:
		if t.n <= maxSafe {
			return appendInt(out, t)
		}
		return append(appendInt(append(out, '"'), t), '"')
	case listTerm:
		return d.appendList(append(out, '['))
	}
	out = append(out, '{')
	comma := false
	for key, ok := d.open(); ok; key, ok = d.next() {
		if comma {
			out = append(out, ',')
		}
		comma = true
		out = d.appendJSON(append(appendQuoted(out, key), ':'))
	}
	return append(out, '}')
}

func (d *decoder) appendList(out []byte) []byte {
	if d.list() {
		for n := 0; d.element(n); n++ {
			if n > 0 {
				out = append(out, ',')
			}
			out = d.appendJSON(out)
		}
	}
	return append(out, ']')
}

// appendQuoted appends text as a string of JSON.
func appendQuoted(out []byte, text string) []byte {
	if end, _ := plainEnd(text, 0); end == len(text) && utf8.ValidString(text) {
		return append(append(append(out, '"'), text...), '"')
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		return append(out, `""`...) // no string fails
	}
	return append(out, quoted...)
}

// skipTerm reads any term, and judges its structure only.
func (d *decoder) skipTerm() {
	for terms := 1; terms > 0 && d.err == nil; terms-- {
		t := d.token()
		if t.shape != listTerm && t.shape != mapTerm {
			continue
		}
		tag := d.s[d.i]
		d.i++
		switch tag {
		case tagString:
			d.take(int(d.big(2)))
		case tagSmallTuple:
			terms += int(d.count(1, 1))
		case tagLargeTuple:
			terms += int(d.count(4, 1))
		case tagList:
			terms += int(d.count(4, 1)) + 1 // the tail
		case tagMap:
			terms += 2 * int(d.count(4, 2))
		}
		if terms > len(d.s)-d.i+1 {
			d.fail(ErrTerm)
		}
	}
}
