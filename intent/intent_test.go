package intent

import (
	"encoding/json"
	"flag"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/internal/golden"
	"github.com/stretchr/testify/require"
)

var _ flag.Value = new(Type)

// camel turns GUILD_MEMBERS into GuildMembers.
func camel(name string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(name, "_") {
		b.WriteString(word[:1] + strings.ToLower(word[1:]))
	}
	return b.String()
}

func typesOf(names string) []event.Type {
	if names == "-" {
		return nil
	}
	var list []event.Type
	for name := range strings.FieldsSeq(names) {
		list = append(list, event.Type(name))
	}
	return list
}

func TestTable(t *testing.T) {
	constants := golden.Constants(t, "Type")
	for _, set := range []string{"All", "Privileged", "Unprivileged"} {
		require.Contains(t, constants, set)
		delete(constants, set)
	}
	facts := golden.Rows(t, "intents.txt")
	require.Len(t, rows, len(facts))
	var all, privileged Type
	for i, fact := range facts {
		name := camel(fact[0])
		bit, err := strconv.Atoi(fact[1])
		require.NoError(t, err)
		intent := Type(1) << bit
		require.Contains(t, constants, name)
		require.Equal(t, strconv.FormatUint(uint64(intent), 10), constants[name].ExactString())
		delete(constants, name)

		all |= intent
		if fact[2] == "privileged" {
			privileged |= intent
		}
		require.Equal(t, fact[0], intent.String())
		require.Equal(t, intent, rows[i].intent)
		guild, direct := GuildEvents(intent), DirectMessageEvents(intent)
		switch fact[3] {
		case "guild":
			require.ElementsMatch(t, typesOf(fact[4]), guild, name)
			require.Empty(t, direct, name)
		case "direct":
			require.ElementsMatch(t, typesOf(fact[4]), direct, name)
			require.Empty(t, guild, name)
		default:
			require.Equal(t, "-", fact[4])
			require.Empty(t, append(guild, direct...), name)
		}
		require.ElementsMatch(t, typesOf(fact[4]), Events(intent), name)
	}
	require.Empty(t, constants, "constants without a documented intent")
	require.Equal(t, all, All)
	require.Equal(t, privileged, Privileged)
	require.Equal(t, all&^privileged, Unprivileged)
}

func TestEveryEventOfTheTableIsDocumented(t *testing.T) {
	for _, row := range rows {
		for _, e := range row.events {
			require.True(t, e.Known(), e)
		}
	}
}

func TestValid(t *testing.T) {
	require.True(t, Type(0).Valid())
	require.True(t, All.Valid())
	for bit := range 64 {
		intent := Type(1) << bit
		require.Equal(t, All&intent != 0, intent.Valid(), bit)
	}
	require.False(t, (All | 1<<63).Valid())
	require.True(t, All.Has(Guilds|GuildMembers))
	require.False(t, Guilds.Has(Guilds|GuildMembers))
	require.True(t, Guilds.Has(0))
}

func TestJSON(t *testing.T) {
	b, err := json.Marshal(struct{ Intents Type }{Guilds | GuildModeration})
	require.NoError(t, err)
	require.JSONEq(t, `{"Intents":5}`, string(b))
	var back struct{ Intents Type }
	require.NoError(t, json.Unmarshal(b, &back))
	require.Equal(t, Guilds|GuildModeration, back.Intents)
}

func TestString(t *testing.T) {
	require.Equal(t, "NONE", Type(0).String())
	require.Equal(t, "GUILDS|GUILD_MESSAGES|MESSAGE_CONTENT", (MessageContent | GuildMessages | Guilds).String())
	require.Equal(t, "GUILDS|17179869184", (Guilds | 1<<34).String())
	require.Equal(t, "131072", Type(1<<17).String())
}

func TestParse(t *testing.T) {
	for s, want := range map[string]Type{
		"":                              0,
		"none":                          0,
		" , |":                          0,
		"0":                             0,
		"guilds,guild_messages,32768":   Guilds | GuildMessages | MessageContent,
		"GuildMessages|DIRECT_MESSAGES": GuildMessages | DirectMessages,
		"all":                           All,
		"Privileged":                    Privileged,
		"UNPRIVILEGED 2":                Unprivileged | GuildMembers,
		"0x201":                         Guilds | GuildMessages,
		"0X8000":                        MessageContent,
		"18446744073709551615":          1<<64 - 1,
	} {
		got, err := Parse(s)
		require.NoError(t, err, s)
		require.Equal(t, want, got, s)
	}
	for s, message := range map[string]string{
		"guild":                       `intent: unknown name "guild"`,
		"guilds;guild_members":        `intent: unknown name "guilds;guild_members"`,
		"-1":                          `intent: unknown name "-1"`,
		"1x":                          `intent: "1x" is not a number of at most 64 bits`,
		"0x":                          `intent: "0x" is not a number of at most 64 bits`,
		"guilds,18446744073709551616": `intent: "18446744073709551616" is not a number of at most 64 bits`,
	} {
		got, err := Parse(s)
		require.EqualError(t, err, message)
		require.Zero(t, got)
	}
}

func TestFlag(t *testing.T) {
	flags := flag.NewFlagSet("bot", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	intents := Guilds
	flags.Var(&intents, "intents", "what to listen to")
	require.NoError(t, flags.Parse([]string{"-intents", "guild_messages"}))
	require.Equal(t, GuildMessages, intents, "a flag replaces the default")
	require.Error(t, flags.Parse([]string{"-intents", "nonsense"}))
	require.Equal(t, GuildMessages, intents, "an error changes nothing")
}

func FuzzParse(f *testing.F) {
	for _, row := range rows {
		f.Add(row.name)
	}
	for _, s := range []string{"", "all|1", "0xffffffffffffffff", "guilds,,GuildMembers", "\x00", "0x", "é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		intents, err := Parse(s)
		if err != nil {
			require.Zero(t, intents)
			return
		}
		again, err := Parse(intents.String())
		require.NoError(t, err)
		require.Equal(t, intents, again)
	})
}
