package discord

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOpt(t *testing.T) {
	type holder struct {
		A Opt[int]  `json:"a,omitzero"`
		B Opt[bool] `json:"b"`
	}
	for text, want := range map[string]holder{
		`{"b":null}`:           {B: Null[bool]()},
		`{"a":null,"b":false}`: {A: Null[int](), B: Of(false)},
		`{"a":0,"b":true}`:     {A: Of(0), B: Of(true)},
	} {
		var h holder
		require.NoError(t, json.Unmarshal([]byte(text), &h))
		require.Equal(t, want, h)
		out, err := json.Marshal(h)
		require.NoError(t, err)
		require.Equal(t, text, string(out))
	}
	var h holder
	require.True(t, h.A.IsZero())
	require.Equal(t, 7, h.A.Or(7))
	require.Equal(t, 0, Of(0).Or(7))
	require.True(t, Null[int]().IsNull())
	require.True(t, Of(0).IsSet())
	require.Error(t, json.Unmarshal([]byte(`{"a":"x"}`), &h))
}

func TestListsAreNeverNull(t *testing.T) {
	out, err := json.Marshal(GuildEmojisUpdate{})
	require.NoError(t, err)
	require.Equal(t, `{"guild_id":null,"emojis":[]}`, string(out))
	out, err = json.Marshal(ActionRow{Type: ComponentTypeActionRow})
	require.NoError(t, err)
	require.Equal(t, `{"type":1,"components":[]}`, string(out))
}

func TestMark(t *testing.T) {
	var tags RoleTags
	require.NoError(t, Strict([]byte(`{"premium_subscriber":null}`), &tags))
	require.Equal(t, RoleTags{PremiumSubscriber: true}, tags)
	out, err := json.Marshal(tags)
	require.NoError(t, err)
	require.Equal(t, `{"premium_subscriber":null}`, string(out))
}

func TestJSON(t *testing.T) {
	for text, want := range map[string]any{
		`"a\u00e9"`: "aé", `12`: int64(12), `9007199254740993`: int64(9007199254740993), `0.5`: 0.5, `1e3`: 1000.0,
		`true`: true, `false`: false, `null`: nil, ``: nil, `[1]`: JSON(`[1]`), `{}`: JSON(`{}`), `?`: JSON(`?`), `"`: JSON(`"`), `tru`: JSON(`tru`),
	} {
		require.Equal(t, want, JSON(text).Any(), text)
	}
	require.Equal(t, "a", JSON(`"a"`).String())
	require.Equal(t, "5", JSON(`5`).String())
	out, err := json.Marshal([]JSON{"", `{"a": 1}`})
	require.NoError(t, err)
	require.Equal(t, `[null,{"a":1}]`, string(out))
}

func TestTimestamp(t *testing.T) {
	at, err := Timestamp("2024-05-01T10:20:30.123000+00:00").Time()
	require.NoError(t, err)
	require.Equal(t, time.Date(2024, 5, 1, 10, 20, 30, 123e6, time.UTC), at.UTC())
	require.Equal(t, Timestamp("2024-05-01T10:20:30.123000+00:00"), TimestampOf(at.UTC()))
	zero, err := Timestamp("").Time()
	require.NoError(t, err)
	require.True(t, zero.IsZero())
	require.Empty(t, TimestampOf(zero))
	_, err = Timestamp("yesterday").Time()
	require.Error(t, err)
	out, err := json.Marshal([]Timestamp{"", "x"})
	require.NoError(t, err)
	require.Equal(t, `[null,"x"]`, string(out))
}

