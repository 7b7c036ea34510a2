package world

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/discordpkg/gateway/internal/splitmix"
	"github.com/discordpkg/gateway/snowflake"
)

// MaxMembers is the greatest number of members a guild can have.
const MaxMembers = 100_000

// discordEpoch is the zero of the time in a snowflake.
//
// https://discord.com/developers/docs/reference#snowflakes
var discordEpoch = time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC)

// A Guild is made up: what its members and channels are called follows from
// the seed of the world, and they need no memory until they are asked for.
type Guild struct {
	ID      snowflake.ID `json:"id"`
	Name    string       `json:"name"`
	Members int          `json:"member_count"` // the first of them are bots
	bots    int
	index   int
	seed    uint64
}

// The channels of each guild.
const (
	textChannels  = 3
	voiceChannels = 2
)

// TextChannel returns the id of one of the guild's three text channels.
func (g *Guild) TextChannel(n int) snowflake.ID {
	return g.ID + 1 + snowflake.ID(uint(n)%textChannels)
}

// VoiceChannel returns the id of one of the guild's two voice channels.
func (g *Guild) VoiceChannel(n int) snowflake.ID {
	return g.ID + 1 + textChannels + snowflake.ID(uint(n)%voiceChannels)
}

// Member returns the user id of a member, 0 for the first bot.
func (g *Guild) Member(n int) snowflake.ID {
	n = int(uint(n) % uint(g.Members))
	if n < g.bots {
		return BotID(n)
	}
	return snowflake.ID(firstUser+uint64(g.index)*MaxMembers+uint64(n)) << 22
}

// memberIndex is the inverse of Member.
func (g *Guild) memberIndex(user snowflake.ID) (n int, ok bool) {
	if k := uint64(user>>22 - Bot>>22); k < uint64(g.bots) && user == BotID(int(k)) {
		return int(k), true
	}
	first := firstUser + uint64(g.index)*MaxMembers
	if k := uint64(user) >> 22; k >= first+uint64(g.bots) && k < first+uint64(g.Members) {
		return int(k - first), true
	}
	return 0, false
}

// The milliseconds in the ids of guilds and users. Neighbours differ by one,
// so that guilds spread evenly over shards.
const (
	firstGuild = 100_000_000_000
	firstUser  = 10_000_000_000
)

func newGuild(index, members, bots int, seed uint64) *Guild {
	g := &Guild{
		ID:      snowflake.ID(firstGuild+uint64(index)) << 22,
		Members: max(members, bots),
		bots:    bots,
		index:   index,
		seed:    seed,
	}
	h := splitmix.Hash(seed, uint64(g.ID))
	g.Name = capital(pick(adjectives, h)) + " " + capital(pick(nouns, h>>16))
	return g
}

// hasChannel reports whether id is a channel of g, and whether a voice channel.
func (g *Guild) hasChannel(id snowflake.ID) (voice, ok bool) {
	n := uint64(id - g.ID - 1)
	return n >= textChannels, n < textChannels+voiceChannels
}

// username returns the name of member n.
func (g *Guild) username(n int) string {
	if n < g.bots {
		return botName(n)
	}
	h := splitmix.Hash(g.seed, uint64(g.Member(n)))
	return pick(adjectives, h) + pick(nouns, h>>16) + strconv.Itoa(n)
}

func (g *Guild) appendUser(b []byte, n int) []byte {
	return fmt.Appendf(b, `{"id":"%d","username":%q,"discriminator":"0","global_name":null,"avatar":null,"bot":%t}`,
		g.Member(n), g.username(n), n < g.bots)
}

func (g *Guild) appendMember(b []byte, n int) []byte {
	b = append(b, `{"user":`...)
	b = g.appendUser(b, n)
	return g.appendMemberRest(b)
}

// appendMemberRest appends a member object after its user.
func (g *Guild) appendMemberRest(b []byte) []byte {
	return append(b, `,"nick":null,"avatar":null,"roles":[],"joined_at":"2026-01-01T00:00:00.000000+00:00","deaf":false,"mute":false,"flags":0,"pending":false}`...)
}

