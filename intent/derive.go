package intent

import "github.com/discordpkg/gateway/event"

// source is the intents that bring one event, each of them alone.
type source struct{ guild, direct Type }

// sources is the inverse of rows, by the index of the event.
var sources = buildSources()

func buildSources() (table [event.Count]source) {
	for _, row := range rows {
		for _, e := range row.events {
			i, _ := event.Index(e)
			if row.direct {
				table[i].direct |= row.intent
			} else {
				table[i].guild |= row.intent
			}
		}
	}
	return table
}

// Sources returns every intent that brings e: from guilds, and from direct
// messages. Any one of them is enough. Both are zero if e needs no intent and is
// always sent, and if e is unknown.
func Sources(e event.Type) (guild, direct Type) {
	i, ok := event.Index(e)
	if !ok {
		return 0, 0
	}
	return sources[i].guild, sources[i].direct
}

// Required returns the intent to ask for in order to receive e: from guilds, and
// from direct messages. Where several intents bring e, it is the unprivileged one.
// Both are zero if e needs no intent and is always sent, and if e is unknown.
func Required(e event.Type) (guild, direct Type) {
	guild, direct = Sources(e)
	return cheapest(guild), cheapest(direct)
}

// cheapest returns one of the intents in t, if possible one without privileges.
func cheapest(t Type) Type {
	if t&^Privileged != 0 {
		t &^= Privileged
	}
	return t & -t
}

// Delivers reports whether a session with the intents t receives e, from direct
// messages or from guilds. Events that need no intent are always delivered, and
// so are unknown ones.
func (t Type) Delivers(e event.Type, direct bool) bool {
	fromGuilds, fromDirect := Sources(e)
	if fromGuilds|fromDirect == 0 {
		return true
	}
	if direct {
		return t&fromDirect != 0
	}
	return t&fromGuilds != 0
}

// Events returns the events that the intents bring, from guilds and from direct
// messages, each once, in the order of their indices, as a fresh slice. Events
// that need no intent are not among them.
func Events(intents ...Type) []event.Type {
	var t Type
	for _, intent := range intents {
		t |= intent
	}
	return collect(func(s source) bool { return t&(s.guild|s.direct) != 0 })
}

// GuildEvents returns the events that t brings from guilds, see [Events].
func GuildEvents(t Type) []event.Type {
	return collect(func(s source) bool { return t&s.guild != 0 })
}

// DirectMessageEvents returns the events that t brings from direct messages, see
// [Events].
func DirectMessageEvents(t Type) []event.Type {
	return collect(func(s source) bool { return t&s.direct != 0 })
}

func collect(wanted func(source) bool) []event.Type {
	var events []event.Type
	for i, s := range sources {
		if wanted(s) {
			events = append(events, event.At(i))
		}
	}
	return events
}

// FromGuildEvents returns the smallest set of intents that brings all events from
// guilds. Events that need no intent, unknown ones and those that guilds do not
// send add nothing. THREAD_MEMBERS_UPDATE, which two intents bring, asks for
// GUILDS unless another event asks for the privileged GUILD_MEMBERS anyway.
func FromGuildEvents(events ...event.Type) Type {
	return cover(events, func(s source) Type { return s.guild })
}

// FromDirectMessageEvents returns the smallest set of intents that brings all
// events from direct messages. Events that need no intent, unknown ones and those
// that direct messages do not send add nothing.
func FromDirectMessageEvents(events ...event.Type) Type {
	return cover(events, func(s source) Type { return s.direct })
}

// cover takes the events with one source first: what they ask for may bring the
// others as well.
func cover(events []event.Type, side func(source) Type) Type {
	var t Type
	for _, e := range events {
		if i, ok := event.Index(e); ok {
			if s := side(sources[i]); s&(s-1) == 0 {
				t |= s
			}
		}
	}
	for _, e := range events {
		if i, ok := event.Index(e); ok {
			if s := side(sources[i]); s&t == 0 {
				t |= cheapest(s)
			}
		}
	}
	return t
}
