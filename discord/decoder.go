package discord

import (
	"slices"
	"strconv"
	"strings"

	"github.com/discordpkg/gateway/snowflake"
)

// MaxDepth is how many objects and lists may lie in each other. Discord's own
// messages have some ten.
const MaxDepth = 128

// A decoder reads one message. The methods that read a value are at its start,
// space included, and leave i behind it. What is no JSON sets err and puts i at
// the end, where every method fails, so that only the last one needs to look.
type decoder struct {
	s     string
	i     int
	depth int
	err   error // what is wrong with the syntax
	at    int   // and where

	unfits int    // how many values did not fit
	first  int    // where the first of them is
	want   string // and what belongs there
	mark   int    // unfits at the last call of some

	term bool            // s is a term of Erlang, not JSON
	bare bool            // the next element is a byte without a tag
	left [shallow]uint32 // elements that are left, by depth, of terms
	deep []uint32        // the same for those that lie deeper

	mem   *arena // never nil
	reuse bool   // lists, objects and plain text are to be taken from mem
	plain []byte // text that was escaped, never changed once a string has it

	spare []snowflake.ID // memory for lists, if it is not to be taken from mem
	chunk int            // how many there were at most in a piece of it
}

// fail notes what is wrong at i, and where nothing was before.
func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err, d.at = err, d.i
	}
	d.i = len(d.s)
}

// unfit notes that the value at i is not what belongs there, and skips it.
func (d *decoder) unfit(want string) {
	if !d.term {
		d.peek()
	}
	start := d.i
	d.skip()
	d.unfitAt(start, want)
}

// unfitAt is unfit for a value that was read.
func (d *decoder) unfitAt(start int, want string) {
	if d.unfits == 0 {
		d.first, d.want = start, want
	}
	d.unfits++
}

// peek skips space and returns the next byte, zero at the end.
func (d *decoder) peek() byte {
	if d.i < len(d.s) {
		if c := d.s[d.i]; c > ' ' {
			return c
		}
		return d.space()
	}
	return 0
}

func (d *decoder) space() byte {
	for d.i < len(d.s) {
		switch c := d.s[d.i]; c {
		case ' ', '\t', '\n', '\r':
			d.i++
		default:
			return c
		}
	}
	return 0
}

// literal reads true, false or null.
func (d *decoder) literal(name string) bool {
	if !strings.HasPrefix(d.s[d.i:], name) {
		d.fail(ErrSyntax)
		return false
	}
	d.i += len(name)
	return true
}

// enter counts a container that opens, and leave one that closes.
func (d *decoder) enter() bool {
	if d.depth++; d.depth > MaxDepth {
		d.fail(ErrDepth)
		return false
	}
	d.i++
	return true
}

func (d *decoder) leave() {
	d.depth--
	d.i++
}

// object reports whether an object is to be read. Null is read here.
func (d *decoder) object() bool {
	if d.term {
		return d.mapOfTerms()
	}
	switch d.peek() {
	case '{':
		return true
	case 'n':
		d.literal("null")
	default:
		d.unfit("object")
	}
	return false
}

// open reads the start of an object and its first key.
func (d *decoder) open() (key string, ok bool) {
	if d.term {
		return d.openTerm()
	}
	if !d.object() || !d.enter() {
		return "", false
	}
	if d.peek() == '}' {
		d.leave()
		return "", false
	}
	return d.key()
}

// next reads what is between two values of an object, to the next key.
func (d *decoder) next() (key string, ok bool) {
	if d.term {
		return d.nextTerm()
	}
	switch d.peek() {
	case ',':
		d.i++
		return d.key()
	case '}':
		d.leave()
	default:
		d.fail(ErrSyntax)
	}
	return "", false
}

func (d *decoder) key() (key string, ok bool) {
	if d.peek() != '"' {
		d.fail(ErrSyntax)
		return "", false
	}
	key = d.text()
	if d.peek() != ':' {
		d.fail(ErrSyntax)
		return "", false
	}
	d.i++
	return key, true
}

