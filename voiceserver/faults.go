package voiceserver

import (
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver/signaling"
)

// Faults makes things go wrong, for tests of clients. Its methods are safe for
// concurrent use.
type Faults struct{ srv *Server }

// Faults returns what can go wrong.
func (s *Server) Faults() Faults { return Faults{s} }

// SetNetwork makes the network of the users bad, or of all users that have no
// network of their own if none are named. The zero [Network] makes it good
// again.
func (f Faults) SetNetwork(n Network, users ...snowflake.ID) {
	for _, p := range f.srv.ports {
		p.mu.Lock()
		p.audio.SetNetwork(n, users...)
		p.mu.Unlock()
	}
}

// Close closes the connections of a user, or of all if user is zero, and
// returns how many they were, see [signaling.Server.Close].
func (f Faults) Close(user snowflake.ID, code closecode.Voice) (closed int) {
	f.srv.do(func(now time.Time, v *signaling.Server) { closed = v.Close(now, user, code) })
	return closed
}

// Cut breaks the connections of a user, or of all if user is zero,
// without a close frame, and returns how many they were. Sessions can be
// resumed.
func (f Faults) Cut(user snowflake.ID) (cut int) {
	f.srv.do(func(now time.Time, v *signaling.Server) { cut = v.Cut(now, user) })
	return cut
}

// Stall keeps messages from being sent to a user, see [signaling.Server.Stall].
func (f Faults) Stall(user snowflake.ID, d time.Duration) (stalled int) {
	f.srv.do(func(now time.Time, v *signaling.Server) { stalled = v.Stall(now, user, d) })
	return stalled
}
