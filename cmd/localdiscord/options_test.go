package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHelp(t *testing.T) {
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), []string{"--help"}, &stdout, &stderr))
	require.Contains(t, stdout.String(), "Examples:")
	require.Empty(t, stderr.String())
	for l := range strings.Lines(usage) {
		require.LessOrEqual(t, len(l), 81, l)
	}
}

func TestWrongFlags(t *testing.T) {
	for args, want := range map[string]string{
		"-nonsense":           "flag provided but not defined: -nonsense",
		"4000":                `unexpected argument "4000"`,
		"-guilds -1":          "-guilds is not between",
		"-guilds 2000000":     "-guilds is not between",
		"-shards 0":           "-shards is below 1",
		"-max-concurrency 0":  "-max-concurrency is below 1",
		"-heartbeat 0":        "-heartbeat is below 1ms",
		"-traffic -1":         "-traffic is not between",
		"-traffic NaN":        "-traffic is not between",
		"-token a,,b":         "empty token",
		"-log-level whatever": "-log-level",
	} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, exitUsage, run(t.Context(), strings.Fields(args), &stdout, &stderr), args)
		require.Contains(t, stderr.String(), want)
		require.Equal(t, 1, strings.Count(stderr.String(), "\n"), "one line")
	}
}

func TestOptions(t *testing.T) {
	o, err := parseOptions([]string{"-token", "a", "-token", "b, c", "-tls"})
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "c"}, o.tokens)
	require.Equal(t, "127.0.0.1:0", o.addr)
	require.Len(t, o.server(slog.New(slog.DiscardHandler)), 9)
}
