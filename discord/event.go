package discord

import (
	"github.com/discordpkg/gateway/event"
)

// An Event is a pointer to the struct of a dispatch event.
type Event interface {
	Value

	// EventType returns the name of the event.
	EventType() event.Type

	// DecodeJSON reads the data of a dispatch into the event, of which nothing
	// is left from before. The event shares no memory with data. A value that
	// does not fit its field leaves it zero; the error is a [*SyntaxError].
	DecodeJSON(data []byte) error

	// DecodeETF is DecodeJSON for the same data as a term of Erlang, without
	// the version byte, as the Split of package etf returns it.
	DecodeETF(data []byte) error

	// Raw returns the JSON that the event was read from, unknown fields
	// included, or nothing if it was read from a term.
	Raw() string

	source() *meta
	wipe(meta)
}

// A Value is a pointer to a struct that this package can read: an event, or an
// object such as [User].
type Value interface {
	decode(*decoder)
	typeName() string
}

// meta is what an event knows of its origin.
type meta struct {
	raw hidden
	mem func() *arena // of an event that DecodeInto reads; fmt looks into pointers, but not into functions
}

// Raw returns the JSON that the event was read from, unknown fields included, or
// nothing.
func (m *meta) Raw() string { return m.raw.show() }

func (m *meta) source() *meta { return m }

// none is the spare memory of who has none. Nothing reads or writes it.
var none arena

// Decode reads the data of a dispatch of the name into a new event. The error of
// an event that is not known is [ErrUnknown].
func Decode(name event.Type, data []byte) (Event, error) {
	e := New(name)
	if e == nil {
		return nil, ErrUnknown
	}
	return e, e.DecodeJSON(data)
}

// newDecoder returns a decoder of a copy of data.
func newDecoder(data []byte) decoder {
	s, spare := keep(data)
	return decoder{s: s, mem: &none, spare: spare}
}

// newTermDecoder returns a decoder of a copy of a term.
func newTermDecoder(data []byte) decoder {
	d := newDecoder(data)
	d.term = true
	return d
}

// DecodeInto reads the data of a dispatch into an event that is used again and
// again. In return for no allocations, the event is bound to the data:
//
//   - all strings of e are parts of data, and change when data changes;
//   - all lists and objects of e are used again by the next DecodeInto of e, which
//     overwrites those that were kept, or copied with *e.
//
// So e is valid until the data is overwritten, for the Data of a payload until the
// next message is read; what is to live longer must be copied (strings.Clone,
// slices.Clone) or read by DecodeJSON. Otherwise DecodeInto is as DecodeJSON.
func DecodeInto(e Event, data []byte) error {
	memory := e.source().mem
	if memory == nil {
		made := new(arena)
		memory = func() *arena { return made }
	}
	mem := memory()
	mem.round++
	d := &mem.decoder
	*d = decoder{s: alias(data), mem: mem, reuse: true, plain: mem.plain[:0]}
	e.wipe(meta{raw: hide(d.s), mem: memory})
	e.decode(d)
	mem.plain = d.plain
	return d.end(e.typeName())
}

// Unmarshal reads JSON into an object, which should be zero, or an event. As with
// DecodeJSON, it shares no memory with data, and a value that does not fit its
// field is no error.
func Unmarshal(data []byte, v Value) error {
	if e, ok := v.(Event); ok {
		return e.DecodeJSON(data)
	}
	d := newDecoder(data)
	v.decode(&d)
	return d.end(v.typeName())
}

// Strict is Unmarshal, but a value that does not fit its field is a [*TypeError].
// All others are read nevertheless.
func Strict(data []byte, v Value) error {
	d := newDecoder(data)
	if e, ok := v.(Event); ok {
		e.wipe(meta{raw: hide(d.s)})
	}
	v.decode(&d)
	if err := d.end(v.typeName()); err != nil {
		return err
	}
	return d.misfit(v.typeName())
}
