package command

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/snowflake"
)

func ids(n int) []snowflake.ID {
	list := make([]snowflake.ID, n)
	for i := range list {
		list[i] = snowflake.ID(i + 1)
	}
	return list
}

func TestValidateGuildMembers(t *testing.T) {
	for _, r := range []GuildMembersRequest{
		{GuildID: 1},
		{GuildID: 1, Limit: 5000},
		{GuildID: 1, Query: "a", Limit: 1},
		{GuildID: 1, Query: "a", Limit: 100},
		{GuildID: 1, UserIDs: ids(100), Limit: 3},
		{GuildID: 1, Nonce: strings.Repeat("n", 32)},
	} {
		require.NoError(t, r.Validate(), "%+v", r)
	}
	requireInvalid(t, GuildMembersRequest{}, "guild_id")
	requireInvalid(t, GuildMembersRequest{GuildID: 1, Query: "a"}, "limit")
	requireInvalid(t, GuildMembersRequest{GuildID: 1, Query: "a", Limit: 101}, "limit")
	requireInvalid(t, GuildMembersRequest{GuildID: 1, UserIDs: ids(1), Query: "a", Limit: 1}, "query")
	requireInvalid(t, GuildMembersRequest{GuildID: 1, UserIDs: ids(0)}, "user_ids")
	requireInvalid(t, GuildMembersRequest{GuildID: 1, UserIDs: ids(101)}, "user_ids")
	requireInvalid(t, GuildMembersRequest{GuildID: 1, UserIDs: []snowflake.ID{1, 0}}, "user_ids[1]")
	requireInvalid(t, GuildMembersRequest{GuildID: 1, Nonce: strings.Repeat("ü", 17)}, "nonce")
	requireInvalid(t, GuildMembersRequest{GuildID: 1, Nonce: "\xff"}, "nonce")
}

func TestNeedsIntents(t *testing.T) {
	for _, c := range []struct {
		request            GuildMembersRequest
		members, presences bool
	}{
		{GuildMembersRequest{}, true, false},
		{GuildMembersRequest{Presences: true}, true, true},
		{GuildMembersRequest{Query: "a"}, false, false},
		{GuildMembersRequest{UserIDs: ids(1), Presences: true}, false, true},
	} {
		members, presences := c.request.NeedsIntents()
		require.Equal(t, c.members, members, "%+v", c.request)
		require.Equal(t, c.presences, presences, "%+v", c.request)
	}
}

func TestValidateGuildCommands(t *testing.T) {
	require.NoError(t, SoundboardSoundsRequest{GuildIDs: ids(1)}.Validate())
	requireInvalid(t, SoundboardSoundsRequest{}, "guild_ids")
	requireInvalid(t, SoundboardSoundsRequest{GuildIDs: []snowflake.ID{0}}, "guild_ids[0]")

	require.NoError(t, ChannelInfoRequest{GuildID: 1, Fields: []ChannelField{ChannelStatus}}.Validate())
	requireInvalid(t, ChannelInfoRequest{Fields: []ChannelField{ChannelStatus}}, "guild_id")
	requireInvalid(t, ChannelInfoRequest{GuildID: 1}, "fields")
	requireInvalid(t, ChannelInfoRequest{GuildID: 1, Fields: []ChannelField{ChannelStatus, "topic"}}, "fields[1]")

	require.NoError(t, VoiceState{GuildID: 1}.Validate(), "no channel leaves")
	requireInvalid(t, VoiceState{ChannelID: 1}, "guild_id")
}

func TestValidatePresence(t *testing.T) {
	for _, status := range []Status{"", StatusOnline, StatusDoNotDisturb, StatusIdle, StatusInvisible, StatusOffline} {
		require.NoError(t, Presence{Status: status}.Validate())
	}
	requireInvalid(t, Presence{Status: "away"}, "status")
	requireInvalid(t, Presence{Since: -1}, "since")
}

func TestValidateActivities(t *testing.T) {
	for _, a := range []Activity{
		{Name: "a"},
		{Name: "a", Type: Competing, State: "final"},
		{Name: "a", Type: Streaming, URL: "https://twitch.tv/x"},
		{Name: "a", Type: Streaming, URL: "https://www.youtube.com/watch?v=x"},
		{Name: "a", Type: Custom, State: "s"},
		{Name: "a", Type: Custom, Emoji: &Emoji{Name: "x"}},
	} {
		require.NoError(t, Presence{Activities: []Activity{a}}.Validate(), "%+v", a)
	}
	for field, faulty := range map[string][]Activity{
		"name": {{Type: Custom, State: "s"}},
		"type": {{Name: "a", Type: 6}},
		"url": {
			{Name: "a", Type: Streaming},
			{Name: "a", Type: Streaming, URL: "http://twitch.tv/x"},
			{Name: "a", Type: Streaming, URL: "https://twitch.tv"},
			{Name: "a", Type: Streaming, URL: "https://twitch.tv.example/x"},
			{Name: "a", Type: Listening, URL: "https://twitch.tv/x"},
		},
		"state":      {{Name: "a", Type: Custom}},
		"emoji":      {{Name: "a", Emoji: &Emoji{Name: "x"}}},
		"emoji.name": {{Name: "a", Type: Custom, Emoji: &Emoji{ID: 1}}},
	} {
		for _, a := range faulty {
			requireInvalid(t, Presence{Activities: []Activity{{Name: "fine"}, a}}, "activities[1]."+field)
		}
	}
}
