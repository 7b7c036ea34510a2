// Package event lists the dispatch events of the gateway and finds them by name
// without allocating.
package event

// Type is the name of a dispatch event: the field t of a message with opcode 0.
// Any string is a valid Type, for Discord adds events at any time; [Type.Known]
// tells the documented ones.
//
// https://discord.com/developers/docs/events/gateway-events#receive-events
type Type string

// The session itself.
const (
	Ready       Type = "READY"        // the session has started
	Resumed     Type = "RESUMED"      // every missed event was replayed
	RateLimited Type = "RATE_LIMITED" // a request was refused until retry_after
)

// Applications, what users do with them and pay for them.
const (
	ApplicationCommandPermissionsUpdate Type = "APPLICATION_COMMAND_PERMISSIONS_UPDATE" // permissions of a command changed
	InteractionCreate                   Type = "INTERACTION_CREATE"                     // a user used a command or a component
	EntitlementCreate                   Type = "ENTITLEMENT_CREATE"                     // an entitlement was created
	EntitlementUpdate                   Type = "ENTITLEMENT_UPDATE"                     // an entitlement was renewed, ended or otherwise changed
	EntitlementDelete                   Type = "ENTITLEMENT_DELETE"                     // an entitlement was removed
	SubscriptionCreate                  Type = "SUBSCRIPTION_CREATE"                    // a premium app subscription was created
	SubscriptionUpdate                  Type = "SUBSCRIPTION_UPDATE"                    // a premium app subscription changed
	SubscriptionDelete                  Type = "SUBSCRIPTION_DELETE"                    // a premium app subscription was deleted
)

// Auto moderation.
const (
	AutoModerationRuleCreate      Type = "AUTO_MODERATION_RULE_CREATE"      // a rule was created
	AutoModerationRuleUpdate      Type = "AUTO_MODERATION_RULE_UPDATE"      // a rule changed
	AutoModerationRuleDelete      Type = "AUTO_MODERATION_RULE_DELETE"      // a rule was deleted
	AutoModerationActionExecution Type = "AUTO_MODERATION_ACTION_EXECUTION" // a rule took action
)

// Channels, threads and stages.
const (
	ChannelCreate       Type = "CHANNEL_CREATE"        // a channel of a guild was created
	ChannelUpdate       Type = "CHANNEL_UPDATE"        // a channel changed
	ChannelDelete       Type = "CHANNEL_DELETE"        // a channel was deleted
	ChannelInfo         Type = "CHANNEL_INFO"          // answer to Request Channel Info
	ChannelPinsUpdate   Type = "CHANNEL_PINS_UPDATE"   // a message was pinned or unpinned
	ThreadCreate        Type = "THREAD_CREATE"         // a thread was created, or the client was added to one
	ThreadUpdate        Type = "THREAD_UPDATE"         // a thread changed
	ThreadDelete        Type = "THREAD_DELETE"         // a thread was deleted
	ThreadListSync      Type = "THREAD_LIST_SYNC"      // the active threads of channels that became visible
	ThreadMemberUpdate  Type = "THREAD_MEMBER_UPDATE"  // the client's own membership of a thread changed
	ThreadMembersUpdate Type = "THREAD_MEMBERS_UPDATE" // members joined or left a thread
	StageInstanceCreate Type = "STAGE_INSTANCE_CREATE" // a stage opened
	StageInstanceUpdate Type = "STAGE_INSTANCE_UPDATE" // a stage changed
	StageInstanceDelete Type = "STAGE_INSTANCE_DELETE" // a stage closed
)

