package gateway

import (
	"errors"
	"fmt"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/opcode"
)

var (
	// ErrSequenceNumberSkipped reports that at least one dispatch was lost on
	// the way. The session is kept: resuming replays what was lost.
	ErrSequenceNumberSkipped = errors.New("gateway: the sequence number increased by more than 1, events lost")

	// ErrRateLimited is matched by every [*RateLimitError].
	ErrRateLimited = errors.New("gateway: rate limited")

	// ErrPayloadTooLarge reports a command that Discord would answer with
	// close code 4002.
	//
	// https://discord.com/developers/docs/events/gateway#sending-events
	ErrPayloadTooLarge = errors.New("gateway: command exceeds 4096 bytes")

	// ErrInvalidPayload reports a command that is not JSON, or lacks what it
	// must have.
	ErrInvalidPayload = errors.New("gateway: invalid command")

	// ErrNotReady reports a command written at a time at which Discord would
	// answer it with a close code: before READY or RESUMED.
	ErrNotReady = errors.New("gateway: connection is not ready for this command")

	// ErrMalformed is matched by every error about a message that makes no sense.
	ErrMalformed = errors.New("gateway: malformed message")

	// ErrZombie is matched by the [*DiscordError] of a connection that went
	// silent: a heartbeat was due, the one before it was not acknowledged, and
	// nothing else arrived either.
	ErrZombie = errors.New("gateway: heartbeat not acknowledged")

	errNoOpcode = errors.New("no opcode")
)

// A DiscordError is a connection that ended, and why: a close code, or an
// operation code that asked for it.
type DiscordError struct {
	CloseCode closecode.Type // zero if it was an operation code
	OpCode    opcode.Type    // opcode.Reconnect or opcode.InvalidSession
	Reason    string

	decision  closecode.Decision // for CloseCode, if decided
	decided   bool
	resumable bool // what opcode.InvalidSession said
}

// Error says what ended the connection, and for a close code that is final
// what to change. Of a nil error it says that Discord said nothing: a loop that
// looks for a DiscordError finds none when the network was cut.
func (e *DiscordError) Error() string {
	var s string
	switch {
	case e == nil:
		return "gateway: connection lost, Discord gave no reason"
	case e.CloseCode == 0:
		s = fmt.Sprintf("gateway: connection ended by op %d (%v)", e.OpCode, e.OpCode)
	case e.CloseCode == closecode.HeartbeatAckNotReceived:
		s = "gateway: connection ended by us"
	default:
		s = fmt.Sprintf("gateway: connection closed with %d (%v)", e.CloseCode, e.CloseCode)
	}
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	if hint := e.CloseCode.Hint(); hint != "" {
		s += "; " + hint
	}
	return s
}

// Decision returns what to do next: that of the table of [WithDecision] for the
// close code that the state was told, that of [closecode.Type.Decision] for an
// error made without a state. Package gatewayshard obeys it.
func (e DiscordError) Decision() closecode.Decision {
	switch {
	case e.decided:
		return e.decision
	case e.CloseCode != 0:
		return e.CloseCode.Decision()
	case e.CanResume():
		return closecode.Resume
	case e.CanReconnect():
		return closecode.Identify
	}
	return closecode.Stop
}

// CanReconnect reports whether Discord allows a new connection, with the old
// session or without, see [DiscordError.CanResume]. It is Discord's table,
// whatever [WithDecision] says.
//
// https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes
func (e DiscordError) CanReconnect() bool {
	if e.CloseCode != 0 {
		return closecode.CanReconnectAfter(e.CloseCode)
	}
	return opcode.CanReconnectAfter(e.OpCode)
}

// CanResume reports whether the session outlives the connection by Discord's
// table: 4007 and 4009 need a fresh identify. See [DiscordError.Decision] for
// a table of the user's own.
func (e DiscordError) CanResume() bool {
	if e.CloseCode != 0 {
		return e.CloseCode.Decision() == closecode.Resume
	}
	return e.OpCode == opcode.Reconnect || e.OpCode == opcode.InvalidSession && e.resumable
}

// Is reports whether target is [ErrZombie] and e is about one.
func (e *DiscordError) Is(target error) bool {
	return e != nil && target == ErrZombie && e.CloseCode == closecode.HeartbeatAckNotReceived
}

// A RateLimitError is a command that was not written because it is too early.
type RateLimitError struct{ RetryAt time.Time }

func (e *RateLimitError) Error() string {
	return "gateway: rate limited until " + e.RetryAt.Format(time.RFC3339Nano)
}

// Is reports whether target is [ErrRateLimited].
func (e *RateLimitError) Is(target error) bool { return target == ErrRateLimited }

// A MessageTooLargeError is an inbound message over the limit, see [WithMessageLimit].
type MessageTooLargeError struct{ Limit int } // bytes

func (e *MessageTooLargeError) Error() string {
	return fmt.Sprintf("gateway: message exceeds %d bytes", e.Limit)
}

// Is reports whether target is [ErrMalformed].
func (e *MessageTooLargeError) Is(target error) bool { return target == ErrMalformed }
