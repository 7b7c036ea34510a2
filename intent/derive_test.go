package intent

import (
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/discordpkg/gateway/event"
	"github.com/stretchr/testify/require"
)

func TestThreadMembersUpdateAsksForNoPrivilege(t *testing.T) {
	require.Equal(t, Guilds, FromGuildEvents(event.ThreadMembersUpdate))
	require.Equal(t, GuildMembers, FromGuildEvents(event.ThreadMembersUpdate, event.GuildMemberAdd),
		"GUILD_MEMBERS is asked for anyway and brings the event")
	require.Equal(t, GuildMembers, FromGuildEvents(event.GuildMemberAdd, event.ThreadMembersUpdate), "in any order")
	require.Equal(t, Guilds, FromGuildEvents(event.ThreadMembersUpdate, event.ThreadMembersUpdate))
	guild, direct := Required(event.ThreadMembersUpdate)
	require.Equal(t, Guilds, guild)
	require.Zero(t, direct)
	guild, direct = Sources(event.ThreadMembersUpdate)
	require.Equal(t, Guilds|GuildMembers, guild)
	require.Zero(t, direct)
}

func TestRedundantEventsAddNothing(t *testing.T) {
	redundant := []event.Type{
		event.Ready, event.Resumed, event.RateLimited, event.InteractionCreate, event.UserUpdate,
		event.VoiceServerUpdate, event.GuildMembersChunk, event.ChannelInfo, event.SoundboardSounds, "UNKNOWN_EVENT",
	}
	require.Zero(t, FromGuildEvents(redundant...))
	require.Zero(t, FromDirectMessageEvents(redundant...))
	require.Zero(t, FromGuildEvents())
	require.Zero(t, FromDirectMessageEvents(event.GuildCreate), "direct messages have no guilds")
	for _, e := range redundant {
		guild, direct := Required(e)
		require.Zero(t, guild|direct, e)
		require.True(t, Type(0).Delivers(e, false), "%s is always sent", e)
		require.True(t, Type(0).Delivers(e, true), "%s is always sent", e)
	}
}

func TestAllEvents(t *testing.T) {
	const direct = DirectMessages | DirectMessageReactions | DirectMessageTyping | DirectMessagePolls
	require.Equal(t, All&^MessageContent&^direct, FromGuildEvents(event.All()...))
	require.Equal(t, direct, FromDirectMessageEvents(event.All()...))
}

func TestMessagesComeFromTwoSides(t *testing.T) {
	guild, direct := Required(event.MessageCreate)
	require.Equal(t, GuildMessages, guild)
	require.Equal(t, DirectMessages, direct)
	require.True(t, GuildMessages.Delivers(event.MessageCreate, false))
	require.False(t, GuildMessages.Delivers(event.MessageCreate, true))
	require.True(t, DirectMessages.Delivers(event.MessageCreate, true))
	require.False(t, DirectMessages.Delivers(event.MessageCreate, false))
	require.False(t, All.Delivers(event.GuildCreate, true), "guilds never come from direct messages")
	require.Equal(t, []event.Type{event.ChannelPinsUpdate, event.MessageCreate, event.MessageUpdate, event.MessageDelete},
		DirectMessageEvents(DirectMessages))
}

func TestEventsOfSeveralIntents(t *testing.T) {
	require.Empty(t, Events())
	require.Empty(t, Events(MessageContent), "adds data, no events")
	require.Equal(t, Events(GuildMessages), Events(GuildMessages, DirectMessages, GuildMessages)[1:],
		"direct messages add pins, everything else is there once")
	require.Equal(t, Events(GuildMessages|DirectMessages), Events(GuildMessages, DirectMessages))
	require.Equal(t, DirectMessageEvents(DirectMessageReactions), Events(DirectMessageReactions))
}

// TestThereAndBack derives events from intents and intents from these events.
func TestThereAndBack(t *testing.T) {
	for _, row := range rows {
		if row.direct {
			require.Equal(t, row.intent, FromDirectMessageEvents(DirectMessageEvents(row.intent)...), row.name)
		} else if row.events != nil {
			require.Equal(t, row.intent, FromGuildEvents(GuildEvents(row.intent)...), row.name)
		}
	}
}

// TestCoverIsSmallest compares with trying every set of intents, privileged ones
// counting more than all others together.
func TestCoverIsSmallest(t *testing.T) {
	cost := func(intents Type) int {
		return bits.OnesCount64(uint64(intents)) + 100*bits.OnesCount64(uint64(intents&Privileged))
	}
	random := rand.New(rand.NewPCG(3, 4))
	candidates := []Type{Guilds, GuildMembers, GuildMessages, GuildPresences, DirectMessages}
	pool := append(Events(candidates...), event.Ready, "UNKNOWN_EVENT")
	for range 500 {
		var wanted []event.Type
		for range random.IntN(5) {
			wanted = append(wanted, pool[random.IntN(len(pool))])
		}
		got := FromGuildEvents(wanted...)
		best := -1
		for subset := range 1 << len(candidates) {
			var intents Type
			for i, candidate := range candidates {
				if subset>>i&1 == 1 {
					intents |= candidate
				}
			}
			if brings(intents, wanted) && (best < 0 || cost(intents) < best) {
				best = cost(intents)
			}
		}
		require.True(t, brings(got, wanted), "%v does not bring %v", got, wanted)
		require.Equal(t, best, cost(got), "%v for %v", got, wanted)
	}
}

func brings(intents Type, wanted []event.Type) bool {
	for _, e := range wanted {
		if guild, _ := Sources(e); guild != 0 && !intents.Delivers(e, false) {
			return false
		}
	}
	return true
}
