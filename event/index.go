package event

// Count is the number of documented events, and thereby the length of a table
// with one entry for each, see [Index].
const Count = 79

// All returns every documented event, READY and RESUMED included, in the order
// of their indices, as a fresh slice.
func All() []Type {
	all := names
	return all[:]
}

// Parse returns the Type that b spells. It allocates for unknown names only,
// which survive as they are: a caller that reads names from the network bounds
// their length. The result does not alias b.
func Parse(b []byte) Type {
	if i, ok := find(b); ok {
		return names[i]
	}
	return Type(b)
}

// Index returns the position of t, from 0 to [Count]-1, in tables with an entry
// for each documented event, such as counters. ok is false for unknown events.
// The numbers may change from one version of this package to the next: do not
// store them.
func Index(t Type) (i int, ok bool) { return find(t) }

// At returns the event with index i, the inverse of [Index]. It panics if i is
// not between 0 and [Count]-1.
func At(i int) Type { return names[i] }

// Known reports whether Discord documents t.
func (t Type) Known() bool {
	_, ok := find(t)
	return ok
}

const (
	slotBits = 9
	slots    = 1 << slotBits
	// multiplier was searched for until no two names shared a slot. Another name
	// that does share one costs a second comparison, nothing else.
	multiplier = 0xf1a45e7a8125dd25
)

// index maps the hash of a name to its position in names plus one. A slot in use
// is followed by the next one, as in any open addressing.
var index = buildIndex()

func buildIndex() (table [slots]uint8) {
	for i, name := range names {
		slot := hash(name)
		for table[slot%slots] != 0 {
			slot++
		}
		table[slot%slots] = uint8(i + 1)
	}
	return table
}

func find[S ~string | ~[]byte](name S) (int, bool) {
	for slot := hash(name); ; slot++ {
		i := int(index[slot%slots]) - 1
		if i < 0 {
			return 0, false
		}
		if string(names[i]) == string(name) {
			return i, true
		}
	}
}

// hash mixes the length with eight bytes from the end and eight from the middle
// of a name, enough to tell all documented ones apart.
func hash[S ~string | ~[]byte](name S) uint {
	n := len(name)
	if n < 8 {
		return uint(n)
	}
	return uint((load(name, n-8) ^ load(name, n/2-4)<<1 ^ uint64(n)) * multiplier >> (64 - slotBits))
}

// load returns the eight bytes of s that begin at i, in little-endian order.
func load[S ~string | ~[]byte](s S, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// names holds every documented event in the order of the constants. The position
// of a name is its index.
var names = [Count]Type{
	Ready, Resumed, RateLimited,
	ApplicationCommandPermissionsUpdate, InteractionCreate, EntitlementCreate, EntitlementUpdate, EntitlementDelete,
	SubscriptionCreate, SubscriptionUpdate, SubscriptionDelete,
	AutoModerationRuleCreate, AutoModerationRuleUpdate, AutoModerationRuleDelete, AutoModerationActionExecution,
	ChannelCreate, ChannelUpdate, ChannelDelete, ChannelInfo, ChannelPinsUpdate, ThreadCreate, ThreadUpdate,
	ThreadDelete, ThreadListSync, ThreadMemberUpdate, ThreadMembersUpdate, StageInstanceCreate, StageInstanceUpdate,
	StageInstanceDelete,
	GuildCreate, GuildUpdate, GuildDelete, GuildAuditLogEntryCreate, GuildBanAdd, GuildBanRemove, GuildEmojisUpdate,
	GuildStickersUpdate, GuildIntegrationsUpdate, GuildMemberAdd, GuildMemberRemove, GuildMemberUpdate,
	GuildMembersChunk, GuildRoleCreate, GuildRoleUpdate, GuildRoleDelete, GuildScheduledEventCreate,
	GuildScheduledEventUpdate, GuildScheduledEventDelete, GuildScheduledEventUserAdd, GuildScheduledEventUserRemove,
	IntegrationCreate, IntegrationUpdate, IntegrationDelete, InviteCreate, InviteDelete, WebhooksUpdate,
	GuildSoundboardSoundCreate, GuildSoundboardSoundUpdate, GuildSoundboardSoundDelete, GuildSoundboardSoundsUpdate,
	SoundboardSounds,
	MessageCreate, MessageUpdate, MessageDelete, MessageDeleteBulk, MessageReactionAdd, MessageReactionRemove,
	MessageReactionRemoveAll, MessageReactionRemoveEmoji, TypingStart, MessagePollVoteAdd, MessagePollVoteRemove,
	PresenceUpdate, UserUpdate,
	VoiceChannelEffectSend, VoiceChannelStartTimeUpdate, VoiceChannelStatusUpdate, VoiceStateUpdate,
	VoiceServerUpdate,
}
