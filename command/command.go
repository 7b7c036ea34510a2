// Package command has what a client may send to the gateway: the operations
// ([Type]) and, for those that users send, their data as structs that implement
// [Command].
//
// The structs marshal to the JSON that Discord documents and unmarshal from what
// clients in the field send, so that both sides of a connection can use them.
package command

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Type is the operation code of a command, the same number as its opcode.
//
// https://discord.com/developers/docs/events/gateway-events#send-events
type Type uint

const (
	Heartbeat               Type = 1
	Identify                Type = 2
	UpdatePresence          Type = 3 // [Presence]
	UpdateVoiceState        Type = 4 // [VoiceState]
	Resume                  Type = 6
	RequestGuildMembers     Type = 8  // [GuildMembersRequest]
	RequestSoundboardSounds Type = 31 // [SoundboardSoundsRequest]
	RequestChannelInfo      Type = 43 // [ChannelInfoRequest]
)

// MaxSize is the greatest length in bytes of a message to the gateway, the
// envelope around the data included. Discord closes with 4002 for more.
//
// https://discord.com/developers/docs/events/gateway#sending-events
const MaxSize = 4096

// All returns every command in ascending order, as a fresh slice.
func All() []Type {
	return []Type{
		Heartbeat, Identify, UpdatePresence, UpdateVoiceState, Resume,
		RequestGuildMembers, RequestSoundboardSounds, RequestChannelInfo,
	}
}

// String returns Discord's name of the command, such as "Request Guild Members",
// or "command 99" for an unknown one.
func (t Type) String() string {
	switch t {
	case Heartbeat:
		return "Heartbeat"
	case Identify:
		return "Identify"
	case UpdatePresence:
		return "Update Presence"
	case UpdateVoiceState:
		return "Update Voice State"
	case Resume:
		return "Resume"
	case RequestGuildMembers:
		return "Request Guild Members"
	case RequestSoundboardSounds:
		return "Request Soundboard Sounds"
	case RequestChannelInfo:
		return "Request Channel Info"
	}
	return "command " + strconv.FormatUint(uint64(t), 10)
}

// A Command is the data of one command, of any type. The implementations of this
// package are structs; a pointer to one serves as well.
type Command interface {
	// Command returns the operation that the data belongs to.
	Command() Type
	// Validate returns an [*InvalidError] for data that Discord would refuse or
	// silently ignore, in part or as a whole.
	Validate() error
}

// Marshal returns the JSON of c, the field d of its message. It validates first.
// The size is not checked: the bytes of the envelope count as well, see [MaxSize].
func Marshal(c Command) (json.RawMessage, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	data, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("command: %v: %w", c.Command(), err)
	}
	return data, nil
}

// An InvalidError is a command with a field that Discord would refuse or ignore.
type InvalidError struct {
	Command Type
	Field   string // the name in JSON, such as "guild_id" or "activities[1].url"
	Reason  string // what is wrong and what would be right
}

func (e *InvalidError) Error() string {
	return "command: " + e.Command.String() + ": " + e.Field + " " + e.Reason
}
