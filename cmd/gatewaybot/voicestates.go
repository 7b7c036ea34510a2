package main

import (
	"encoding/json"

	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/snowflake"
)

// voiceStates tell which users are in which voice channel, and what moderators
// allow the bot there. They are not safe for concurrent use.
type voiceStates struct {
	self   snowflake.ID
	in     map[seat]snowflake.ID // channels
	muted  bool                  // the bot, not by itself
	deafen bool
}

// A seat is where a user can be only once.
type seat struct{ guild, user snowflake.ID }

// A voiceState is a user in a voice channel, or in none.
//
// https://discord.com/developers/docs/resources/voice#voice-state-object
type voiceState struct {
	Guild    snowflake.ID `json:"guild_id"` // not in GUILD_CREATE
	Channel  snowflake.ID `json:"channel_id"`
	User     snowflake.ID `json:"user_id"`
	Mute     bool         `json:"mute"`
	Deaf     bool         `json:"deaf"`
	Suppress bool         `json:"suppress"` // has no permission to speak
}

// handle takes an event of the main gateway.
func (o *voiceStates) handle(name event.Type, data []byte) {
	switch name {
	case event.Ready:
		var v struct {
			User struct{ ID snowflake.ID }
		}
		if json.Unmarshal(data, &v) == nil {
			o.self, o.in = v.User.ID, make(map[seat]snowflake.ID)
		}
	case event.GuildCreate:
		var v struct {
			ID     snowflake.ID
			States []voiceState `json:"voice_states"`
		}
		if json.Unmarshal(data, &v) == nil {
			for _, s := range v.States {
				s.Guild = v.ID
				o.enter(s)
			}
		}
	case event.VoiceStateUpdate:
		var s voiceState
		if json.Unmarshal(data, &s) == nil {
			o.enter(s)
		}
	}
}

func (o *voiceStates) enter(s voiceState) {
	at := seat{s.Guild, s.User}
	switch {
	case s.User == o.self:
		o.muted, o.deafen = s.Channel != 0 && (s.Mute || s.Suppress), s.Channel != 0 && s.Deaf
	case s.Channel == 0:
		delete(o.in, at)
	case o.in != nil:
		o.in[at] = s.Channel
	}
}

// others returns how many users but the bot are in a channel.
func (o *voiceStates) others(r room) (n int) {
	for at, channel := range o.in {
		if at.guild == r.guild && channel == r.channel {
			n++
		}
	}
	return n
}
