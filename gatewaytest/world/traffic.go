package world

import (
	"fmt"
	"strings"
	"time"

	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/snowflake"
)

// Generate dispatches one made up event to the sessions of one guild, and
// returns its name: mostly messages, typing and presences, some reactions,
// edits and members. It returns the empty name if there is no guild. What
// comes follows from the seed.
//
// The shares are plausible for a community server, not measured on one.
func (w *World) Generate(now time.Time) event.Type {
	if len(w.guilds) == 0 {
		return ""
	}
	g := w.guilds[w.rng.IntN(len(w.guilds))]
	user := 0
	if g.Members > g.bots {
		user = g.bots + w.rng.IntN(g.Members-g.bots)
	}
	name, data := w.makeUp(now, g, user)
	d := delivery{w: w, now: now, name: name, data: data}
	d.deliver(ToGuild(g.ID))
	return name
}

func (w *World) makeUp(now time.Time, g *Guild, user int) (event.Type, []byte) {
	channel := g.TextChannel(w.rng.IntN(textChannels))
	switch p := w.rng.IntN(100); {
	case p < 34:
		return event.MessageCreate, w.messageData(now, g, channel, user)
	case p < 38:
		return event.MessageUpdate, w.messageData(now, g, channel, user)
	case p < 40:
		return event.MessageDelete, fmt.Appendf(nil, `{"id":"%d","channel_id":"%d","guild_id":"%d"}`, w.newID(now), channel, g.ID)
	case p < 62:
		b := fmt.Appendf(nil, `{"channel_id":"%d","guild_id":"%d","user_id":"%d","timestamp":%d,"member":`, channel, g.ID, g.Member(user), now.Unix())
		return event.TypingStart, append(g.appendMember(b, user), '}')
	case p < 84:
		return event.PresenceUpdate, g.appendPresence(nil, user)
	case p < 94:
		b := fmt.Appendf(nil, `{"user_id":"%d","channel_id":"%d","message_id":"%d","guild_id":"%d","emoji":{"id":null,"name":"%s"},"burst":false,"type":0,"member":`,
			g.Member(user), channel, w.newID(now), g.ID, pick(emojis, w.rng.Uint64()))
		return event.MessageReactionAdd, append(g.appendMember(b, user), '}')
	case p < 98:
		b := append(g.appendUser([]byte(`{"user":`), user), fmt.Sprintf(`,"guild_id":"%d"`, g.ID)...)
		return event.GuildMemberUpdate, g.appendMemberRest(b)
	default:
		b := append(g.appendUser([]byte(`{"user":`), user), fmt.Sprintf(`,"guild_id":"%d"`, g.ID)...)
		return event.GuildMemberAdd, g.appendMemberRest(b)
	}
}

var emojis = strings.Fields("👍 🎉 ❤️ 😂 👀")

// newID returns a snowflake that was not used before.
func (w *World) newID(now time.Time) snowflake.ID {
	w.traffic++
	return snowflake.ID(max(0, now.Sub(discordEpoch).Milliseconds()))<<22 | snowflake.ID(w.traffic&(1<<22-1))
}

func (w *World) messageData(now time.Time, g *Guild, channel snowflake.ID, user int) []byte {
	words := make([]string, 3+w.rng.IntN(20))
	for i := range words {
		if words[i] = pick(nouns, w.rng.Uint64()); i%2 == 0 {
			words[i] = pick(adjectives, w.rng.Uint64())
		}
	}
	return w.message(now, g, channel, user, strings.Join(words, " "))
}

// message returns the data of MESSAGE_CREATE.
//
// https://discord.com/developers/docs/events/gateway-events#message-create
func (w *World) message(now time.Time, g *Guild, channel snowflake.ID, user int, content string) []byte {
	b := fmt.Appendf(nil, `{"id":"%d","channel_id":"%d","guild_id":"%d","type":0,"content":%s,"timestamp":%q,"edited_timestamp":null,`+
		`"tts":false,"mention_everyone":false,"mentions":[],"mention_roles":[],"attachments":[],"embeds":[],"components":[],"pinned":false,"flags":0,"channel_type":0,"author":`,
		w.newID(now), channel, g.ID, jsonString(content), now.UTC().Format("2006-01-02T15:04:05.000000+00:00"))
	b = g.appendUser(b, user)
	b = append(b, `,"member":{"nick":null,"avatar":null,"roles":[],"joined_at":"2026-01-01T00:00:00.000000+00:00","deaf":false,"mute":false,"flags":0}}`...)
	return b
}
