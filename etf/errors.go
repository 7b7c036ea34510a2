package etf

import (
	"errors"
	"fmt"
)

// What is wrong with an input; a [*SyntaxError] wraps one of them.
var (
	ErrTruncated   = errors.New("input ends inside a value")
	ErrTrailing    = errors.New("input goes on after its value")
	ErrVersion     = errors.New("term format is not version 131")
	ErrCompressed  = errors.New("compressed terms are not supported")
	ErrUnsupported = errors.New("term has no form in JSON")
	ErrImproper    = errors.New("list does not end in NIL")
	ErrKey         = errors.New("map key is not a binary, atom or integer")
	ErrRange       = errors.New("number out of range")
	ErrDepth       = errors.New("nested too deep")
	ErrSize        = errors.New("input or output too large")
	ErrEnvelope    = errors.New("not a gateway message")
	ErrJSON        = errors.New("invalid JSON")
)

// A SyntaxError says what could not be translated, and where.
type SyntaxError struct {
	Offset int   // in bytes from the start of the input
	Err    error // one of the package's error variables
}

// Error says where the input is wrong and why. It holds none of the input.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("etf: at byte %d: %v", e.Offset, e.Err)
}

// Unwrap returns e.Err.
func (e *SyntaxError) Unwrap() error { return e.Err }
