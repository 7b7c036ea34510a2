package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"testing"

	"github.com/discordpkg/gateway/internal/golden"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/stretchr/testify/require"
)

// commands is one of each struct.
var commands = []Command{
	Presence{}, VoiceState{}, GuildMembersRequest{}, SoundboardSoundsRequest{}, ChannelInfoRequest{},
	&Presence{}, &VoiceState{}, &GuildMembersRequest{}, &SoundboardSoundsRequest{}, &ChannelInfoRequest{},
}

func TestTable(t *testing.T) {
	structs := make(map[string]Type)
	for _, c := range commands {
		structs[reflect.Indirect(reflect.ValueOf(c)).Type().Name()] = c.Command()
	}
	constants := golden.Constants(t, "Type")
	var all []Type
	for _, row := range golden.Rows(t, "commands.txt") {
		require.Contains(t, constants, row[1])
		require.Equal(t, row[0], constants[row[1]].ExactString(), row[1])
		delete(constants, row[1])

		n, err := strconv.ParseUint(row[0], 10, 0)
		require.NoError(t, err)
		cmd := Type(n)
		all = append(all, cmd)
		require.Equal(t, row[2], cmd.String())
		require.True(t, opcode.Type(cmd).Sendable(), "%v is the opcode of the same number", cmd)
		if row[3] != "-" {
			require.Contains(t, structs, row[3])
			require.Equal(t, cmd, structs[row[3]])
			delete(structs, row[3])
		}
	}
	require.Empty(t, constants, "constants without a documented command")
	require.Empty(t, structs, "structs without a documented command")
	require.Equal(t, all, All())
	require.Equal(t, "command 99", Type(99).String())
	for _, op := range opcode.All() {
		if op.Sendable() {
			require.Contains(t, all, Type(op))
		}
	}
}

// TestExamples marshals the examples that Discord documents, and reads them back.
func TestExamples(t *testing.T) {
	for _, example := range []struct {
		command Command
		json    string
	}{
		{GuildMembersRequest{GuildID: 41771983444115456}, `{"guild_id":"41771983444115456","query":"","limit":0}`},
		{
			GuildMembersRequest{GuildID: 1, Query: "ab", Limit: 5, Presences: true, Nonce: "n"},
			`{"guild_id":"1","query":"ab","limit":5,"presences":true,"nonce":"n"}`,
		},
		{GuildMembersRequest{GuildID: 1, UserIDs: []snowflake.ID{2, 3}}, `{"guild_id":"1","user_ids":["2","3"]}`},
		{
			SoundboardSoundsRequest{GuildIDs: []snowflake.ID{613425648685547541, 81384788765712384}},
			`{"guild_ids":["613425648685547541","81384788765712384"]}`,
		},
		{
			ChannelInfoRequest{GuildID: 613425648685547541, Fields: []ChannelField{ChannelStatus, ChannelVoiceStartTime}},
			`{"guild_id":"613425648685547541","fields":["status","voice_start_time"]}`,
		},
		{
			VoiceState{GuildID: 41771983423143937, ChannelID: 127121515262115840},
			`{"guild_id":"41771983423143937","channel_id":"127121515262115840","self_mute":false,"self_deaf":false}`,
		},
		{
			VoiceState{GuildID: 41771983423143937, SelfMute: true, SelfDeaf: true},
			`{"guild_id":"41771983423143937","channel_id":null,"self_mute":true,"self_deaf":true}`,
		},
		{
			Presence{Since: 91879201, Status: StatusOnline, Activities: []Activity{{Name: "Save the Oxford Comma"}}},
			`{"since":91879201,"activities":[{"name":"Save the Oxford Comma","type":0}],"status":"online","afk":false}`,
		},
		{
			Presence{Status: StatusIdle, AFK: true, Activities: []Activity{
				{Name: "live", Type: Streaming, URL: "https://twitch.tv/discord"},
				{Name: "x", Type: Custom, State: "cool", Emoji: &Emoji{Name: "smile", ID: 7, Animated: true}},
				{Name: "x", Type: Custom, Emoji: &Emoji{Name: "🔥"}},
			}},
			`{"since":null,"activities":[{"name":"live","type":1,"url":"https://twitch.tv/discord"},
			{"name":"x","type":4,"state":"cool","emoji":{"name":"smile","id":"7","animated":true}},
			{"name":"x","type":4,"emoji":{"name":"🔥"}}],"status":"idle","afk":true}`,
		},
	} {
		data, err := Marshal(example.command)
		require.NoError(t, err)
		require.JSONEq(t, example.json, string(data))
		back := reflect.New(reflect.TypeOf(example.command))
		require.NoError(t, json.Unmarshal(data, back.Interface()))
		require.Equal(t, example.command, back.Elem().Interface())
	}
}

func TestZeroPresence(t *testing.T) {
	for _, p := range []Command{Presence{}, &Presence{}} {
		data, err := Marshal(p)
		require.NoError(t, err)
		require.JSONEq(t, `{"since":null,"activities":[],"status":"online","afk":false}`, string(data))
	}
}

// broken cannot be marshalled.
type broken struct{ VoiceState }

func (broken) Validate() error              { return nil }
func (broken) MarshalJSON() ([]byte, error) { return nil, errBroken }

var errBroken = errors.New("broken")

func TestMarshalErrors(t *testing.T) {
	data, err := Marshal(VoiceState{})
	require.EqualError(t, err, "command: Update Voice State: guild_id is missing")
	require.Nil(t, data)
	var invalid *InvalidError
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, UpdateVoiceState, invalid.Command)
	require.Equal(t, "guild_id", invalid.Field)

	data, err = Marshal(broken{})
	require.ErrorIs(t, err, errBroken)
	require.Nil(t, data)
}

// requireInvalid checks that c is refused because of field.
func requireInvalid(t *testing.T, c Command, field string) {
	t.Helper()
	var invalid *InvalidError
	require.ErrorAs(t, c.Validate(), &invalid, fmt.Sprintf("%+v", c))
	require.Equal(t, field, invalid.Field)
	require.Equal(t, c.Command(), invalid.Command)
	require.NotEmpty(t, invalid.Reason)
}
