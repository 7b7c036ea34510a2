package lifecycle

import (
	"errors"

	"github.com/discordpkg/gateway"
)

// maxUnreadable is how often a session may be unreadable at the same place.
// What is resumed is replayed, and so is a message that is too large or
// makes no sense: the session would never get past it.
const maxUnreadable = 3

// unreadable is the place behind which a session could not be read.
type unreadable struct {
	seq   int64
	times int
}

// isUnreadable counts a connection that ended because a message made no sense, and
// reports whether that was once too often at the same place.
func (s *Shard) isUnreadable(e End) bool {
	if !errors.Is(e.Err, gateway.ErrMalformed) {
		return false
	}
	if s.place.seq != e.Seq {
		s.place = unreadable{seq: e.Seq}
	}
	s.place.times++
	return s.place.times >= maxUnreadable
}
