package discord

import "encoding/json"

// presence tells why an Opt has no value.
type presence uint8

const (
	absent presence = iota
	isNull
	isSet
)

// An Opt is a value that may be missing, or null. The zero Opt is a key that is
// missing. Value is zero unless there is a value, so that it can be read without
// a question; [Of] makes an Opt that has one.
type Opt[T any] struct {
	Value T
	state presence
}

// Of returns an Opt that has the value v.
func Of[T any](v T) Opt[T] { return Opt[T]{Value: v, state: isSet} }

// Null returns an Opt that is null.
func Null[T any]() Opt[T] { return Opt[T]{state: isNull} }

// IsSet reports whether there is a value, zero included.
func (o Opt[T]) IsSet() bool { return o.state == isSet }

// IsNull reports whether Discord said null.
func (o Opt[T]) IsNull() bool { return o.state == isNull }

// IsZero reports whether the key is missing. The omitzero of encoding/json asks.
func (o Opt[T]) IsZero() bool { return o.state == absent }

// Or returns the value, or other where there is none.
func (o Opt[T]) Or(other T) T {
	if o.state == isSet {
		return o.Value
	}
	return other
}

// MarshalJSON returns the value, or null where there is none.
func (o Opt[T]) MarshalJSON() ([]byte, error) {
	if o.state != isSet {
		return []byte("null"), nil
	}
	return json.Marshal(o.Value)
}

// UnmarshalJSON takes null or a value.
func (o *Opt[T]) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*o = Null[T]()
		return nil
	}
	if err := json.Unmarshal(data, &o.Value); err != nil {
		return err
	}
	o.state = isSet
	return nil
}

// A List is a list that is always there: its JSON is [] where it is nil.
type List[T any] []T

// MarshalJSON returns the elements, [] for none.
func (l List[T]) MarshalJSON() ([]byte, error) {
	if l == nil {
		return []byte("[]"), nil
	}
	return json.Marshal([]T(l))
}

// A Mark is a fact by the presence of its key, whose value is null.
//
// https://discord.com/developers/docs/topics/permissions#role-object-role-tags-structure
type Mark bool

// MarshalJSON returns null. Fields that are false are left out.
func (m Mark) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

// UnmarshalJSON sets m, whatever the value.
func (m *Mark) UnmarshalJSON([]byte) error {
	*m = true
	return nil
}