func (g *Guild) appendPresence(b []byte, n int) []byte {
	status := [...]string{"online", "idle", "dnd", "online"}[splitmix.Hash(g.seed, uint64(n))%4]
	return fmt.Appendf(b, `{"user":{"id":"%d"},"guild_id":"%d","status":%q,"activities":[],"client_status":{"desktop":%q}}`,
		g.Member(n), g.ID, status, status)
}

func (g *Guild) appendChannels(b []byte) []byte {
	b = append(b, '[')
	for n := range textChannels {
		b = fmt.Appendf(b, `{"id":"%d","type":0,"guild_id":"%d","name":%q,"position":%d,"topic":null,"nsfw":false,"permission_overwrites":[],"parent_id":null,"last_message_id":null,"rate_limit_per_user":0},`,
			g.TextChannel(n), g.ID, [...]string{"general", "random", "bots"}[n], n)
	}
	for n := range voiceChannels {
		b = fmt.Appendf(b, `{"id":"%d","type":2,"guild_id":"%d","name":"Voice %d","position":%d,"bitrate":64000,"user_limit":0,"rtc_region":null,"permission_overwrites":[],"parent_id":null},`,
			g.VoiceChannel(n), g.ID, n+1, n)
	}
	b[len(b)-1] = ']'
	return b
}

// shown is how many members GUILD_CREATE names. The others must be requested.
const shown = 20

// A view is what a session is shown of a guild.
type view struct {
	self      int // the member that looks
	members   bool
	presences bool
	voice     []byte // voice states, separated by commas
}

// appendGuild appends the data of GUILD_CREATE.
//
// https://discord.com/developers/docs/events/gateway-events#guild-create
func (g *Guild) appendGuild(b []byte, v view) []byte {
	first, n := v.self, v.self+1
	if v.members {
		first, n = 0, max(n, min(shown, g.Members))
	}
	b = fmt.Appendf(b, `{"id":"%d","name":%q,"icon":null,"splash":null,"discovery_splash":null,"owner_id":"%d","afk_channel_id":null,"afk_timeout":300,`+
		`"verification_level":0,"default_message_notifications":0,"explicit_content_filter":0,"mfa_level":0,"nsfw_level":0,"premium_tier":0,"premium_progress_bar_enabled":false,`+
		`"system_channel_id":null,"system_channel_flags":0,"rules_channel_id":null,"public_updates_channel_id":null,"preferred_locale":"en-US","description":null,"banner":null,"vanity_url_code":null,`+
		`"features":[],"emojis":[],"stickers":[],"threads":[],"voice_states":[%s],"stage_instances":[],"guild_scheduled_events":[],"soundboard_sounds":[],`+
		`"joined_at":"2026-01-01T00:00:00.000000+00:00","large":%t,"unavailable":false,"member_count":%d,`,
		g.ID, g.Name, g.Member(g.bots), v.voice, g.Members > 250, g.Members)
	b = fmt.Appendf(b, `"roles":[{"id":"%d","name":"@everyone","color":0,"colors":{"primary_color":0,"secondary_color":null,"tertiary_color":null},"hoist":false,"position":0,"permissions":"2248473465835073","managed":false,"mentionable":false,"flags":0}],"channels":`, g.ID)
	b = g.appendChannels(b)
	b = append(b, `,"members":[`...)
	for i := first; i < n; i++ {
		b = append(g.appendMember(b, i), ',')
	}
	b[len(b)-1] = ']'
	b = append(b, `,"presences":[`...)
	for i := g.bots; v.presences && i < n; i++ {
		b = append(g.appendPresence(b, i), ',')
	}
	if b[len(b)-1] == ',' {
		b = b[:len(b)-1]
	}
	return append(b, `]}`...)
}

func pick(words []string, h uint64) string { return words[h%uint64(len(words))] }

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

var (
	adjectives = strings.Fields("amber brisk calm daring eager fancy gentle hidden icy jolly keen lucky mellow noble odd proud quiet rapid silver tidy upper vivid warm young")
	nouns      = strings.Fields("anchor beacon cedar drift ember falcon garden harbor island jungle kettle lantern meadow nebula orchid pepper quartz river summit thicket uplift valley willow yonder")
)
