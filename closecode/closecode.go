// Package closecode lists the websocket close codes of the main gateway
// ([Type]) and of the voice gateway ([Voice]), and what a client does after
// each of them ([Decision]).
package closecode

import "strconv"

// Type is the code of a websocket close frame on the main gateway. Any number is
// a valid Type; zero means that there was no code.
//
// https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes
type Type uint16

// Codes of the websocket protocol (RFC 6455, section 7.4.1, and its registry).
const (
	Normal             Type = 1000      // sent by a client, it ends the session
	GoingAway          Type = 1001      // sent by a client, it ends the session
	ClientReconnecting      = GoingAway // the name that versions before 1.0 had for GoingAway
	NoStatus           Type = 1005      // local: a close frame without a code
	Abnormal           Type = 1006      // local: the connection broke without a close frame
	InternalError      Type = 1011
	Restart            Type = 1012
	TryAgainLater      Type = 1013
	BadGateway         Type = 1014
)

// HeartbeatAckNotReceived is the code with which this library leaves a zombie: a
// connection whose heartbeat stays unanswered. It keeps the session. Discord
// never sends it.
//
// https://discord.com/developers/docs/events/gateway#heartbeat-interval-example-heartbeat-ack
const HeartbeatAckNotReceived Type = 3000

// Codes that Discord defines.
const (
	UnknownError         Type = 4000
	UnknownOpcode        Type = 4001
	DecodeError          Type = 4002 // also: more than 4096 bytes in one message
	NotAuthenticated     Type = 4003
	AuthenticationFailed Type = 4004
	AlreadyAuthenticated Type = 4005
	InvalidSeq           Type = 4007
	RateLimited          Type = 4008
	SessionTimedOut      Type = 4009
	InvalidShard         Type = 4010
	ShardingRequired     Type = 4011
	InvalidAPIVersion    Type = 4012
	InvalidIntents       Type = 4013
	DisallowedIntents    Type = 4014
)

// All returns every code that has a name, in ascending order, as a fresh slice.
func All() []Type {
	return []Type{
		Normal, GoingAway, NoStatus, Abnormal, InternalError, Restart, TryAgainLater, BadGateway,
		HeartbeatAckNotReceived, UnknownError, UnknownOpcode, DecodeError, NotAuthenticated, AuthenticationFailed,
		AlreadyAuthenticated, InvalidSeq, RateLimited, SessionTimedOut, InvalidShard, ShardingRequired,
		InvalidAPIVersion, InvalidIntents, DisallowedIntents,
	}
}

// Decision returns what to do after Discord closed with code: [Stop] for the
// codes that nothing but a change of the configuration can cure and for zero,
// [Identify] where the session is lost, and [Resume] for everything else,
// unknown codes and the ones of the websocket protocol included.
func (code Type) Decision() Decision {
	switch code {
	case 0, AuthenticationFailed, InvalidShard, ShardingRequired, InvalidAPIVersion, InvalidIntents, DisallowedIntents:
		return Stop
	case InvalidSeq, SessionTimedOut:
		return Identify
	}
	return Resume
}

// ResumeFirst is [Type.Decision] but for [SessionTimedOut], for which it
// returns [Resume]. Discord documents 4009 as needing a new session, yet often
// still has the session: a client that resumes once learns which, because
// Discord answers with op 9 if it is gone, and loses no event if it is not.
// [InvalidSeq] stays [Identify].
func ResumeFirst(code Type) Decision {
	if code == SessionTimedOut {
		return Resume
	}
	return code.Decision()
}

// CanReconnectAfter reports whether a new connection may follow one that Discord
// closed with code. It is false for zero, which is no code.
func CanReconnectAfter(code Type) bool { return code.Decision() != Stop }

// EndsSession reports whether the session is gone when the client, not Discord,
// closes with code. With any other code it can be resumed.
//
// https://discord.com/developers/docs/events/gateway#initiating-a-disconnect
func (code Type) EndsSession() bool { return code == Normal || code == GoingAway }

// String returns the name of code in lower case, such as "session timed out", or
// "close code 4999" for an unknown one.
func (code Type) String() string {
	switch code {
	case 0:
		return "no close code"
	case HeartbeatAckNotReceived:
		return "heartbeat not acknowledged"
	case UnknownError:
		return "unknown error"
	case UnknownOpcode:
		return "unknown opcode"
	case DecodeError:
		return "decode error"
	case NotAuthenticated:
		return "not authenticated"
	case AuthenticationFailed:
		return "authentication failed"
	case AlreadyAuthenticated:
		return "already authenticated"
	case InvalidSeq:
		return "invalid sequence"
	case RateLimited:
		return "rate limited"
	case SessionTimedOut:
		return "session timed out"
	case InvalidShard:
		return "invalid shard"
	case ShardingRequired:
		return "sharding required"
	case InvalidAPIVersion:
		return "invalid API version"
	case InvalidIntents:
		return "invalid intents"
	case DisallowedIntents:
		return "disallowed intents"
	}
	return websocketName(uint16(code))
}

// websocketName returns the name of a code of the websocket protocol, which both
// gateways share.
func websocketName(code uint16) string {
	switch Type(code) {
	case Normal:
		return "normal closure"
	case GoingAway:
		return "going away"
	case NoStatus:
		return "closed without a code"
	case Abnormal:
		return "connection lost"
	case InternalError:
		return "internal error"
	case Restart:
		return "service restart"
	case TryAgainLater:
		return "try again later"
	case BadGateway:
		return "bad gateway"
	}
	return "close code " + strconv.FormatUint(uint64(code), 10)
}
