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
// none of its contents: it steps over d, and when d comes last not even that.
// Data then reaches to the end of msg, and it is AppendJSON that
// finds whether it is one well formed term.
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
	for ; pairs > 0; pairs-- {
		if err := e.pair(pairs == 1); err != nil {
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

// pair reads one key and its value. The last value may be taken unread.
func (e *envelope) pair(last bool) error {
	start := e.pos
	var err error
	if e.pos, err = skip(e.msg, start); err != nil {
		return err
	}
	value := e.pos
	name := keyName(e.msg[start:value])
	if name == 'd' && last && value < len(e.msg) {
		e.data, e.pos = e.msg[value:], len(e.msg)
		return nil
	}
	if e.pos, err = skip(e.msg, value); err != nil {
		return err
	}
	if !e.set(name, e.msg[value:e.pos]) {
		e.pos = value
		return ErrEnvelope
	}
	return nil
}

// keyName returns the last letter of the key if it is op, s, t or d, else zero.
func keyName(key []byte) byte {
	l := layouts[key[0]]
	if l.class != classText {
		return 0
	}
	switch text := key[l.head:]; string(text) {
	case "op", "s", "t", "d":
		return text[len(text)-1]
	}
	return 0
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
	return l.class == classText && term[0] != tagBinary && constantOf(term[l.head:]) == null
}
