package wire

import (
	"errors"
	"strconv"
)

var (
	// ErrSyntax matches every [*SyntaxError].
	ErrSyntax = errors.New("wire: malformed message")

	// ErrNotUTF8 matches the [*SyntaxError] of a string that is not UTF-8.
	ErrNotUTF8 = errors.New("wire: not UTF-8")
)

// A SyntaxError tells what is wrong with a message, and where. It does not
// quote the message, which may hold what must not be logged.
type SyntaxError struct {
	Offset int // in bytes from the start of the message
	reason reason
}

func (e *SyntaxError) Error() string {
	return ErrSyntax.Error() + ": " + e.reason.String() + " at byte " + strconv.Itoa(e.Offset)
}

// Is reports whether target is ErrSyntax, or ErrNotUTF8 and that is the reason.
func (e *SyntaxError) Is(target error) bool {
	return target == ErrSyntax || target == ErrNotUTF8 && e.reason == notText
}

// A reason is why a message is refused. Scanning functions return one along
// with an index: where to go on if it is fine, where the fault is otherwise.
type reason uint8

const (
	fine reason = iota
	truncated
	notObject
	notKey
	notColon
	notValue
	notComma
	notString
	notText
	notEvent
	notSeq
	notOp
	tooDeep
	trailing
)

func (r reason) String() string {
	return [...]string{
		fine:      "nothing",
		truncated: "unexpected end",
		notObject: "no object",
		notKey:    "no key",
		notColon:  "no colon after a key",
		notValue:  "no value",
		notComma:  "neither comma nor end after a value",
		notString: "invalid character or escape in a string",
		notText:   "string that is not UTF-8",
		notEvent:  "event name is not a string",
		notSeq:    "sequence number is not a 64 bit integer",
		notOp:     "opcode is not an unsigned integer",
		tooDeep:   "nested too deeply",
		trailing:  "something after the object",
	}[r]
}
