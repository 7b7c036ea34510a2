package lvsp

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/discordpkg/gateway/internal/deadline"
)

// Channels and voice states belong to the session that asked for them last.
// When its link breaks they are marked: they end at a time, unless the session
// is resumed, or the backend asks for them again.

// mark sets when what belongs to the session ends, never if at is zero.
func (b *backend) mark(se *session, at time.Time) {
	for _, ch := range b.channels {
		if ch.owner == se {
			ch.sweepAt = at
		}
	}
	for _, st := range b.states {
		if st.owner == se {
			st.sweepAt = at
		}
	}
	b.schedule()
}

// claim returns when what the session asks for now is to end: never, unless
// its link broke before it was its turn.
func (se *session) claim(now time.Time) (at time.Time) {
	if se.link == nil {
		at = now.Add(se.patience())
		se.b.sweepAt = deadline.Earliest(se.b.sweepAt, at)
	}
	return at
}

// rush ends what is marked at another time: the backend is back, and claims
// what it still knows of.
func (b *backend) rush(at time.Time) {
	for _, ch := range b.channels {
		if !ch.sweepAt.IsZero() {
			ch.sweepAt = at
		}
	}
	for _, st := range b.states {
		if !st.sweepAt.IsZero() {
			st.sweepAt = at
		}
	}
	b.schedule()
}

func (b *backend) schedule() {
	b.sweepAt = time.Time{}
	for _, ch := range b.channels {
		b.sweepAt = deadline.Earliest(b.sweepAt, ch.sweepAt)
	}
	for _, st := range b.states {
		b.sweepAt = deadline.Earliest(b.sweepAt, st.sweepAt)
	}
}

// sweep ends what was not claimed. A channel that others are in is theirs.
func (s *Server) sweep(now time.Time, b *backend) {
	for _, st := range sorted(b.states) {
		if deadline.Due(st.sweepAt, now) {
			s.destroyState(st, Swept)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(b.channels)) {
		ch := b.channels[id]
		switch {
		case !deadline.Due(ch.sweepAt, now):
		case len(ch.states) > 0:
			heir := sorted(ch.states)[0]
			ch.owner, ch.sweepAt = heir.owner, heir.sweepAt
		case ch.busy != 0 || len(ch.queue) > 0:
			ch.sweepAt = now.Add(s.cfg.grace)
		default:
			s.destroyChannel(ch)
			s.forget(ch)
		}
	}
	b.schedule()
}

// sorted returns voice states in an order that does not change between runs.
func sorted(states map[seat]*state) []*state {
	return slices.SortedFunc(maps.Values(states), func(a, b *state) int {
		return cmp.Or(cmp.Compare(a.Server(), b.Server()), cmp.Compare(a.User, b.User))
	})
}
