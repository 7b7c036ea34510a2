package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/lvsp"
)

// nothing is an environment without variables.
func nothing(string) (string, bool) { return "", false }

func variables(v map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := v[name]
		return value, ok
	}
}

func TestHelp(t *testing.T) {
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), []string{"--help"}, nothing, &stdout, &stderr))
	require.Equal(t, usage, stdout.String())
	require.Empty(t, stderr.String())
	for l := range strings.Lines(usage) {
		require.LessOrEqual(t, len(l), 81, l)
	}
}

// Every flag is explained, and nothing else is.
func TestHelpIsComplete(t *testing.T) {
	fs := (&options{}).flags()
	for _, m := range regexp.MustCompile(`(?m)^  -([a-z0-9-]+)`).FindAllStringSubmatch(usage, -1) {
		require.NotNil(t, fs.Lookup(m[1]), m[1])
	}
	fs.VisitAll(func(f *flag.Flag) { require.Contains(t, usage, "\n  -"+f.Name+" ", f.Name) })
}

func TestWrongFlags(t *testing.T) {
	for args, want := range map[string]string{
		"":                                  "no backend",
		"-nonsense":                         "flag provided but not defined: -nonsense",
		"-secret-file s 4000":               `unexpected argument "4000"`,
		"-backend name":                     "not NAME=FILE",
		"-backend a=s,a=t":                  `backend "a" is there twice`,
		"-secret-file s -tls-cert c":        "need each other",
		"-secret-file s -without-tls -ca c": "no use for a certificate",
		"-secret-file s -tls-cert c -tls-key k -ca c": "-ca is for",
		"-secret-file s -require-e2ee -without-e2ee":  "contradict",
		"-secret-file s -udp-ports 0":                 "-udp-ports is not between",
		"-secret-file s -channel-size 0":              "at least 1",
		"-secret-file s -token-life 1s":               "-token-life is below",
		"-secret-file s -drain -1s":                   "-drain is negative",
		"-secret-file s -udp 50000":                   "-udp:",
		"-secret-file s -endpoint voice.example":      "-endpoint:",
		"-secret-file s -dialect klingon":             "not seed, wire-2022",
		"-secret-file s -log-format xml":              "neither text nor json",
		"-secret-file s -address nowhere":             "-address",
	} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, exitUsage, run(t.Context(), strings.Fields(args), nothing, &stdout, &stderr), args)
		require.Contains(t, stderr.String(), want)
		require.Equal(t, 1, strings.Count(stderr.String(), "\n"), "one line")
	}
}

func TestEnvironment(t *testing.T) {
	env := map[string]string{
		"VOICESERVER_BACKEND": "a=one, b=two", "VOICESERVER_TOKEN_LIFE": "1h", "VOICESERVER_DIALECT": "wire-2022",
		"VOICESERVER_ADDRESS": "203.0.113.7", "VOICESERVER_LOG_FORMAT": "json", "VOICESERVER_LISTEN": ":1",
	}
	o, err := parseOptions([]string{"-listen", ":2"}, variables(env))
	require.NoError(t, err)
	require.Equal(t, []backendFlag{{"a", "one"}, {"b", "two"}}, o.backends)
	require.Equal(t, time.Hour, o.tokenLife)
	require.Equal(t, lvsp.Wire2022, o.dialect)
	require.Equal(t, "203.0.113.7", o.address.String())
	require.True(t, o.json)
	require.Equal(t, ":2", o.listen, "flags replace variables")
	o, err = parseOptions([]string{"-secret-file", "mine"}, variables(env))
	require.NoError(t, err)
	require.Equal(t, []backendFlag{{"default", "mine"}}, o.backends)
	env["VOICESERVER_DRAIN"] = "soon"
	_, err = parseOptions(nil, variables(env))
	require.ErrorContains(t, err, "VOICESERVER_DRAIN")
}

// The key of the tokens follows from all secrets, and shows in nothing.
func TestSecrets(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	secret := strings.Repeat("s", lvsp.MinSecret)
	o := &options{backends: []backendFlag{{"a", write("a", secret+"\n")}, {"b", write("b", "other"+secret)}}, plain: true}
	backends, both, err := o.secrets()
	require.NoError(t, err)
	want, err := lvsp.NewSecret([]byte(secret))
	require.NoError(t, err)
	require.True(t, want.Equal(backends[0].Secret))
	require.True(t, backends[0].AllowPlain)
	_, one, err := (&options{backends: o.backends[:1]}).secrets()
	require.NoError(t, err)
	now := time.Now()
	token := both.Issue(1, 2, "s", now.Add(time.Minute))
	require.NoError(t, both.Verify(token, 1, 2, "s", now))
	require.Error(t, one.Verify(token, 1, 2, "s", now))
	o.backends[1].file = filepath.Join(dir, "missing")
	_, _, err = o.secrets()
	require.ErrorContains(t, err, `secret of backend "b"`)
}
