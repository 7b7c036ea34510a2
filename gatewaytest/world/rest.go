package world

import (
	"time"

	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/snowflake"
)

// Bot returns which bot a token belongs to, with or without the prefix "Bot ":
// an index into the tokens of [WithToken]. It reads nothing that changes, and
// may be called at any time.
func (w *World) Bot(token string) (n int, ok bool) { return w.botOf(token) }

// SessionStarts is what GET /gateway/bot tells, besides the URL.
//
// https://discord.com/developers/docs/events/gateway#session-start-limit-object
type SessionStarts struct {
	Shards         int // recommended
	Total          int
	Remaining      int
	ResetAfter     time.Duration
	MaxConcurrency int
}

// SessionStarts returns what is left of the day's session starts of a bot.
func (w *World) SessionStarts(now time.Time, bot int) SessionStarts {
	s := SessionStarts{
		Shards: w.cfg.shards, Total: w.cfg.starts, Remaining: w.cfg.starts,
		ResetAfter: 24 * time.Hour, MaxConcurrency: w.cfg.buckets,
	}
	if b := w.bots[bot]; b.startsReset.After(now) {
		s.Remaining, s.ResetAfter = max(0, w.cfg.starts-b.starts), b.startsReset.Sub(now)
	}
	return s
}

// Guild returns the guild that an id belongs to: its own, or that of one of
// its channels. It returns nil if there is none.
func (w *World) Guild(id snowflake.ID) *Guild { return w.byID[id>>22<<22] }

// Message sends a message as a bot: it comes back as MESSAGE_CREATE. Data is
// the message object.
func (w *World) Message(now time.Time, bot int, g *Guild, channel snowflake.ID, content string) (data []byte) {
	data = w.message(now, g, channel, bot, content)
	d := delivery{w: w, now: now, name: event.MessageCreate, data: data}
	d.deliver(ToGuild(g.ID))
	return data
}

// User returns the user object of a bot as JSON.
func User(bot int) string { return botUser(bot) }

// Application returns the application object of a bot as JSON.
func Application(bot int) string { return application(bot) }

// JSON returns the guild object as a bot sees it that has no intents: without
// other members.
func (g *Guild) JSON(bot int) []byte { return g.appendGuild(nil, view{self: bot}) }

// ChannelsJSON returns the list of the channel objects.
func (g *Guild) ChannelsJSON() []byte { return g.appendChannels(nil) }