// Guilds.
const (
	GuildCreate                   Type = "GUILD_CREATE"                      // a guild was joined, loaded or is available again
	GuildUpdate                   Type = "GUILD_UPDATE"                      // settings of a guild changed
	GuildDelete                   Type = "GUILD_DELETE"                      // a guild was left, or is unavailable
	GuildAuditLogEntryCreate      Type = "GUILD_AUDIT_LOG_ENTRY_CREATE"      // an audit log entry was written
	GuildBanAdd                   Type = "GUILD_BAN_ADD"                     // a user was banned
	GuildBanRemove                Type = "GUILD_BAN_REMOVE"                  // a ban was lifted
	GuildEmojisUpdate             Type = "GUILD_EMOJIS_UPDATE"               // the emojis of a guild changed
	GuildStickersUpdate           Type = "GUILD_STICKERS_UPDATE"             // the stickers of a guild changed
	GuildIntegrationsUpdate       Type = "GUILD_INTEGRATIONS_UPDATE"         // the integrations of a guild changed
	GuildMemberAdd                Type = "GUILD_MEMBER_ADD"                  // a user joined a guild
	GuildMemberRemove             Type = "GUILD_MEMBER_REMOVE"               // a user left a guild, by choice or not
	GuildMemberUpdate             Type = "GUILD_MEMBER_UPDATE"               // a member changed
	GuildMembersChunk             Type = "GUILD_MEMBERS_CHUNK"               // answer to Request Guild Members
	GuildRoleCreate               Type = "GUILD_ROLE_CREATE"                 // a role was created
	GuildRoleUpdate               Type = "GUILD_ROLE_UPDATE"                 // a role changed
	GuildRoleDelete               Type = "GUILD_ROLE_DELETE"                 // a role was deleted
	GuildScheduledEventCreate     Type = "GUILD_SCHEDULED_EVENT_CREATE"      // a scheduled event was created
	GuildScheduledEventUpdate     Type = "GUILD_SCHEDULED_EVENT_UPDATE"      // a scheduled event changed
	GuildScheduledEventDelete     Type = "GUILD_SCHEDULED_EVENT_DELETE"      // a scheduled event was deleted
	GuildScheduledEventUserAdd    Type = "GUILD_SCHEDULED_EVENT_USER_ADD"    // a user subscribed to a scheduled event
	GuildScheduledEventUserRemove Type = "GUILD_SCHEDULED_EVENT_USER_REMOVE" // a user unsubscribed from a scheduled event
	IntegrationCreate             Type = "INTEGRATION_CREATE"                // an integration was created
	IntegrationUpdate             Type = "INTEGRATION_UPDATE"                // an integration changed
	IntegrationDelete             Type = "INTEGRATION_DELETE"                // an integration was deleted
	InviteCreate                  Type = "INVITE_CREATE"                     // an invite was created
	InviteDelete                  Type = "INVITE_DELETE"                     // an invite was deleted
	WebhooksUpdate                Type = "WEBHOOKS_UPDATE"                   // webhooks of a channel changed
)

// Soundboards.
const (
	GuildSoundboardSoundCreate  Type = "GUILD_SOUNDBOARD_SOUND_CREATE"  // a sound was created
	GuildSoundboardSoundUpdate  Type = "GUILD_SOUNDBOARD_SOUND_UPDATE"  // a sound changed
	GuildSoundboardSoundDelete  Type = "GUILD_SOUNDBOARD_SOUND_DELETE"  // a sound was deleted
	GuildSoundboardSoundsUpdate Type = "GUILD_SOUNDBOARD_SOUNDS_UPDATE" // several sounds changed at once
	SoundboardSounds            Type = "SOUNDBOARD_SOUNDS"              // answer to Request Soundboard Sounds
)

// Messages, reactions and polls.
const (
	MessageCreate              Type = "MESSAGE_CREATE"                // a message was sent
	MessageUpdate              Type = "MESSAGE_UPDATE"                // a message changed
	MessageDelete              Type = "MESSAGE_DELETE"                // a message was deleted
	MessageDeleteBulk          Type = "MESSAGE_DELETE_BULK"           // several messages were deleted at once
	MessageReactionAdd         Type = "MESSAGE_REACTION_ADD"          // a reaction was added
	MessageReactionRemove      Type = "MESSAGE_REACTION_REMOVE"       // a reaction was taken back
	MessageReactionRemoveAll   Type = "MESSAGE_REACTION_REMOVE_ALL"   // every reaction to a message was removed
	MessageReactionRemoveEmoji Type = "MESSAGE_REACTION_REMOVE_EMOJI" // every reaction with one emoji was removed
	TypingStart                Type = "TYPING_START"                  // a user started to type
	MessagePollVoteAdd         Type = "MESSAGE_POLL_VOTE_ADD"         // a user voted in a poll
	MessagePollVoteRemove      Type = "MESSAGE_POLL_VOTE_REMOVE"      // a user took a vote back
)

// Users.
const (
	PresenceUpdate Type = "PRESENCE_UPDATE" // status or activities of a user changed
	UserUpdate     Type = "USER_UPDATE"     // the client's own user changed
)

// Voice.
const (
	VoiceChannelEffectSend      Type = "VOICE_CHANNEL_EFFECT_SEND"       // somebody sent an effect in the client's voice channel
	VoiceChannelStartTimeUpdate Type = "VOICE_CHANNEL_START_TIME_UPDATE" // the start of a voice session changed
	VoiceChannelStatusUpdate    Type = "VOICE_CHANNEL_STATUS_UPDATE"     // the status text of a voice channel changed
	VoiceStateUpdate            Type = "VOICE_STATE_UPDATE"              // a user joined, moved in, left or changed voice
	VoiceServerUpdate           Type = "VOICE_SERVER_UPDATE"             // which voice server to connect to
)
