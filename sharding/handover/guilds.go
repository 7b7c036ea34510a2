package handover

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/internal/wire"
)

// Guilds is what the handlers of a shard were told of its guilds. A shard that
// comes up gets a GUILD_CREATE for each guild that READY lists. In a new
// generation those say nothing new, but only if the old one has told of the
// guild: one that was away, in an outage, is news when it comes back.
//
// The zero Guilds knows nothing: it is that of a shard which resumes the
// session of a former process. Memory is used for the guilds of which handlers
// were not told. It is not safe for concurrent use.
//
// https://discord.com/developers/docs/events/gateway-events#guild-create
type Guilds struct {
	known  bool            // a READY was seen
	untold map[uint64]bool // true: listed by READY, and not come yet
}

// Note notes an event that the shard has received and that is delivered, held,
// or not needed. For the GUILD_CREATE that follows READY for each of its
// guilds it returns the guild.
func (g *Guilds) Note(name event.Type, data []byte) (guild uint64, announced bool) {
	switch name {
	case event.Ready:
		g.begin(data)
	case event.GuildCreate:
		if len(g.untold) == 0 {
			return 0, false
		}
		id, away := guildOf(data)
		if away {
			return 0, false
		}
		announced = g.untold[id]
		if delete(g.untold, id); len(g.untold) == 0 {
			g.untold = nil // a map does not become smaller
		}
		return id, announced
	case event.GuildDelete:
		if id, _ := guildOf(data); id != 0 && g.known {
			if g.untold == nil {
				g.untold = make(map[uint64]bool)
			}
			g.untold[id] = false // when it comes it is news
		}
	}
	return 0, false
}

// Told reports whether the handlers know the guild as it is. A shard that has
// not seen a READY does not know what handlers of a former process were told,
// and reports false.
func (g *Guilds) Told(guild uint64) bool {
	_, untold := g.untold[guild]
	return g.known && !untold
}

// begin takes the list of READY.
//
// https://discord.com/developers/docs/events/gateway-events#ready
func (g *Guilds) begin(ready []byte) {
	var r struct {
		Guilds []struct {
			ID string `json:"id"`
		} `json:"guilds"`
	}
	// If that fails no guild is listed, and what comes is delivered.
	err := json.Unmarshal(ready, &r)
	*g = Guilds{known: err == nil, untold: make(map[uint64]bool, len(r.Guilds))}
	for _, listed := range r.Guilds {
		if id, err := strconv.ParseUint(listed.ID, 10, 64); err == nil {
			g.untold[id] = true
		}
	}
}

// maxAway is the size in bytes from which on a guild object is none of a guild
// that is away: such a one has two members.
//
// https://discord.com/developers/docs/resources/guild#unavailable-guild-object
const maxAway = 1 << 10

// guildOf returns the id of a guild object, zero if it has none, and whether
// Discord says that the guild is away. Guilds are large and many when a bot
// starts, so they are not decoded.
func guildOf(data []byte) (id uint64, away bool) {
	raw, ok := wire.Member(data, "id")
	if !ok {
		return 0, false
	}
	id, _ = strconv.ParseUint(strings.Trim(string(raw), `"`), 10, 64)
	if len(data) > maxAway {
		return id, false
	}
	raw, _ = wire.Member(data, "unavailable")
	return id, string(raw) == "true"
}
