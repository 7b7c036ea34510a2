// Package opcode lists the operation codes of the main gateway ([Type]) and of
// the voice gateway ([Voice]).
//
// Directions are seen from the client: what it may send is sendable, what it
// must be ready to read is receivable.
package opcode

import "strconv"

// Type is an operation code of the main gateway: the field op of every message.
// Any number is a valid Type; [Type.Known] tells the documented ones.
//
// https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-opcodes
type Type uint

const (
	Dispatch                Type = 0  // an event, named by t and counted by s
	Heartbeat               Type = 1  // sent as a sign of life, received as a demand for one
	Identify                Type = 2  // starts a session
	PresenceUpdate          Type = 3  // changes status and activities
	VoiceStateUpdate        Type = 4  // joins, moves between and leaves voice channels
	Resume                  Type = 6  // continues a session on a new connection
	Reconnect               Type = 7  // demand to connect anew and resume
	RequestGuildMembers     Type = 8  // answered by GUILD_MEMBERS_CHUNK
	InvalidSession          Type = 9  // the session is refused; d tells whether it may still be resumed
	Hello                   Type = 10 // the first message: the heartbeat interval
	HeartbeatACK            Type = 11 // answer to a heartbeat
	RequestSoundboardSounds Type = 31 // answered by SOUNDBOARD_SOUNDS
	RequestChannelInfo      Type = 43 // answered by CHANNEL_INFO
)

// All returns every documented opcode in ascending order, as a fresh slice.
func All() []Type {
	return []Type{
		Dispatch, Heartbeat, Identify, PresenceUpdate, VoiceStateUpdate, Resume, Reconnect, RequestGuildMembers,
		InvalidSession, Hello, HeartbeatACK, RequestSoundboardSounds, RequestChannelInfo,
	}
}

// Sendable reports whether a client may send op. Unknown opcodes are not
// sendable: Discord closes with 4001 for them.
func (op Type) Sendable() bool {
	switch op {
	case Heartbeat, Identify, PresenceUpdate, VoiceStateUpdate, Resume, RequestGuildMembers, RequestSoundboardSounds, RequestChannelInfo:
		return true
	}
	return false
}

// Receivable reports whether Discord sends op to clients.
func (op Type) Receivable() bool {
	switch op {
	case Dispatch, Heartbeat, Reconnect, InvalidSession, Hello, HeartbeatACK:
		return true
	}
	return false
}

// Known reports whether op is documented.
func (op Type) Known() bool { return op.Sendable() || op.Receivable() }

// CanReconnectAfter reports whether op, received from Discord, ends a connection
// that a new one may follow. Whether that one resumes the session or identifies
// anew is told by the opcode and, for [InvalidSession], by its data.
func CanReconnectAfter(op Type) bool { return op == Reconnect || op == InvalidSession }

// String returns Discord's name of op, such as "Request Guild Members", or
// "opcode 99" for an unknown one.
func (op Type) String() string {
	switch op {
	case Dispatch:
		return "Dispatch"
	case Heartbeat:
		return "Heartbeat"
	case Identify:
		return "Identify"
	case PresenceUpdate:
		return "Presence Update"
	case VoiceStateUpdate:
		return "Voice State Update"
	case Resume:
		return "Resume"
	case Reconnect:
		return "Reconnect"
	case RequestGuildMembers:
		return "Request Guild Members"
	case InvalidSession:
		return "Invalid Session"
	case Hello:
		return "Hello"
	case HeartbeatACK:
		return "Heartbeat ACK"
	case RequestSoundboardSounds:
		return "Request Soundboard Sounds"
	case RequestChannelInfo:
		return "Request Channel Info"
	}
	return "opcode " + strconv.FormatUint(uint64(op), 10)
}
