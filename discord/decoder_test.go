package discord

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/snowflake"
)

func TestMisfitNamesThePath(t *testing.T) {
	for data, want := range map[string]string{
		`{"embeds":[{},{},{"fields":[{"name":1}]}]}`: "discord: MessageCreate.embeds[2].fields[0].name: number, want string",
		`{"content":{}}`:                                 "discord: MessageCreate.content: object, want string",
		`{"author":{"id":"x"}}`:                          "discord: MessageCreate.author.id: string, want snowflake",
		` { "mention_roles" : [ "1" , true ] } `:         "discord: MessageCreate.mention_roles[1]: boolean, want snowflake",
		`{"type":"0","tts":1}`:                           "discord: MessageCreate.type: string, want integer",
		`{"type":2147483648}`:                            "discord: MessageCreate.type: number, want integer of 32 bits",
		`{"pinned":[]}`:                                  "discord: MessageCreate.pinned: list, want boolean",
		`{"components":[{"type":17,"components":[[]]}]}`: "discord: MessageCreate.components[0].components[0]: list, want object",
		`{"resolved":{"users":{"a":{}}}}`:                "discord: MessageCreate.resolved.users.a: object, want key that is a number",
		`{"call":{"participants":{}}}`:                   "discord: MessageCreate.call.participants: object, want list",
		`{"flags":-1}`:                                   "discord: MessageCreate.flags: number, want set of flags",
		`{"attachments":[{"duration_secs":"1"}]}`:        "discord: MessageCreate.attachments[0].duration_secs: string, want number",
		`[]`: "discord: MessageCreate: list, want object",
	} {
		var e MessageCreate
		var misfit *TypeError
		require.ErrorAs(t, Strict([]byte(data), &e), &misfit, data)
		require.EqualError(t, misfit, want)
		require.NoError(t, e.DecodeJSON([]byte(data)), data)
	}
}

func TestSyntaxNamesThePath(t *testing.T) {
	deep := strings.Repeat(`[`, MaxDepth) + strings.Repeat(`]`, MaxDepth)
	for data, want := range map[string]string{
		``:                                 "discord: MessageCreate: not JSON: it ends too early at byte 0",
		`{"embeds":[{},{"title":"a` + "\n": "discord: MessageCreate.embeds[1].title: not JSON at byte 25",
		`{"content":"\x"}`:                 "discord: MessageCreate.content: not JSON at byte 12",
		`{"content":"\ud83"}`:              "discord: MessageCreate.content: not JSON at byte 12",
		`{"tts":tru}`:                      "discord: MessageCreate.tts: not JSON at byte 7",
		`{"tts":true,}`:                    "discord: MessageCreate: not JSON at byte 12",
		`{"mention_roles":["1",]}`:         "discord: MessageCreate.mention_roles: not JSON at byte 22",
		`{"type":01}`:                      "discord: MessageCreate: not JSON at byte 9",
		`{"type":1.}`:                      "discord: MessageCreate.type: not JSON at byte 10",
		`{"type":-`:                        "discord: MessageCreate.type: not JSON: it ends too early at byte 9",
		`{"type":1}{`:                      "discord: MessageCreate: not JSON at byte 10",
		`{"x":` + deep + `}`:               "discord: MessageCreate.x" + strings.Repeat("[0]", MaxDepth-1) + ": objects and lists lie too deep at byte 132",
	} {
		var e MessageCreate
		err := e.DecodeJSON([]byte(data))
		var syntax *SyntaxError
		require.ErrorAs(t, err, &syntax, data)
		require.EqualError(t, err, want)
		require.Equal(t, err, Strict([]byte(data), new(MessageCreate)))
		require.Equal(t, err, DecodeInto(new(MessageCreate), []byte(data)))
	}
}

func TestDepthIsBounded(t *testing.T) {
	within := func(n int) []byte {
		return []byte(strings.Repeat(`{"referenced_message":`, n) + `{}` + strings.Repeat(`}`, n))
	}
	require.NoError(t, new(MessageCreate).DecodeJSON(within(MaxDepth-1)))
	require.ErrorIs(t, new(MessageCreate).DecodeJSON(within(MaxDepth)), ErrDepth)
	components := func(n int) []byte {
		return []byte(`{"components":` + strings.Repeat(`[{"type":17,"components":`, n) + `[]` + strings.Repeat(`}]`, n) + `}`)
	}
	require.NoError(t, new(MessageCreate).DecodeJSON(components(MaxDepth/2-1)))
	require.ErrorIs(t, new(MessageCreate).DecodeJSON(components(MaxDepth)), ErrDepth)
}

// A field that does not fit is as if it were not there, and the rest is read.
func TestLenient(t *testing.T) {
	var e GuildMemberUpdate
	require.NoError(t, e.DecodeJSON([]byte(`{"guild_id":{"x":[1]},"nick":5,"deaf":"yes","pending":true,"roles":["1",2,null,"x"],"user":[],"avatar":null}`)))
	require.Zero(t, e.GuildID)
	require.True(t, e.Nick.IsZero())
	require.True(t, e.Deaf.IsZero())
	require.Equal(t, Of(true), e.Pending)
	require.Equal(t, List[snowflake.ID]{1, 2, 0, 0}, e.Roles)
	require.Zero(t, e.User)
	require.Equal(t, Null[string](), e.Avatar)
}

