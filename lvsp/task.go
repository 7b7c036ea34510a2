package lvsp

import (
	"fmt"
	"log/slog"
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
	Token    string // for all users of the channel, good only together with a live session id
	Endpoint string // host and port, empty if the backend is to know
}

// Format implements [fmt.Formatter] without the token.
func (a Assignment) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "lvsp assignment to %s", a.Endpoint) }

// LogValue implements [slog.LogValuer] without the token.
func (a Assignment) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(a)) }

// A Voice is what a user needs to connect.
type Voice struct {
	Token    string // good for this user alone, see [TokenKey]
	Endpoint string // host and port
}

// Format implements [fmt.Formatter] without the token.
func (v Voice) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "lvsp voice at %s", v.Endpoint) }

// LogValue implements [slog.LogValuer] without the token.
func (v Voice) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(v)) }

// A Ticket names a [Task] that is to be answered.
type Ticket uint64

// A Task is something that the voice server has to do, see [Server.NextTask]:
// [AssignChannel], [UpdateChannel], [DestroyChannel], [CreateVoiceState],
// [UpdateVoiceState], [DestroyVoiceState] or [RequestRefused]. Those with a
// ticket are answered once, at once or later. What is asked about the channel
// waits until then.
type Task interface{ task() }

// AssignChannel is to make a channel ready for users. The answer is
// [Server.ChannelAssigned]. It does not come again before [DestroyChannel].
type AssignChannel struct {
	Ticket  Ticket
	Channel Channel
}

// UpdateChannel is to set a new bitrate. The answer is [Server.Updated].
type UpdateChannel struct {
	Ticket  Ticket
	Channel Channel
}

// DestroyChannel is to end a channel. The voice states in it were destroyed
// before, one by one.
type DestroyChannel struct{ Channel Channel }

// CreateVoiceState is to let a user into a channel that is assigned, or to make
// a new token for one who is in it: with the same session id, and perhaps other
// flags. The answer is [Server.VoiceStateCreated].
type CreateVoiceState struct {
	Ticket Ticket
	State  VoiceState
}

// UpdateVoiceState is to set new flags. The answer is [Server.Updated].
type UpdateVoiceState struct {
	Ticket Ticket
	State  VoiceState
}

// DestroyVoiceState is to end the connection of a user, if there is one,
// because of the reason. It may come again for one that was answered late; the
// user may be in another channel, or have another session, by then.
type DestroyVoiceState struct {
	State  VoiceState
	Reason Reason
}

// RequestRefused tells of a request that was refused, for a log: only the
// extended dialect tells the backend.
type RequestRefused struct {
	Backend string
	Err     *RequestError
}

func (AssignChannel) task()     {}
func (UpdateChannel) task()     {}
func (DestroyChannel) task()    {}
func (CreateVoiceState) task()  {}
func (UpdateVoiceState) task()  {}
func (DestroyVoiceState) task() {}
func (RequestRefused) task()    {}

// NextTask returns what the voice server has to do next, in order, false while
// there is nothing. Ask it after each call to the server or a link until there
// is nothing: answers, too, can make more of them.
func (s *Server) NextTask() (Task, bool) {
	if s.nextTask == len(s.tasks) {
		s.tasks, s.nextTask = s.tasks[:0], 0
		return nil, false
	}
	t := s.tasks[s.nextTask]
	s.tasks[s.nextTask] = nil
	s.nextTask++
	return t, true
}

func (s *Server) emit(t Task) { s.tasks = append(s.tasks, t) }

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
