package sharding

import (
	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
)

// An Event is one dispatch of one shard of a [Group].
type Event struct {
	Shard gateway.ShardID
	Total uint // the shard count of the session: it changes when the group is resharded
	Name  event.Type

	// Seq numbers the events of a session. It grows, with gaps where events
	// were not wanted.
	Seq int64

	// Session is the id of the session.
	Session string

	// Replay reports that a handler of a former process may have seen the
	// event before: see [Group].
	Replay bool

	// Data is valid until the handler returns. [Event.Clone] copies it.
	Data gateway.RawMessage

	member *member
}

// Clone returns a copy of e whose data is valid for ever.
func (e Event) Clone() Event {
	e.Data = append(gateway.RawMessage(nil), e.Data...)
	return e
}

// Acknowledge says that this event and all events of the session before it
// were dealt with: they are not replayed to the next process. It is for groups
// with Config.ManualAcknowledge; in others it is done when the handler returns. It may
// be called from anywhere and at any time. For a session that is over it does nothing.
func (e Event) Acknowledge() {
	if e.member != nil {
		e.member.acknowledge(e.Session, e.Seq)
	}
}
