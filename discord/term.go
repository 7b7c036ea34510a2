package discord

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The tags of Erlang's external term format.
// https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
const (
	tagNewFloat      = 70
	tagSmallInteger  = 97
	tagInteger       = 98
	tagFloat         = 99
	tagAtom          = 100
	tagSmallTuple    = 104
	tagLargeTuple    = 105
	tagNil           = 106
	tagString        = 107
	tagList          = 108
	tagBinary        = 109
	tagSmallBig      = 110
	tagLargeBig      = 111
	tagSmallAtom     = 115
	tagMap           = 116
	tagAtomUTF8      = 118
	tagSmallAtomUTF8 = 119
)

// A shape is what a term is, seen as JSON.
type shape uint8

const (
	noTerm shape = iota
	nullTerm
	boolTerm
	textTerm
	intTerm   // a number without fraction that 64 bits hold
	floatTerm // any other number
	listTerm
	mapTerm
)

// A token is a term that has no parts, read, or the shape of one that has, not read.
type token struct {
	shape shape
	neg   bool    // of intTerm: n is the magnitude
	n     uint64  // of intTerm, and 1 for true
	f     float64 // of floatTerm
	text  string  // of textTerm
}

// How the rest of a list is written, besides how many elements are left.
const (
	leftMask  = 1<<29 - 1
	tailLeft  = 1 << 30 // NIL follows the last element
	bytesLeft = 1 << 31 // the elements are bytes
)

// shallow is how deep containers lie whose counts need no memory of their own.
const shallow = 16

// leftAt is the count of the innermost container.
func (d *decoder) leftAt() *uint32 {
	if d.depth < shallow {
		return &d.left[d.depth]
	}
	for len(d.deep) <= d.depth-shallow {
		d.deep = append(d.deep, 0)
	}
	return &d.deep[d.depth-shallow]
}

// mapOfTerms reports whether a map is to be read. Null is read here.
func (d *decoder) mapOfTerms() bool {
	if d.i < len(d.s) && d.s[d.i] == tagMap && !d.bare {
		return true
	}
	start := d.i
	d.misread(d.token(), start, "object")
	return false
}

// isNullTerm reads the atom nil or null, or reports false.
func (d *decoder) isNullTerm() bool {
	if d.bare || d.i >= len(d.s) {
		return false
	}
	head, size := 2, 0
	switch rest := d.s[d.i:]; {
	case len(rest) < 5:
		return false
	case rest[0] == tagSmallAtom, rest[0] == tagSmallAtomUTF8:
		size = int(rest[1])
	case rest[0] == tagAtom, rest[0] == tagAtomUTF8:
		head, size = 3, int(rest[1])<<8|int(rest[2])
	}
	if size != 3 && size != 4 || len(d.s)-d.i < head+size {
		return false
	}
	if name := d.s[d.i+head : d.i+head+size]; name != "nil" && name != "null" {
		return false
	}
	d.i += head + size
	return true
}

// take returns the next n bytes, or fails.
func (d *decoder) take(n int) string {
	if n < 0 || n > len(d.s)-d.i {
		d.fail(ErrTerm)
		return ""
	}
	part := d.s[d.i : d.i+n]
	d.i += n
	return part
}

// bigWord is the number that the first four bytes of s spell.
func bigWord(s string) uint {
	_ = s[3]
	return uint(s[0])<<24 | uint(s[1])<<16 | uint(s[2])<<8 | uint(s[3])
}

// big returns the number that the next n bytes spell, the first one highest.
func (d *decoder) big(n int) (v uint64) {
	for _, b := range []byte(d.take(n)) {
		v = v<<8 | uint64(b)
	}
	return v
}

// token reads the term at i, unless it is a list or a map.
func (d *decoder) token() token {
	if d.bare { // an element of a STRING
		d.bare = false
		return token{shape: intTerm, n: d.big(1)}
	}
	if d.i >= len(d.s) {
		d.fail(ErrTerm)
		return token{}
	}
	tag := d.s[d.i]
	switch tag {
	case tagMap:
		return token{shape: mapTerm}
	case tagList, tagNil, tagString, tagSmallTuple, tagLargeTuple:
		return token{shape: listTerm}
	}
	d.i++
	return d.scalar(tag)
}

// scalar reads the rest of a term without parts.
func (d *decoder) scalar(tag byte) token {
	switch tag {
	case tagBinary:
		return token{shape: textTerm, text: d.utf8(d.take(int(d.big(4))))}
	case tagSmallInteger:
		return token{shape: intTerm, n: d.big(1)}
	case tagInteger:
		return signed(int64(int32(d.big(4))))
	case tagSmallBig:
		return d.bignum(int(d.big(1)))
	case tagLargeBig:
		return d.bignum(int(d.big(4)))
	case tagSmallAtom, tagSmallAtomUTF8:
		return d.atom(d.take(int(d.big(1))))
	case tagAtom, tagAtomUTF8:
		return d.atom(d.take(int(d.big(2))))
	case tagNewFloat:
		return d.float64(math.Float64frombits(d.big(8)), nil)
	case tagFloat:
		return d.float64(strconv.ParseFloat(strings.TrimRight(d.take(31), "\x00"), 64))
	}
	d.i--
	d.fail(ErrTerm)
	return token{}
}