func TestLastOfEqualKeysWins(t *testing.T) {
	var e GuildMemberUpdate
	require.NoError(t, Strict([]byte(`{"nick":"a","nick":null,"roles":["1","2"],"roles":["3"],"guild_id":"4","guild_\u0069d":"5"}`), &e))
	require.Equal(t, Null[string](), e.Nick)
	require.Equal(t, List[snowflake.ID]{3}, e.Roles)
	require.Equal(t, snowflake.ID(5), e.GuildID)
}

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		`"plain text of some length"`: "plain text of some length",
		`"\"\\\/\b\f\n\r\t\u00e9"`:    "\"\\/\b\f\n\r\té",
		`"😀\ud83d\ude00"`:             "😀😀",
		`"\ud83d"`:                    "\ufffd",
		`"\ude00\ud83d\u0041"`:        "\ufffd\ufffdA",
		"\"\xff\xc3\"":                "\ufffd\ufffd",
		"\"a\\n\xffb\"":               "a\n\ufffdb",
		`null`:                        "",
	} {
		for _, pad := range []string{"", "1234567", "12345678", "123456789012345"} {
			data := strings.Replace(text, `"`, `"`+pad, 1)
			if text != "null" {
				want := pad + want
				var e MessageCreate
				require.NoError(t, e.DecodeJSON([]byte(`{"content":`+data+`}`)))
				require.Equal(t, want, e.Content, data)
			}
		}
	}
}

func TestSnowflakes(t *testing.T) {
	for text, want := range map[string]uint64{
		`"1"`: 1, `1`: 1, `"18446744073709551615"`: 1<<64 - 1, `18446744073709551615`: 1<<64 - 1, `null`: 0,
		`"41771983444115456"`: 41771983444115456, `"1234567890123456789"`: 1234567890123456789, `"12345678901234567890"`: 12345678901234567890,
	} {
		var e MessageDelete
		require.NoError(t, Strict([]byte(`{"id":`+text+`,"channel_id":"999999999999999999"}`), &e), text)
		require.Equal(t, snowflake.ID(want), e.ID, text)
	}
	for _, text := range []string{`""`, `"0"`, `0`, `"01"`, `-1`, `"-1"`, `1.0`, `1e3`, `"18446744073709551616"`, `" 1"`, `"1234567890123456x89"`, `"123456789012345678901"`, `true`, `{}`} {
		var misfit *TypeError
		require.ErrorAs(t, Strict([]byte(`{"id":`+text+`}`), new(MessageDelete)), &misfit, text)
	}
}

func TestKeptEventsShareNoMemory(t *testing.T) {
	for _, s := range samples(t) {
		data := bytes.Clone(s.data)
		e, err := Decode(s.name, data)
		require.NoError(t, err)
		for i := range data {
			data[i] = '!'
		}
		again, err := Decode(s.name, s.data)
		require.NoError(t, err)
		require.Equal(t, again, e)
	}
}

func TestReusedEventsAlias(t *testing.T) {
	data := []byte(`{"content":"abc","mention_roles":["1"]}`)
	var e MessageCreate
	require.NoError(t, DecodeInto(&e, data))
	kept := e.Content
	roles := e.MentionRoles
	data[bytes.IndexByte(data, 'b')] = 'x'
	require.Equal(t, "axc", kept)
	require.NoError(t, DecodeInto(&e, []byte(`{"mention_roles":["2"]}`)))
	require.Equal(t, List[snowflake.ID]{2}, roles)
	require.Empty(t, e.Content)
}

func TestReuseCostsNoAllocation(t *testing.T) {
	for _, s := range samples(t) {
		if s.name == event.InteractionCreate || bytes.Contains(s.data, []byte(`"authorizing_integration_owners"`)) || bytes.Contains(s.data, []byte(`"resolved"`)) || bytes.Contains(s.data, []byte(`"integration_types_config"`)) {
			continue // maps are made anew
		}
		e := New(s.name)
		require.Zero(t, testing.AllocsPerRun(20, func() {
			if err := DecodeInto(e, s.data); err != nil {
				t.Error(err)
			}
		}), s)
	}
}

func TestAllocations(t *testing.T) {
	for data, most := range map[string]float64{
		`{"id":"1","channel_id":"2","guild_id":"3"}`:                                       1, // the copy
		`{"id":"1","content":"a\nb","author":{"id":"1","username":"\"a\""}}`:               2, // and text that was escaped
		`{"id":"1","member":{"roles":["1","2","3"],"nick":"x"},"mentions":[],"embeds":[]}`: 2, // and a list
	} {
		var e MessageCreate
		require.LessOrEqual(t, testing.AllocsPerRun(100, func() {
			if err := e.DecodeJSON([]byte(data)); err != nil {
				t.Error(err)
			}
		}), most+1, data) // this test's own copy of the data
	}
}

func TestUnknownEvent(t *testing.T) {
	e, err := Decode("NEW_EVENT", []byte(`{}`))
	require.ErrorIs(t, err, ErrUnknown)
	require.Nil(t, e)
}

func TestObjectsAlone(t *testing.T) {
	var u User
	require.NoError(t, Unmarshal([]byte(`{"id":"1","username":"a"}`), &u))
	require.Equal(t, User{ID: 1, Username: "a"}, u)
	require.EqualError(t, Unmarshal([]byte(`{"id"}`), &u), "discord: User: not JSON at byte 5")
	var e TypingStart
	require.NoError(t, Unmarshal([]byte(`{"user_id":"1"}`), &e))
	require.Equal(t, snowflake.ID(1), e.UserID)
}
