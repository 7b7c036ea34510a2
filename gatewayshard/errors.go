package gatewayshard

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/frame"
)

var (
	// ErrNotConnected reports a call that needs a connection: dial first.
	ErrNotConnected = errors.New("gatewayshard: not connected")

	// ErrConnected reports a call that excludes a connection: there is one, or
	// one is being dialed.
	ErrConnected = errors.New("gatewayshard: already connected")

	// ErrClosed reports that [Shard.Close] was called. It is final: what
	// continues the session is a new shard with the old [Shard.Session].
	ErrClosed = errors.New("gatewayshard: shard is closed")

	// ErrAnswerTooLarge reports a server or proxy whose answer to the websocket
	// handshake has more than 16 KiB or 128 lines before its end.
	ErrAnswerTooLarge = frame.ErrAnswerTooLarge

	// ErrInHandler reports a call that would wait for the handler which makes
	// it: with the context of a handler.
	ErrInHandler = errors.New("gatewayshard: not possible from within the handler")

	errBacklog = errors.New("gatewayshard: discord does not read what it asks for")
)

// A LostError is a connection that ended without a word from Discord. It
// matches [net.ErrClosed]. The session can be resumed.
type LostError struct{ Err error } // io.EOF, a timeout, what the network said

func (e *LostError) Error() string { return "gatewayshard: connection lost: " + e.Err.Error() }
func (e *LostError) Unwrap() error { return e.Err }

// Is reports whether target is [net.ErrClosed].
func (e *LostError) Is(target error) bool { return target == net.ErrClosed }

// A RefusedError is a websocket handshake that the server answered with another
// HTTP status than 101.
type RefusedError struct {
	Status     int           // HTTP status code
	RetryAfter time.Duration // how long the server asked to wait, zero if it did not
	Err        error
}

func (e *RefusedError) Error() string { return e.Err.Error() }
func (e *RefusedError) Unwrap() error { return e.Err }

// An IdentifyLimitError ends [Shard.Run] if [Config].IdentifyLimitError is set:
// the shard has no session to resume, and the identifies of the day are used up.
//
// https://discord.com/developers/docs/events/gateway#session-start-limit-object
type IdentifyLimitError struct {
	ShardID gateway.ShardID
	RetryAt time.Time // when there is room for one more, as far as is known
}

func (e *IdentifyLimitError) Error() string {
	return fmt.Sprintf("gatewayshard: shard %d needs a new session, and the identifies of the day are used up until %s",
		e.ShardID, e.RetryAt.UTC().Format(time.RFC3339))
}

// A FatalError ends [Shard.Run]: Discord will not have the shard until
// something is changed. Its text says what.
type FatalError struct {
	ShardID gateway.ShardID
	Err     *gateway.DiscordError
}

func (e *FatalError) Error() string {
	return fmt.Sprintf("gatewayshard: shard %d stopped: %v", e.ShardID, e.Err)
}
func (e *FatalError) Unwrap() error { return e.Err }

// Hint says what must be changed, empty when there is nothing to say.
func (e *FatalError) Hint() string { return e.Err.CloseCode.Hint() }

// A MembersLimitError is a [Shard.RequestGuildMembers] that Discord refused.
//
// https://discord.com/developers/docs/events/gateway-events#rate-limited
type MembersLimitError struct{ RetryAfter time.Duration }

func (e *MembersLimitError) Error() string {
	return fmt.Sprintf("gatewayshard: request guild members: rate limited by discord, retry after %v", e.RetryAfter)
}

// Is reports whether target is [gateway.ErrRateLimited].
func (e *MembersLimitError) Is(target error) bool { return target == gateway.ErrRateLimited }
