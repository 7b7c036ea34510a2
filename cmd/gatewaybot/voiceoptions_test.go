package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/snowflake"
)

func TestCallHelp(t *testing.T) {
	for _, args := range []string{"play -help", "play --help", "record -h"} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, exitOK, run(t.Context(), strings.Fields(args), environment(nil), &stdout, &stderr))
		require.Contains(t, stdout.String(), "Examples:")
		require.Empty(t, stderr.String())
	}
	for _, text := range []string{playUsage, recordUsage} {
		for l := range strings.Lines(text) {
			require.LessOrEqual(t, len(l), 81, l)
		}
	}
}

func TestWrongCallFlags(t *testing.T) {
	for _, c := range []struct{ args, token, want string }{
		{"play -nonsense", "", "flag provided but not defined: -nonsense"},
		{"play a b", "", `one file at a time: "b" is another one`},
		{"play -channel abc", "", "-channel: not an id"},
		{"play -guild 0", "", "-guild: not an id"},
		{"play -guild 1", "", "-guild and -channel need a bot's token"},
		{"play -for -1s", "", "-for is negative"},
		{"play -seek -1s", "", "-seek is negative"},
		{"play -loss 2", "", "-loss is not between 0 and 1"},
		{"play -loss NaN", "", "-loss is not between 0 and 1"},
		{"play - -loop", "", "-loop needs a file that can be read again"},
		{"play -url ws://127.0.0.1:1", "", "-url needs a token"},
		{"play -url http://127.0.0.1:1 a", "any", "-url: gateway: url scheme"},
		{"play", "any", "which file? - is standard input"},
		{"play a -loss 0.1", "any", "-loss is for the local Discord"},
		{"play a -record b", "any", "a bot does not hear itself"},
		{"play -dir x", "", "flag provided but not defined: -dir"},
		{"record a", "any", "a file to play is for the local Discord"},
		{"record -loop", "", "flag provided but not defined: -loop"},
		{"paly", "", "the commands are play and record"},
		{"-for 1s play", "", "the commands are play and record, and come before flags"},
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

func TestCallFlags(t *testing.T) {
	var o voiceOptions
	env := environment(map[string]string{"DISCORD_TOKEN": "Bot abc\n"})
	require.NoError(t, o.parse(strings.Fields("-loop song.opus -channel 12 -for 3s -url ws://127.0.0.1:4000"), env))
	require.Equal(t, "abc", o.token())
	require.Equal(t, "song.opus", o.file)
	require.Equal(t, snowflake.ID(12), o.channel)
	require.Equal(t, 3*time.Second, o.length)
	require.True(t, o.loop)
	require.Equal(t, "ws://127.0.0.1:4000/?encoding=json&v=10", o.url)
}
