// Package caller has the voice clients that are measured, each behind the same
// few methods, and floors that do no more than what all of them must.
package caller

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/discordpkg/gateway/bench/voice/server"
)

// The callers.
const (
	Socket    = "socket"    // writes and reads datagrams
	Floor     = "floor"     // seals and opens them, too
	Gateway   = "gateway"   // voiceshard
	Disgo     = "disgo"     // its voice.Conn
	Discordgo = "discordgo" // its VoiceConnection
)

// A Caller makes calls on a server.
type Caller interface {
	// Open opens the call of a guild, and returns when audio can flow. The tap
	// sees the packets that are sent, if there is a way to; nil is none.
	// Only that of [Discordgo] may be called by many at a time.
	Open(ctx context.Context, guild int, tap *Tap) (Call, error)
}

// A Call is one connection. Its methods are not safe for concurrent use, and
// nothing closes it: its process ends.
type Call interface {
	// Send sends a frame now. The error is ErrPaced for those that can not.
	Send(frame []byte) error

	// Receive returns when n packets came that it makes the server send, in
	// bursts. The error is ErrLost if one does not.
	Receive(ctx context.Context, n int) error

	// Play sends a frame every 20 ms from now on, in the background.
	Play(ctx context.Context, frame []byte) error
}

var (
	// ErrPaced reports a client that sends at its own pace only.
	ErrPaced = errors.New("caller: cannot send without waiting")

	// ErrLost reports packets that were lost, because the machine is too busy.
	ErrLost = errors.New("caller: packets are lost")
)

// Burst is how many packets come at once: fewer than any socket has room for.
const Burst = 32

// bursts asks the server for n packets over a connection, a burst at a time, and
// calls next for each. Before each burst it calls begin.
func bursts(conn net.Conn, n int, begin func() error, next func() error) error {
	for ; n > 0; n -= Burst {
		if err := begin(); err != nil {
			return err
		}
		count := min(n, Burst)
		if _, err := conn.Write(says[count]); err != nil {
			return err
		}
		for range count {
			if err := next(); err != nil {
				return err
			}
		}
	}
	return nil
}

// says are the orders for bursts, by size.
var says = func() (all [Burst + 1][]byte) {
	for n := range all {
		all[n] = server.Say(n)
	}
	return all
}()

// New returns a caller by its name.
func New(name string, at server.Address) (Caller, error) {
	switch name {
	case Socket:
		return &bare{at: at}, nil
	case Floor:
		return &bare{at: at, seals: true}, nil
	case Gateway:
		return newGateway(at)
	case Disgo:
		return &disgo{at: at}, nil
	case Discordgo:
		return newDiscordgo(at)
	}
	return nil, fmt.Errorf("caller: nobody is %q", name)
}
