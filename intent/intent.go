// Package intent knows the gateway intents, the events that each of them brings,
// and the smallest set of intents that brings given events.
package intent

// Type is a set of gateway intents, one bit for each; most methods and functions
// take several at once. It is a plain number in JSON, as identify wants it.
//
// https://discord.com/developers/docs/events/gateway#gateway-intents
type Type uint64

const (
	Guilds                      Type = 1 << 0  // guilds, roles, channels, threads and stages
	GuildMembers                Type = 1 << 1  // privileged: members joining, leaving, changing
	GuildModeration             Type = 1 << 2  // bans and the audit log
	GuildExpressions            Type = 1 << 3  // emojis, stickers and sounds
	GuildIntegrations           Type = 1 << 4  // integrations
	GuildWebhooks               Type = 1 << 5  // webhooks
	GuildInvites                Type = 1 << 6  // invites
	GuildVoiceStates            Type = 1 << 7  // who is in which voice channel
	GuildPresences              Type = 1 << 8  // privileged: status and activities of members
	GuildMessages               Type = 1 << 9  // messages in guilds
	GuildMessageReactions       Type = 1 << 10 // reactions in guilds
	GuildMessageTyping          Type = 1 << 11 // typing in guilds
	DirectMessages              Type = 1 << 12 // direct messages
	DirectMessageReactions      Type = 1 << 13 // reactions to direct messages
	DirectMessageTyping         Type = 1 << 14 // typing in direct messages
	MessageContent              Type = 1 << 15 // privileged: the content of messages; adds data, no events
	GuildScheduledEvents        Type = 1 << 16 // scheduled events
	AutoModerationConfiguration Type = 1 << 20 // rules of auto moderation
	AutoModerationExecution     Type = 1 << 21 // actions of auto moderation
	GuildMessagePolls           Type = 1 << 24 // votes in guilds
	DirectMessagePolls          Type = 1 << 25 // votes in direct messages
)

// Sets of intents.
const (
	// Privileged intents must be enabled in the Developer Portal; identifying
	// with one that is not earns close code 4014.
	//
	// https://discord.com/developers/docs/events/gateway#privileged-intents
	Privileged = GuildMembers | GuildPresences | MessageContent
	// Unprivileged are the intents that every bot may use.
	Unprivileged = All &^ Privileged
	// All is every documented intent.
	All = Guilds | GuildMembers | GuildModeration | GuildExpressions | GuildIntegrations | GuildWebhooks |
		GuildInvites | GuildVoiceStates | GuildPresences | GuildMessages | GuildMessageReactions |
		GuildMessageTyping | DirectMessages | DirectMessageReactions | DirectMessageTyping | MessageContent |
		GuildScheduledEvents | AutoModerationConfiguration | AutoModerationExecution | GuildMessagePolls |
		DirectMessagePolls
)

// Valid reports whether t has documented bits only. Identifying with another bit
// earns close code 4013.
func (t Type) Valid() bool { return t&^All == 0 }

// Has reports whether every intent of other is in t.
func (t Type) Has(other Type) bool { return t&other == other }