func signed(n int64) token {
	if n < 0 {
		return token{shape: intTerm, neg: true, n: uint64(-n)}
	}
	return token{shape: intTerm, n: uint64(n)}
}

// maxSafe is the largest magnitude up to which floats hold every integer.
const maxSafe = 1 << 53

// float64 is the number that a float says, which may have no fraction.
func (d *decoder) float64(f float64, err error) token {
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		d.fail(ErrTerm)
	}
	if n := int64(f); -maxSafe <= f && f <= maxSafe && float64(n) == f {
		return signed(n)
	}
	return token{shape: floatTerm, f: f}
}

// bignum reads the sign and the digits of an integer, the lowest first.
func (d *decoder) bignum(size int) (t token) {
	t = token{shape: intTerm, neg: d.big(1) != 0}
	for i, b := range []byte(d.take(size)) {
		if i < 8 {
			t.n |= uint64(b) << (8 * i)
		} else if b != 0 {
			d.fail(ErrTerm)
		}
	}
	return t
}

func (d *decoder) atom(name string) token {
	switch name {
	case "nil", "null":
		return token{shape: nullTerm}
	case "true":
		return token{shape: boolTerm, n: 1}
	case "false":
		return token{shape: boolTerm}
	}
	return token{shape: textTerm, text: d.utf8(name)}
}

// utf8 returns text with U+FFFD for each byte that is not UTF-8.
func (d *decoder) utf8(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	start := d.reserve(3 * len(text))
	d.plain = appendValid(d.plain, text)
	return alias(d.plain[start:len(d.plain):len(d.plain)])
}

// openTerm reads the head of a map and its first key.
func (d *decoder) openTerm() (key string, ok bool) {
	if !d.object() || !d.enter() {
		return "", false
	}
	*d.leftAt() = d.count(4, 2)
	return d.nextTerm()
}

// count reads how many elements follow, each of which has so many bytes or more.
func (d *decoder) count(size, each int) uint32 {
	n := d.big(size)
	if n > uint64(len(d.s)-d.i)/uint64(each) || n > leftMask {
		d.fail(ErrTerm)
		return 0
	}
	return uint32(n)
}

func (d *decoder) nextTerm() (key string, ok bool) {
	if d.err != nil {
		return "", false
	}
	left := d.leftAt()
	if *left == 0 {
		d.depth--
		return "", false
	}
	*left--
	return d.keyTerm()
}

// keyTerm reads a key, which may be text, any atom or an integer.
func (d *decoder) keyTerm() (key string, ok bool) {
	start := d.i
	head := d.s[d.i:]
	if len(head) > 5 && (head[0] == tagSmallAtom || head[0] == tagSmallAtomUTF8) && int(head[1]) <= len(head)-2 { // Discord's keys
		end := 2 + int(head[1])
		d.i += end
		return head[2:end], true
	}
	if len(head) > 5 && head[0] == tagBinary { // and those of others
		if size := bigWord(head[1:]); size <= uint(len(head)-5) {
			d.i += 5 + int(size)
			return head[5 : 5+size], true
		}
	}
	switch t := d.token(); t.shape {
	case textTerm:
		return t.text, true
	case intTerm:
		key = strconv.FormatUint(t.n, 10)
		if t.neg {
			key = "-" + key
		}
		return key, true
	case nullTerm, boolTerm:
		name := d.s[start+2 : d.i]
		if d.s[start] == tagAtom || d.s[start] == tagAtomUTF8 {
			name = name[1:]
		}
		return name, true
	}
	d.fail(ErrTerm)
	return "", false
}

// listOfTerms reads the head of a list.
func (d *decoder) listOfTerms() bool {
	start := d.i
	if t := d.token(); t.shape != listTerm {
		d.misread(t, start, "list")
		return false
	}
	tag := d.s[d.i]
	if !d.enter() {
		return false
	}
	left := uint32(0)
	switch tag {
	case tagString:
		left = d.count(2, 1) | bytesLeft
	case tagSmallTuple:
		left = d.count(1, 1)
	case tagLargeTuple:
		left = d.count(4, 1)
	case tagList:
		left = d.count(4, 1) | tailLeft
	}
	*d.leftAt() = left
	return d.err == nil
}

// elementTerm reports whether a list goes on, and reads its end if not.
func (d *decoder) elementTerm() bool {
	if d.err != nil {
		return false
	}
	left := d.leftAt()
	if *left&leftMask == 0 {
		if *left&tailLeft != 0 && d.take(1) != "\x6a" { // NIL
			d.fail(ErrTerm)
		}
		d.depth--
		return false
	}
	*left--
	d.bare = *left&bytesLeft != 0
	return true
}

// misread notes that a term does not fit, and skips it if it is not read yet. Null
// fits everywhere.
func (d *decoder) misread(t token, start int, want string) {
	switch t.shape {
	case nullTerm, noTerm:
		return
	case listTerm, mapTerm:
		d.skip()
	}
	d.unfitAt(start, want)
}
