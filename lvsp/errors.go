package lvsp

import (
	"errors"
	"fmt"
	"strconv"
)

// An ErrorCode says why a request was refused. The numbers are those of the
// extended dialect's ERROR.
type ErrorCode int

const (
	BadRequest     ErrorCode = 1 // a field is missing or makes no sense
	Unsupported    ErrorCode = 2 // the dialect, or the voice server, cannot do this
	UnknownChannel ErrorCode = 3
	UnknownState   ErrorCode = 4 // no such voice state
	Conflict       ErrorCode = 5 // an id is taken: the channel is another guild's, the session another user's
	QueueFull      ErrorCode = 6 // too many requests wait for the channel
	Full           ErrorCode = 7 // too many channels or voice states
	Internal       ErrorCode = 8 // the voice server failed
)

func (c ErrorCode) String() string {
	names := [...]string{"no error", "bad request", "unsupported", "unknown channel", "unknown voice state", "conflict", "queue full", "full", "internal error"}
	if c >= 0 && int(c) < len(names) {
		return names[c]
	}
	return "error " + strconv.Itoa(int(c))
}

// A RequestError is one request that a voice server refused; the link goes on.
// A [Host] may return one to choose the code.
type RequestError struct {
	Request InfoType
	Code    ErrorCode
	Message string

	Guild, Channel, User Snowflake
	SessionID            string

	// Known says that the channel or voice state that was asked for is there
	// all the same, as it was before.
	Known bool

	number int64 // of the request
}

func (e *RequestError) Error() string {
	s := fmt.Sprintf("lvsp: %v refused: %v", e.Request, e.Code)
	if e.Request == 0 {
		s = fmt.Sprintf("lvsp: request refused: %v", e.Code)
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	return s
}

// refusal returns the error for a request, of any error of the voice server.
func refusal(in Info, err error) *RequestError {
	e := &RequestError{Code: Internal, Message: err.Error()}
	if given := (*RequestError)(nil); errors.As(err, &given) {
		e.Code, e.Message = given.Code, given.Message
	}
	e.Message = e.Message[:min(len(e.Message), 256)]
	e.Request, e.Guild, e.Channel, e.User, e.SessionID, e.number = in.Type, in.Guild, in.Channel, in.User, in.SessionID, in.Request
	return e
}

// info returns the message that tells a backend.
func (e *RequestError) info() Info {
	return Info{
		Type: InfoError, Refused: e.Request, Code: e.Code, Message: e.Message,
		Guild: e.Guild, Channel: e.Channel, User: e.User, SessionID: e.SessionID, Known: e.Known, Request: e.number,
	}
}

// errorOf is the other direction of info.
func errorOf(in Info) *RequestError {
	return &RequestError{
		Request: in.Refused, Code: in.Code, Message: in.Message,
		Guild: in.Guild, Channel: in.Channel, User: in.User, SessionID: in.SessionID, Known: in.Known, number: in.Request,
	}
}
