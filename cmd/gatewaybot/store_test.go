package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewaytest"
)

// TestSessionsSurviveARestart runs the program three times against one Discord.
func TestSessionsSurviveARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "new", "sessions.json")
	synctest.Test(t, func(t *testing.T) {
		network := newPipeNet()
		srv := gatewaytest.NewServer(gatewaytest.WithListener(network), gatewaytest.WithMaxConcurrency(3), gatewaytest.WithGuilds(6, 2))
		defer srv.Close()
		run := func(args ...string) *output {
			o := &output{}
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			env := environment(map[string]string{"DISCORD_TOKEN": "very.secret.token"})
			args = append([]string{"-url", srv.GatewayURL, "-max-concurrency", "3", "-store", file}, args...)
			o.status = machineOn(network, false).run(ctx, args, env, &o.stdout, &o.stderr)
			require.Equal(t, exitOK, o.status, o.stderr.String())
			require.Zero(t, field(t, o.stdout.String(), "lost"))
			require.Zero(t, field(t, o.stdout.String(), "duplicated"))
			return o
		}
		first := run("-for", "5s", "-shards", "3").stdout.String()
		require.Equal(t, 3, field(t, first, "identifies"))
		for range 10 {
			_, err := srv.Dispatch(event.TypingStart, "{}", gatewaytest.ToEveryone())
			require.NoError(t, err)
		}
		second := run("-for", "5s", "-shards", "auto").stdout.String()
		require.Zero(t, field(t, second, "identifies"))
		require.Equal(t, 3, field(t, second, "resumes"))
		require.Regexp(t, `TYPING_START +30\n`, second, "what came between the runs")
		require.Contains(t, second, "resuming stored sessions")
		third := run("-for", "10s", "-shards", "3", "-cut", "5s").stdout.String()
		require.Zero(t, field(t, third, "identifies"))
		require.Equal(t, 6, field(t, third, "resumes"), "at the start and after the cut")
		require.Empty(t, srv.Violations())
		fourth := run("-for", "20s", "-shards", "2").stdout.String()
		require.Equal(t, 2, field(t, fourth, "identifies"), "with another shard count the sessions are worth nothing")
	})
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NotContains(t, string(data), "secret")
}

// TestTakeover starts a process while another has its sessions.
func TestTakeover(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sessions.json")
	synctest.Test(t, func(t *testing.T) {
		network := newPipeNet()
		srv := gatewaytest.NewServer(gatewaytest.WithListener(network), gatewaytest.WithMaxConcurrency(3), gatewaytest.WithGuilds(6, 2))
		defer srv.Close()
		start := func(args ...string) <-chan *output {
			done := make(chan *output, 1)
			env := environment(map[string]string{"DISCORD_TOKEN": "very.secret.token"})
			args = append([]string{"-url", srv.GatewayURL, "-max-concurrency", "3", "-shards", "3", "-store", file}, args...)
			go func() {
				o := &output{}
				o.status = machineOn(network, false).run(t.Context(), args, env, &o.stdout, &o.stderr)
				done <- o
			}()
			return done
		}
		first := start("-for", "30s")
		time.Sleep(10 * time.Second)
		refused := <-start("-for", "5s")
		require.Equal(t, exitWrong, refused.status)
		require.Contains(t, refused.stderr.String(), "sessions.json is in use by process ")
		second := start("-for", "40s", "-takeover")
		time.Sleep(10 * time.Second)
		require.Zero(t, srv.Stats().Resumes, "it waits")
		require.Equal(t, exitOK, (<-first).status)
		o := <-second
		require.Equal(t, exitOK, o.status, o.stderr.String())
		require.Contains(t, o.stdout.String()+o.stderr.String(), "waiting until the sessions are released")
		require.Equal(t, 3, srv.Stats().Resumes)
		require.Equal(t, 3, srv.Stats().Identifies)
	})
}

func TestSessionsThatCannotBeSaved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	remove := func(*gatewaytest.Server) {
		time.Sleep(time.Second) // virtual
		_ = os.RemoveAll(dir)
	}
	o := withDiscord(t, remove, nil, "-for", "3s", "-store", filepath.Join(dir, "s"))
	require.Equal(t, exitWrong, o.status)
	require.Contains(t, o.stderr.String(), "gatewaybot: sharding: save sessions")
}

func TestStoreThatIsNone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sessions.json")
	require.NoError(t, os.WriteFile(file, []byte("not JSON"), 0o600))
	for name, c := range map[string]struct{ args, want string }{
		"corrupt":   {"-store " + file, "sessions.json is corrupt"},
		"no folder": {"-store " + file + "/sessions", "not a directory"},
		"no advice": {"-shards auto -store " + filepath.Join(t.TempDir(), "none"), "-shards auto: there are no stored sessions to tell"},
	} {
		var o output
		env := environment(map[string]string{"DISCORD_TOKEN": "any"})
		args := append([]string{"-url", "ws://127.0.0.1:1"}, strings.Fields(c.args)...)
		require.Equal(t, exitWrong, machineOn(newPipeNet(), false).run(t.Context(), args, env, &o.stdout, &o.stderr), name)
		require.Contains(t, o.stderr.String(), c.want, name)
	}
}

func TestSplitStore(t *testing.T) {
	for file, want := range map[string][2]string{
		"sessions":          {".", "sessions"},
		"sessions.json":     {".", "sessions"},
		"/var/bot/s-1.json": {"/var/bot", "s-1"},
		"a/b":               {"a", "b"},
	} {
		dir, key, err := splitStore(file)
		require.NoError(t, err)
		require.Equal(t, want, [2]string{filepath.ToSlash(dir), key}, file)
	}
}
