package sharding

import (
	"encoding/json"

	"github.com/discordpkg/gateway/snowflake"
)

// UserID returns the id of the bot, zero before it is known: the first READY
// names it, and the [Checkpoint] of a former process does. Sessions that are
// resumed do not tell it again.
func (g *Group) UserID() snowflake.ID { return snowflake.ID(g.user.Load()) }

// learnUser reads who the bot is out of a READY.
//
// https://discord.com/developers/docs/events/gateway-events#ready
func (g *Group) learnUser(data []byte) {
	if g.user.Load() != 0 {
		return
	}
	var ready struct {
		User struct{ ID snowflake.ID }
	}
	if err := json.Unmarshal(data, &ready); err == nil {
		g.user.Store(uint64(ready.User.ID))
	}
}