func TestNumbersAsText(t *testing.T) {
	var v struct {
		P Permissions
		B Bits[ApplicationFlags]
		O OwnerID
	}
	require.NoError(t, json.Unmarshal([]byte(`{"P":"2147483656","B":"64","O":"0"}`), &v))
	require.Equal(t, PermissionAdministrator|1<<31, v.P)
	require.Equal(t, ApplicationFlagApplicationAutoModerationRuleCreateBadge, v.B.Set())
	out, err := json.Marshal(v)
	require.NoError(t, err)
	require.Equal(t, `{"P":"2147483656","B":"64","O":"0"}`, string(out))
	require.NoError(t, json.Unmarshal([]byte(`{"P":null,"B":5}`), &v))
	require.Equal(t, PermissionAdministrator|1<<31, v.P)
	for _, text := range []string{`{"P":"x"}`, `{"P":-1}`, `{"B":1.5}`, `{"O":""}`, `{"O":{}}`} {
		var misfit *TypeError
		require.ErrorAs(t, json.Unmarshal([]byte(text), &v), &misfit, text)
	}
}

func TestNames(t *testing.T) {
	require.Equal(t, "GUILD_VOICE", ChannelTypeGuildVoice.String())
	require.Equal(t, "ChannelType(99)", ChannelType(99).String())
	require.Equal(t, "ChannelType(-1)", ChannelType(-1).String())
	require.Equal(t, "de", LocaleDe.String())
	require.Equal(t, "IS_CROSSPOST|1<<40", (MessageFlagIsCrosspost | 1<<40).String())
	require.Equal(t, "0", MessageFlags(0).String())
	require.True(t, Permissions(12).Has(PermissionAdministrator))
	require.False(t, MessageFlags(0).Has(MessageFlagUrgent))
}

func TestParts(t *testing.T) {
	var e MessageCreate
	require.NoError(t, Strict([]byte(`{"components":[{"components":[{"custom_id":"a","type":2}],"type":1},{"type":99,"x":[1, 2]},null,{"x":1}]}`), &e))
	require.Len(t, e.Components, 4)
	row, ok := e.Components[0].(*ActionRow)
	require.True(t, ok)
	require.Equal(t, &Button{Type: ComponentTypeButton, CustomID: "a"}, row.Components[0])
	require.Equal(t, &Unknown{JSON: `{"type":99,"x":[1, 2]}`}, e.Components[1])
	require.Nil(t, e.Components[2])
	require.IsType(t, &Unknown{}, e.Components[3])
	out, err := json.Marshal(e.Components)
	require.NoError(t, err)
	require.JSONEq(t, `[{"type":1,"components":[{"type":2,"style":0,"custom_id":"a"}]},{"type":99,"x":[1,2]},null,{"x":1}]`, string(out))
	var again Components
	require.NoError(t, json.Unmarshal(out, &again))
	require.Equal(t, e.Components[0], again[0])
	require.Error(t, json.Unmarshal([]byte(`{}`), &again))
}

func TestInteractionData(t *testing.T) {
	for text, want := range map[string]InteractionData{
		`{"data":{"id":"1","name":"a"},"type":2}`:                &ApplicationCommandData{ID: 1, Name: "a"},
		`{"type":4,"data":{"id":"1","name":"a"}}`:                &ApplicationCommandData{ID: 1, Name: "a"},
		`{"data":{"component_type":2,"custom_id":"a"},"type":3}`: &MessageComponentData{CustomID: "a", ComponentType: 2},
		`{"data":{"custom_id":"a","components":[]},"type":5}`:    &ModalSubmitData{CustomID: "a", Components: ComponentInteractionResponses{}},
		`{"data":{"a":1},"type":77}`:                             &Unknown{JSON: `{"a":1}`},
		`{"data":{"a":1}}`:                                       &Unknown{JSON: `{"a":1}`},
		`{"data":null,"type":2}`:                                 nil,
	} {
		var e InteractionCreate
		require.NoError(t, Strict([]byte(text), &e), text)
		require.Equal(t, want, e.Data.Value, text)
	}
	var e InteractionCreate
	require.Error(t, Strict([]byte(`{"data":{"a":1},"type"`), &e))
	require.Error(t, Strict([]byte(`{"data":[],"type":2}`), &e))
}
