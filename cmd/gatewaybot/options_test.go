package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/intent"
)

func TestHelp(t *testing.T) {
	for _, flag := range []string{"-help", "--help", "-h"} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, exitOK, run(t.Context(), []string{flag}, environment(nil), &stdout, &stderr))
		require.Contains(t, stdout.String(), "Examples:")
		require.Empty(t, stderr.String())
	}
	for l := range strings.Lines(usage) {
		require.LessOrEqual(t, len(l), 81, l)
	}
}

func TestWrongFlags(t *testing.T) {
	for _, c := range []struct{ args, token, want string }{
		{"-nonsense", "", "flag provided but not defined: -nonsense"},
		{"15s", "", `unexpected argument "15s"`},
		{"-for -1s", "", "-for is negative"},
		{"-for never", "", `invalid value "never" for flag -for`},
		{"-cut -1s", "", "-cut is negative"},
		{"-cut 20s", "", "-cut is not before the end"},
		{"-shards 0", "", "-shards is not between 1 and 1024"},
		{"-shards 2000", "", "-shards is not between 1 and 1024"},
		{"-shards all", "", "-shards is not between 1 and 1024, nor auto"},
		{"-max-concurrency 2000", "", "-max-concurrency is above 1024"},
		{"-max-concurrency 2", "any", "-max-concurrency is for -url and the local Discord"},
		{"-store sessions.json", "", "-store needs a token"},
		{"-takeover", "any", "-takeover waits"},
		{"-store a.b/c.d.json", "any", "-store: the name of the file"},
		{"-store a/", "any", "-store: the name of the file"},
		{"-traffic -1", "", "-traffic is not between"},
		{"-traffic NaN", "", "-traffic is not between"},
		{"-encoding xml", "", "-encoding is json or etf"},
		{"-compress gzip", "", "-compress is none"},
		{"-compress payload -encoding etf", "", "-compress payload needs -encoding json"},
		{"-intents guild_nonsense", "", "-intents: intent: unknown name"},
		{"-events MESSAGE_CRATE", "", `no event is called "MESSAGE_CRATE"`},
		{"-log-level loud", "", "-log-level"},
		{"-url ws://127.0.0.1:1", "", "-url needs a token"},
		{"-url http://127.0.0.1:1", "any", "-url: gateway: url scheme"},
		{"-url ws://127.0.0.1:1/?v=3", "any", "-url: gateway: unsupported api version"},
		{"-url ws://%zz", "any", "-url: parse"},
		{"-seed 4", "any", "-traffic and -seed are for the local Discord"},
	} {
		t.Run(c.args, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			env := environment(map[string]string{"DISCORD_TOKEN": c.token})
			require.Equal(t, exitUsage, run(t.Context(), strings.Fields(c.args), env, &stdout, &stderr))
			require.Contains(t, stderr.String(), c.want)
			require.Equal(t, 1, strings.Count(stderr.String(), "\n"), "one line")
			require.Empty(t, stdout.String())
		})
	}
}

func TestDefaults(t *testing.T) {
	for _, c := range []struct {
		args, token string
		length, cut time.Duration
		intents     intent.Type
	}{
		{"", "", 15 * time.Second, 7500 * time.Millisecond, intent.All},
		{"-for 4s", "", 4 * time.Second, 2 * time.Second, intent.All},
		{"-for 0", "", 0, 0, intent.All},
		{"-for 0 -cut 1m", "", 0, time.Minute, intent.All},
		{"-soak", "", 0, 0, intent.All},
		{"-soak -for 1h", "", time.Hour, 0, intent.All},
		{"", "any", 0, 0, intent.Unprivileged},
		{"-for 15s", "any", 15 * time.Second, 0, intent.Unprivileged},
		{"-intents guilds,512", "any", 0, 0, intent.Guilds | intent.GuildMessages},
		{"-intents none", "", 15 * time.Second, 7500 * time.Millisecond, 0},
		{"-events TYPING_START", "any", 0, 0, intent.GuildMessageTyping | intent.DirectMessageTyping},
		{"-events GUILD_CREATE -intents message_content", "any", 0, 0, intent.Guilds | intent.MessageContent},
	} {
		o, err := parseOptions(strings.Fields(c.args), environment(map[string]string{"DISCORD_TOKEN": c.token}))
		require.NoError(t, err, c.args)
		require.Equal(t, c.length, o.length, "%s: length", c.args)
		require.Equal(t, c.cut, o.cut, "%s: cut", c.args)
		require.Equal(t, c.intents, o.intents, "%s: intents", c.args)
		require.Equal(t, slog.LevelInfo, o.level)
		require.EqualValues(t, 1, o.shards)
	}
}

func TestURLIsCompleted(t *testing.T) {
	for in, want := range map[string]string{
		"ws://127.0.0.1:4000":              "ws://127.0.0.1:4000/?encoding=json&v=10",
		"wss://gateway.discord.gg/?v=9":    "wss://gateway.discord.gg/?encoding=json&v=9",
		"wss://example.com/x?encoding=etf": "wss://example.com/x?encoding=etf&v=10",
	} {
		got, err := completeURL(in)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestEventsAddUp(t *testing.T) {
	o, err := parseOptions([]string{"-events", "READY, resumed", "-events", "TYPING_START"}, environment(nil))
	require.NoError(t, err)
	require.Equal(t, event.NewSet(event.Ready, event.Resumed, event.TypingStart), o.events)
}

func TestShort(t *testing.T) {
	require.Equal(t, "all", short(intent.All))
	require.Equal(t, "unprivileged", short(intent.Unprivileged))
	require.Equal(t, "GUILDS", short(intent.Guilds))
}
