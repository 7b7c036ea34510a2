package dave

import (
	"errors"
	"maps"
	"slices"

	gateway "github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/snowflake"
)

// maxUsers is how many users a session knows. A stage has room for more
// listeners, who have no part in the group.
const maxUsers = 16384

var errUsers = errors.New("dave: more users than a channel holds")

// A roster is the users that are in the channel, by what the voice server tells
// all clients, and those that have been. The latter are forgotten when they are
// many.
type roster struct {
	self    snowflake.ID
	present map[snowflake.ID]struct{}
	known   map[snowflake.ID]struct{}
}

func newRoster(self snowflake.ID) roster {
	return roster{self: self, present: make(map[snowflake.ID]struct{}), known: make(map[snowflake.ID]struct{})}
}

func (r *roster) connect(m gateway.VoiceMessage) error {
	d, err := decode[gateway.VoiceClientsConnect](m)
	if err != nil {
		return err
	}
	for _, user := range d.UserIDs {
		if _, ok := r.present[user]; ok || user == r.self {
			continue
		}
		if len(r.present) >= maxUsers {
			return refused{errUsers}
		}
		if _, ok := r.known[user]; !ok && len(r.known) >= maxUsers {
			r.known = maps.Clone(r.present)
		}
		r.present[user], r.known[user] = struct{}{}, struct{}{}
	}
	return nil
}

func (r *roster) disconnect(m gateway.VoiceMessage) error {
	d, err := decode[gateway.VoiceClientDisconnect](m)
	if err != nil {
		return err
	}
	delete(r.present, d.UserID)
	return nil
}

// mayJoin reports whether a user may be added to the group: who is not in the
// channel would listen unseen.
//
// https://daveprotocol.com/#member-add
func (r *roster) mayJoin(identity []byte) bool {
	user, ok := userOf(identity)
	_, present := r.present[user]
	return ok && (present || user == r.self)
}

// mayBeIn reports whether a user may be in a group that one is welcomed to. Who
// has left the channel may still be in it, until a commit.
func (r *roster) mayBeIn(identity []byte) bool {
	user, ok := userOf(identity)
	_, known := r.known[user]
	return ok && (known || user == r.self)
}

// list returns who else is in the channel, in ascending order.
func (r *roster) list() []snowflake.ID {
	users := make([]snowflake.ID, 0, len(r.present))
	for user := range r.present {
		users = append(users, user)
	}
	slices.Sort(users)
	return users
}
