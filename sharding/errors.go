package sharding

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrStarted reports a second [Group.Run].
	ErrStarted = errors.New("sharding: group was already started")

	// ErrNotRunning reports a call that needs the shards of a group to run.
	ErrNotRunning = errors.New("sharding: the group is not running")

	// ErrNoShard reports that a group does not run a shard, or none for a guild.
	ErrNoShard = errors.New("sharding: the group does not run this shard, or none for this guild, or is not running")

	// ErrClaimed reports a shard that the group runs already.
	ErrClaimed = errors.New("sharding: the group runs this shard already")

	// ErrResharding reports that the group is being resharded already.
	ErrResharding = errors.New("sharding: the group is being resharded")

	// ErrPartialGroup reports a group that cannot be resharded, as other
	// processes run the rest of the shards.
	ErrPartialGroup = errors.New("sharding: a group with a part of the shards cannot be resharded alone")

	errForeignGateway = errors.New("sharding: the url of a gateway was given that is not Discord's, and no api to ask: " +
		"give Discovery.API, or Total and MaxConcurrency")

	errGroupHandlers = errors.New("sharding: a group has its own handlers, PayloadHandler, HandlerPanic (see Hooks) and BeforeDial of its shards must be nil")
)

// A SessionLimitError is a [Group.Run] that would need more session starts
// than are left for the day. Discord resets the token of a bot that uses up
// all of them, so the group does not begin.
//
// https://discord.com/developers/docs/events/gateway#session-start-limit-object
type SessionLimitError struct {
	Needed    int // shards without a session to resume
	Remaining int
	Reserved  int // Config.ReservedStarts
	Total     int
	ResetAt   time.Time // when all are available again
}

func (e *SessionLimitError) Error() string {
	s := fmt.Sprintf("sharding: %d sessions to start and only %d of %d left for today", e.Needed, e.Remaining, e.Total)
	if e.Reserved > 0 {
		s += fmt.Sprintf(" (%d of them reserved)", e.Reserved)
	}
	return s + ", start again after " + e.ResetAt.UTC().Format(time.RFC3339)
}
