package command

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What clients in the field send differs from the documented form.
func TestForeignGuildMembers(t *testing.T) {
	for text, want := range map[string]GuildMembersRequest{
		`{"guild_id":1,"query":"","limit":0,"presences":false,"nonce":null}`:          {GuildID: 1},
		`{"guild_id":["1"],"query":"","limit":0}`:                                     {GuildID: 1},
		`{"guild_id":[],"query":"","limit":0}`:                                        {},
		`{"guild_id":"1","user_ids":"2"}`:                                             {GuildID: 1, UserIDs: ids(2)[1:]},
		`{"guild_id":"1","user_ids":2,"limit":100}`:                                   {GuildID: 1, UserIDs: ids(2)[1:], Limit: 100},
		`{"guild_id":"1","user_ids":["1",2],"query":""}`:                              {GuildID: 1, UserIDs: ids(2)},
		`{"guild_id":"1","user_ids":[]}`:                                              {GuildID: 1, UserIDs: ids(0)},
		`{"guild_id":"1","user_ids":null,"query":"x","limit":3,"unknown":[{}],"x":1}`: {GuildID: 1, Query: "x", Limit: 3},
	} {
		var got GuildMembersRequest
		require.NoError(t, json.Unmarshal([]byte(text), &got), text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{
		`{"guild_id":"1"}`, `{"guild_id":"1","user_ids":null,"query":null}`, `[]`, `{"guild_id":"x","query":""}`, `{"guild_id":["1","2"],"query":""}`,
		`{"guild_id":"1","query":7}`, `{"guild_id":"1","query":"","limit":-1}`, `{"user_ids":["a"]}`, `{"user_ids":{}}`,
		`{"user_ids":[[1]]}`,
	} {
		got := GuildMembersRequest{GuildID: 9}
		require.Error(t, json.Unmarshal([]byte(text), &got), text)
		require.Equal(t, GuildMembersRequest{GuildID: 9}, got, "an error changes nothing")
	}
}

func TestForeignPresence(t *testing.T) {
	for text, want := range map[string]Presence{
		`{"since":null,"activities":null,"status":"dnd","afk":false}`: {Status: StatusDoNotDisturb},
		`{"since":1.7e12,"activities":[],"status":"idle"}`:            {Since: 1_700_000_000_000, Activities: []Activity{}, Status: StatusIdle},
		`{"since":91879201.75}`:                                       {Since: 91879201},
		`{"activities":[{"name":"n","type":0,"url":null,"state":null,"emoji":null,"created_at":5,"buttons":[]}]}`: {
			Activities: []Activity{{Name: "n"}},
		},
		`{}`: {},
	} {
		var got Presence
		require.NoError(t, json.Unmarshal([]byte(text), &got), text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{`{"since":"now"}`, `{"since":1e300}`, `{"since":-1e16}`, `{"activities":[{"type":-1}]}`, `{"status":1}`} {
		require.Error(t, json.Unmarshal([]byte(text), new(Presence)), text)
	}
}

func TestUnixMilli(t *testing.T) {
	at := time.Date(2026, 11, 21, 8, 0, 0, 123_456_789, time.UTC)
	m := UnixMilliOf(at)
	require.Equal(t, at.Truncate(time.Millisecond), m.Time())
	require.Zero(t, UnixMilliOf(time.Time{}))
	require.True(t, UnixMilli(0).Time().IsZero())
	for _, text := range []string{"NaN", "Inf", "", `"1"`} {
		require.Error(t, m.UnmarshalJSON([]byte(text)), text)
	}
}

// FuzzUnmarshal reads every command: what is read and valid must survive being
// written and read again.
func FuzzUnmarshal(f *testing.F) {
	for _, seed := range []string{
		`{"guild_id":"1","query":"a","limit":1,"presences":true,"nonce":"n"}`,
		`{"guild_id":1,"user_ids":2}`,
		`{"guild_id":"1","user_ids":["1","2"]}`,
		`{"guild_ids":["613425648685547541","81384788765712384"]}`,
		`{"guild_id":"613425648685547541","fields":["status","voice_start_time"]}`,
		`{"guild_id":"1","channel_id":null,"self_mute":true,"self_deaf":false}`,
		`{"since":91879201.5,"activities":[{"name":"a","type":4,"state":"s","emoji":{"name":"e","id":"1"}}],"status":"idle","afk":true}`,
		`{"since":null,"activities":null}`,
		`null`, `[]`, `{`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		requireStable(t, data, new(GuildMembersRequest), new(GuildMembersRequest))
		requireStable(t, data, new(SoundboardSoundsRequest), new(SoundboardSoundsRequest))
		requireStable(t, data, new(ChannelInfoRequest), new(ChannelInfoRequest))
		requireStable(t, data, new(VoiceState), new(VoiceState))
		requireStable(t, data, new(Presence), new(Presence))
	})
}

func requireStable(t *testing.T, data []byte, first, second Command) {
	t.Helper()
	if json.Unmarshal(data, first) != nil || first.Validate() != nil {
		return
	}
	written, err := Marshal(first)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(written, second), string(written))
	again, err := Marshal(second)
	require.NoError(t, err)
	require.Equal(t, string(written), string(again))
}
