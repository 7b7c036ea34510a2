package etf

import (
	"encoding/binary"
	"math"
)

// Split finds the envelope of one message, {op, s, t, d} in any order, with
// keys that are atoms or binaries. Other keys are skipped, of equal keys the
// last wins; op must be there.
//
// Seq is zero when s is absent or nil, event is nil when t is. Event and data
// alias msg; data is the term d, for AppendJSON, and nil when d is absent. Split reads
// none of its contents and walks it only where it must: not when d comes last,
// nor in the order in which Erlang sorts keys, d, op, s, t. Then it is AppendJSON
// that finds whether data is just one well formed term.
//
// https://discord.com/developers/docs/events/gateway-events#payload-structure
func (c Codec) Split(msg []byte) (op uint, seq int64, event, data []byte, err error) {
	e := envelope{msg: msg}
	if err := e.read(); err != nil {
		return 0, 0, nil, nil, &SyntaxError{Offset: e.pos, Err: err}
	}
	return e.op, e.seq, e.event, e.data, nil
}

type envelope struct {
	msg         []byte
	pos         int
	op          uint
	hasOp       bool
	seq         int64
	event, data []byte
}

func (e *envelope) read() error {
	switch {
	case len(e.msg) > maxInput:
		return ErrSize
	case len(e.msg) == 0:
		return ErrTruncated
	case e.msg[0] != version:
		return ErrVersion
	}
	e.pos = 1
	if len(e.msg) < 6 {
		return ErrTruncated
	}
	if e.msg[1] != tagMap {
		return ErrEnvelope
	}
	pairs := binary.BigEndian.Uint32(e.msg[2:])
	e.pos = 6
	for left := pairs; left > 0; left-- {
		name, err := e.key()
		if err != nil {
			return err
		}
		if name == 'd' && e.unread(pairs, left) {
			break
		}
		if err := e.value(name); err != nil {
			return err
		}
	}
	if e.pos < len(e.msg) {
		return ErrTrailing
	}
	if !e.hasOp {
		return ErrEnvelope
	}
	return nil
}

// unread takes the value of d, and what may come behind it, if it can do so
// without walking the value. Left pairs of all pairs are not read, this included.
func (e *envelope) unread(pairs, left uint32) bool {
	switch {
	case left == 1 && e.pos < len(e.msg):
		e.data, e.pos = e.msg[e.pos:], len(e.msg)
		return true
	case left == 4 && pairs == 4:
		return e.endOfData(e.pos)
	}
	return false
}

// key reads one key, and returns the last letter of it if it is op, s, t or d,
// else zero.
func (e *envelope) key() (byte, error) {
	start := e.pos
	var err error
	if e.pos, err = skip(e.msg, start); err != nil {
		return 0, err
	}
	l := &layouts[e.msg[start]]
	if l.class != classText {
		return 0, nil
	}
	switch key := e.msg[start+int(l.head) : e.pos]; string(key) {
	case "op", "s", "t", "d":
		return key[len(key)-1], nil
	}
	return 0, nil
}

// value reads the value of a key.
func (e *envelope) value(name byte) error {
	if e.usual(name) {
		return nil
	}
	start := e.pos
	var err error
	if e.pos, err = skip(e.msg, start); err != nil {
		return err
	}
	if !e.set(name, e.msg[start:e.pos]) {
		e.pos = start
		return ErrEnvelope
	}
	return nil
}

// usual takes the values that almost every dispatch has, and reports whether
// it did: a number of one byte as op, one of four as s, and the name of an event
// as t, which is longer than those of all constants.
func (e *envelope) usual(name byte) bool {
	rest := e.msg[e.pos:]
	if len(rest) < 5 {
		return false
	}
	switch {
	case name == 'p' && rest[0] == tagSmallInteger:
		e.op, e.hasOp = uint(rest[1]), true
		e.pos += 2
		return true
	case name == 's' && rest[0] == tagInteger:
		e.seq = int64(int32(binary.BigEndian.Uint32(rest[1:])))
		e.pos += 5
		return true
	case name == 't':
		head, size := textHead(rest)
		if head > 0 && size > 5 && size <= uint(len(rest))-head {
			e.event = rest[head : head+size]
			e.pos += int(head + size)
			return true
		}
	}
	return false
}

// set keeps a value, and reports whether it is fit for the name.
func (e *envelope) set(name byte, value []byte) bool {
	switch name {
	case 'p':
		n, ok := smallNumber(value)
		if !ok || n < 0 || n > math.MaxInt32 {
			return false
		}
		e.op, e.hasOp = uint(n), true
	case 's':
		n, ok := smallNumber(value)
		if !ok && !isNull(value) {
			return false
		}
		e.seq = n
	case 't':
		if isNull(value) {
			e.event = nil
			return true
		}
		l := layouts[value[0]]
		e.event = value[l.head:]
		return l.class == classText
	case 'd':
		e.data = value
	}
	return true
}

// smallNumber reads a whole integer term. It reports false for any other term
// and for what int64 does not hold, and returns zero then.
func smallNumber(term []byte) (int64, bool) {
	switch term[0] {
	case tagSmallInteger:
		return int64(term[1]), true
	case tagInteger:
		return int64(int32(binary.BigEndian.Uint32(term[1:]))), true
	case tagSmallBig, tagLargeBig:
		magnitude, negative, ok := bigInteger(term)
		switch {
		case !ok || magnitude > math.MaxInt64:
			return 0, false
		case negative:
			return -int64(magnitude), true
		}
		return int64(magnitude), true
	}
	return 0, false
}

// isNull reports whether a whole term is the atom nil or null.
func isNull(term []byte) bool {
	l := layouts[term[0]]
	return l.class == classText && term[0] != tagBinary && constantOf(term[l.head:]) == "null"
}
