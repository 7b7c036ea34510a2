package discord

import "encoding/json"

// MarshalJSON returns the guild, or for one that is unavailable what Discord sends
// of it then.
//
// https://discord.com/developers/docs/resources/guild#unavailable-guild-object
func (e GuildCreate) MarshalJSON() ([]byte, error) {
	if e.Unavailable.Value {
		return json.Marshal(UnavailableGuild{ID: e.ID, Unavailable: e.Unavailable})
	}
	type whole GuildCreate
	return json.Marshal(whole(e))
}
