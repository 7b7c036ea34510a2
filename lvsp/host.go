package lvsp

import (
	"errors"
	"time"
)

// A Channel is a voice channel as a backend describes it.
type Channel struct {
	Backend string    // whose channel it is; ids of two backends may be equal
	Guild   Snowflake // zero for a private call
	ID      Snowflake
	Bitrate int // bits per second, zero if the backend did not say
}

// A VoiceState is a user in a channel.
type VoiceState struct {
	Backend     string
	Guild       Snowflake // zero in a private call
	Channel     Snowflake
	User        Snowflake
	SessionID   string // what the user names when connecting to the voice server
	Flags       Flags
	WithoutDAVE bool // no end-to-end encryption here, as on stages
}

// Server returns what Discord's voice gateway calls the server id: the guild,
// or the channel of a private call. A user has at most one voice state in it.
func (v VoiceState) Server() Snowflake {
	if v.Guild != 0 {
		return v.Guild
	}
	return v.Channel
}

func (v VoiceState) seat() seat { return seat{v.Server(), v.User} }

// A seat is what a user can have one voice state in.
type seat struct{ server, user Snowflake }

// An Assignment is a voice server's answer about a channel.
type Assignment struct {
	Token    string // for everybody in the channel, good only together with a live session id
	Endpoint string // host and port, empty if the backend is to know
}

// A Voice is what a user needs to connect.
type Voice struct {
	Token    string // good for this user alone, see [TokenKey]
	Endpoint string // host and port
}

// A Ticket names an answer that is to come later.
type Ticket uint64

// ErrLater is what a [Host] returns to answer a ticket later.
var ErrLater = errors.New("lvsp: the answer comes later")

// A Host is the voice server that backends drive. Its methods are called by
// nobody but the [Server], during calls to it and its links; they must not
// block, and must not call back.
//
// An error other than [ErrLater] refuses the request, see [RequestError].
type Host interface {
	// AssignChannel makes a channel ready for users. It is not asked again
	// before DestroyChannel. After ErrLater, [Server.ChannelAssigned] must be
	// called once.
	AssignChannel(now time.Time, t Ticket, c Channel) (Assignment, error)

	// UpdateChannel tells a new bitrate.
	UpdateChannel(now time.Time, c Channel) error

	// DestroyChannel ends a channel. The voice states in it were destroyed
	// before, one by one.
	DestroyChannel(now time.Time, c Channel)

	// CreateVoiceState lets a user into a channel that is assigned, or asks for
	// a new token for one who is in it: with the same session id, and perhaps
	// other flags. After ErrLater, [Server.VoiceStateCreated] must be called once.
	CreateVoiceState(now time.Time, t Ticket, v VoiceState) (Voice, error)

	// UpdateVoiceState tells new flags.
	UpdateVoiceState(now time.Time, v VoiceState) error

	// DestroyVoiceState ends the connection of a user, if there is one, because
	// of the reason. It may come again for one that was answered late; the
	// user may be in another channel, or have another session, by then.
	DestroyVoiceState(now time.Time, v VoiceState, why Reason)

	// Health is how much the voice server can take, from 0, nothing, to 1.
	Health(now time.Time) float64

	// Refused is told about requests that were refused, for a log: only the
	// extended dialect tells the backend.
	Refused(now time.Time, backend string, e *RequestError)
}

// A Reason is why a voice state ends. It decides the close code of the user's
// voice connection: 4022 if the channel is gone, 4014 otherwise.
//
// https://discord.com/developers/docs/topics/opcodes-and-status-codes#voice-voice-close-event-codes
type Reason uint8

const (
	Left             Reason = iota + 1 // the backend says that the user left
	Moved                              // the user joins another channel of the guild
	ChannelDestroyed                   // with the whole channel
	Swept                              // the backend did not come back for it
)

func (r Reason) String() string {
	switch r {
	case Left:
		return "left"
	case Moved:
		return "moved"
	case ChannelDestroyed:
		return "channel destroyed"
	case Swept:
		return "swept"
	}
	return "no reason"
}