// list reads the start of a list. Null is read here, too.
func (d *decoder) list() bool {
	if d.term {
		return d.listOfTerms()
	}
	switch d.peek() {
	case '[':
		return d.enter()
	case 'n':
		d.literal("null")
	default:
		d.unfit("list")
	}
	return false
}

// element reads what stands before element n of a list, or its end.
func (d *decoder) element(n int) bool {
	if d.term {
		return d.elementTerm()
	}
	switch c := d.peek(); {
	case c == ']':
		d.leave()
		return false
	case n == 0:
		return true
	case c == ',':
		d.i++
		if d.peek() != ']' {
			return true
		}
	}
	d.fail(ErrSyntax)
	return false
}

// some reads a null, or reports that there is a value, and notes which.
func (d *decoder) some(state *presence) bool {
	if d.term {
		if d.isNullTerm() {
			*state = isNull
			return false
		}
	} else if d.peek() == 'n' {
		d.literal("null")
		*state = isNull
		return false
	}
	d.mark = d.unfits
	*state = isSet
	return true
}

// settle takes back what some said of a value that did not fit.
func (d *decoder) settle(state *presence) {
	if d.unfits != d.mark {
		*state = absent
	}
}

// someObject is some for a value that is an object.
func (d *decoder) someObject(state *presence) bool {
	if !d.some(state) {
		return false
	}
	if !d.object() {
		*state = absent
		return false
	}
	return true
}

// tag returns the number under a key of the object at i, and reports false if
// there is none. It reads nothing.
func (d *decoder) tag(name string) (n int32, ok bool) {
	scout := *d
	for key, more := scout.open(); more; key, more = scout.next() {
		if key == name {
			scout.enum(&n)
			return n, scout.err == nil && scout.unfits == d.unfits
		}
		scout.skip()
	}
	return 0, false
}

// raw reads any value and returns its text.
func (d *decoder) raw() string {
	if d.term {
		return d.rawTerm()
	}
	d.peek()
	start := d.i
	d.skip()
	return d.s[start:d.i]
}

// end reads the end of the message, and says what was wrong with it.
func (d *decoder) end(name string) error {
	if d.term {
		if d.i < len(d.s) {
			d.fail(ErrTerm)
		}
	} else if d.peek(); d.i < len(d.s) {
		d.fail(ErrSyntax)
	}
	if d.err == nil {
		return nil
	}
	return &SyntaxError{Type: name, Path: d.pathOf(d.at), Offset: d.at, Err: d.err}
}

// misfit is the error for the first value that did not fit, if one did not.
func (d *decoder) misfit(name string) error {
	if d.unfits == 0 {
		return nil
	}
	return &TypeError{Type: name, Path: d.pathOf(d.first), Offset: d.first, Want: d.want, Have: d.kindOf(d.first)}
}

// settlePtr is settle for a pointer to an object.
func (d *decoder) settlePtr(state *presence, missing bool) {
	if missing {
		*state = absent
	}
}

// parentTag returns the number under a key of the object that holds the value at i:
// known, if it was read already, or else what stands behind the value.
func (d *decoder) parentTag(known int32, name string) int32 {
	if known != 0 {
		return known
	}
	scout := *d
	scout.deep = slices.Clone(d.deep)
	scout.skip()
	for key, ok := scout.next(); ok; key, ok = scout.next() {
		if key == name {
			scout.enum(&known)
			return known
		}
		scout.skip()
	}
	return 0
}

// parseEnum reads a key that is a value of an enumeration.
func parseEnum(key string) (int32, bool) {
	n, err := strconv.ParseInt(key, 10, 32)
	return int32(n), err == nil
}

// parseID reads a key that is a snowflake.
func parseID(key string) (uint64, bool) {
	n, err := strconv.ParseUint(key, 10, 64)
	return n, err == nil
}
