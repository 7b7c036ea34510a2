package discord

import (
	"errors"
	"fmt"
)

// What is wrong with a message that is no JSON, or no term, in a [*SyntaxError].
var (
	ErrSyntax    = errors.New("not JSON")                       // a byte that cannot be there
	ErrTruncated = errors.New("not JSON: it ends too early")    // the rest is missing
	ErrTerm      = errors.New("not a term")                     // of Erlang, or one that JSON does not have
	ErrDepth     = errors.New("objects and lists lie too deep") // more than [MaxDepth]
)

// ErrUnknown is an event that this package has no type for.
var ErrUnknown = errors.New("discord: unknown event")

// A SyntaxError is a message that is no JSON, or too deep. What was read before
// the offset may stand in the value.
type SyntaxError struct {
	Type   string // what was read: the name of a type
	Path   string // where in it, such as embeds[2].fields[0].name; may be empty
	Offset int    // in bytes
	Err    error  // [ErrSyntax], [ErrTruncated], [ErrTerm] or [ErrDepth]
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("discord: %s: %v at byte %d", place(e.Type, e.Path), e.Err, e.Offset)
}

func (e *SyntaxError) Unwrap() error { return e.Err }

// A TypeError is a value that does not fit its field. It names no value, for a
// message may hold a token.
type TypeError struct {
	Type   string // what was read: the name of a type
	Path   string // where in it, such as embeds[2].fields[0].name
	Offset int    // in bytes
	Want   string // what belongs there
	Have   string // what is there: string, number, boolean, object, list or null
}

func (e *TypeError) Error() string {
	return fmt.Sprintf("discord: %s: %s, want %s", place(e.Type, e.Path), e.Have, e.Want)
}

func place(name, path string) string {
	if path == "" || path[0] == '[' {
		return name + path
	}
	return name + "." + path
}

// kindOf names the kind of the value at the start of s.
func kindOf(s string) string {
	if s == "" {
		return "nothing"
	}
	switch s[0] {
	case '"':
		return "string"
	case '{':
		return "object"
	case '[':
		return "list"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "number"
}
