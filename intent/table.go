package intent

import "github.com/discordpkg/gateway/event"

// rows is Discord's list of intents, in the order of their bits.
//
// https://discord.com/developers/docs/events/gateway#list-of-intents
var rows = [...]struct {
	intent Type
	name   string
	direct bool // the events come from direct messages, otherwise from guilds
	events []event.Type
}{
	{Guilds, "GUILDS", false, []event.Type{
		event.GuildCreate, event.GuildUpdate, event.GuildDelete, event.GuildRoleCreate, event.GuildRoleUpdate,
		event.GuildRoleDelete, event.ChannelCreate, event.ChannelUpdate, event.ChannelDelete,
		event.ChannelPinsUpdate, event.ThreadCreate, event.ThreadUpdate, event.ThreadDelete,
		event.ThreadListSync, event.ThreadMemberUpdate, event.ThreadMembersUpdate, event.StageInstanceCreate,
		event.StageInstanceUpdate, event.StageInstanceDelete, event.VoiceChannelStatusUpdate,
		event.VoiceChannelStartTimeUpdate,
	}},
	{GuildMembers, "GUILD_MEMBERS", false, []event.Type{
		event.GuildMemberAdd, event.GuildMemberUpdate, event.GuildMemberRemove, event.ThreadMembersUpdate,
	}},
	{GuildModeration, "GUILD_MODERATION", false, []event.Type{
		event.GuildAuditLogEntryCreate, event.GuildBanAdd, event.GuildBanRemove,
	}},
	{GuildExpressions, "GUILD_EXPRESSIONS", false, []event.Type{
		event.GuildEmojisUpdate, event.GuildStickersUpdate, event.GuildSoundboardSoundCreate,
		event.GuildSoundboardSoundUpdate, event.GuildSoundboardSoundDelete, event.GuildSoundboardSoundsUpdate,
	}},
	{GuildIntegrations, "GUILD_INTEGRATIONS", false, []event.Type{
		event.GuildIntegrationsUpdate, event.IntegrationCreate, event.IntegrationUpdate,
		event.IntegrationDelete,
	}},
	{GuildWebhooks, "GUILD_WEBHOOKS", false, []event.Type{
		event.WebhooksUpdate,
	}},
	{GuildInvites, "GUILD_INVITES", false, []event.Type{
		event.InviteCreate, event.InviteDelete,
	}},
	{GuildVoiceStates, "GUILD_VOICE_STATES", false, []event.Type{
		event.VoiceChannelEffectSend, event.VoiceStateUpdate,
	}},
	{GuildPresences, "GUILD_PRESENCES", false, []event.Type{
		event.PresenceUpdate,
	}},
	{GuildMessages, "GUILD_MESSAGES", false, []event.Type{
		event.MessageCreate, event.MessageUpdate, event.MessageDelete, event.MessageDeleteBulk,
	}},
	{GuildMessageReactions, "GUILD_MESSAGE_REACTIONS", false, []event.Type{
		event.MessageReactionAdd, event.MessageReactionRemove, event.MessageReactionRemoveAll,
		event.MessageReactionRemoveEmoji,
	}},
	{GuildMessageTyping, "GUILD_MESSAGE_TYPING", false, []event.Type{
		event.TypingStart,
	}},
	{DirectMessages, "DIRECT_MESSAGES", true, []event.Type{
		event.MessageCreate, event.MessageUpdate, event.MessageDelete, event.ChannelPinsUpdate,
	}},
	{DirectMessageReactions, "DIRECT_MESSAGE_REACTIONS", true, []event.Type{
		event.MessageReactionAdd, event.MessageReactionRemove, event.MessageReactionRemoveAll,
		event.MessageReactionRemoveEmoji,
	}},
	{DirectMessageTyping, "DIRECT_MESSAGE_TYPING", true, []event.Type{
		event.TypingStart,
	}},
	{MessageContent, "MESSAGE_CONTENT", false, nil},
	{GuildScheduledEvents, "GUILD_SCHEDULED_EVENTS", false, []event.Type{
		event.GuildScheduledEventCreate, event.GuildScheduledEventUpdate, event.GuildScheduledEventDelete,
		event.GuildScheduledEventUserAdd, event.GuildScheduledEventUserRemove,
	}},
	{AutoModerationConfiguration, "AUTO_MODERATION_CONFIGURATION", false, []event.Type{
		event.AutoModerationRuleCreate, event.AutoModerationRuleUpdate, event.AutoModerationRuleDelete,
	}},
	{AutoModerationExecution, "AUTO_MODERATION_EXECUTION", false, []event.Type{
		event.AutoModerationActionExecution,
	}},
	{GuildMessagePolls, "GUILD_MESSAGE_POLLS", false, []event.Type{
		event.MessagePollVoteAdd, event.MessagePollVoteRemove,
	}},
	{DirectMessagePolls, "DIRECT_MESSAGE_POLLS", true, []event.Type{
		event.MessagePollVoteAdd, event.MessagePollVoteRemove,
	}},
}
