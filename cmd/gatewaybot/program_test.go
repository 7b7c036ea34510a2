package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/sharding"
)

// field returns a number of the summary.
func field(t *testing.T, out, name string) int {
	t.Helper()
	m := regexp.MustCompile(`(?m)^events=.* ?` + name + `=(\d+)|^` + name + `=(\d+)`).FindStringSubmatch(out)
	require.NotNil(t, m, "no %s= in the summary:\n%s", name, out)
	n, err := strconv.Atoi(m[1] + m[2])
	require.NoError(t, err)
	return n
}

// requireGood wants the program to have ended well, with a resume.
func requireGood(t *testing.T, o *output, summary string) {
	t.Helper()
	require.Equal(t, exitOK, o.status, "%s\n%s", o.stdout.String(), o.stderr.String())
	for _, name := range []string{"lost", "duplicated", "violations"} {
		require.Zero(t, field(t, summary, name), name)
	}
	require.Equal(t, field(t, summary, "sent"), field(t, summary, "events"), "all that was sent was seen")
	require.NotZero(t, field(t, summary, "replayed"), "what was sent while the connection was cut")
}

func TestDemo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		o := runVirtual(t.Context())
		out := o.stdout.String()
		requireGood(t, o, out)
		require.Empty(t, o.stderr.String())
		require.Equal(t, 1, field(t, out, "resumes"))
		require.Equal(t, 1, field(t, out, "sessions"))
		require.GreaterOrEqual(t, field(t, out, "events"), 1400, "15 s at 100 events each")
		require.InDelta(t, 15, time.Since(began).Seconds(), 1)
		for _, want := range []string{"msg=READY shard=0", "msg=RESUMED shard=0", "disconnected, connecting again", "MESSAGE_CREATE "} {
			require.Contains(t, out, want)
		}
		require.InDelta(t, 14.5, strings.Count(out, "msg=live "), 0.5, "a line each second, maybe with the last")
		require.NotContains(t, out, "session started", "the shards say at level debug what the bot says already")
	})
}

func TestDemoOnEveryWire(t *testing.T) {
	for _, encoding := range []string{"json", "etf"} {
		for _, compress := range []string{"none", "zlib-stream", "zstd-stream", "payload"} {
			if encoding == "etf" && compress == "payload" {
				continue // no such thing
			}
			t.Run(encoding+" "+compress, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					o := runVirtual(t.Context(), "-for", "4s", "-encoding", encoding, "-compress", compress, "-seed", "7")
					requireGood(t, o, o.stdout.String())
				})
			})
		}
	}
}

func TestDemoWithShards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := runVirtual(t.Context(), "-for", "6s", "-shards", "3", "-traffic", "300", "-log-level", "debug")
		out := o.stdout.String()
		requireGood(t, o, out)
		require.Equal(t, 3, field(t, out, "sessions"))
		require.Equal(t, 3, field(t, out, "resumes"))
		require.Contains(t, out, "active=3/3 queue=0 eta=0s")
		require.Contains(t, out, "session started")
	})
}

func TestDemoWithoutCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := runVirtual(t.Context(), "-for", "3s", "-cut", "0")
		require.Equal(t, exitOK, o.status, o.stderr.String())
		require.Zero(t, field(t, o.stdout.String(), "reconnects"))
	})
}

// TestDemoOnSockets is the program as it is, in real time.
func TestDemoOnSockets(t *testing.T) {
	var o output
	o.status = run(t.Context(), []string{"-for", "600ms", "-traffic", "1000"}, environment(nil), &o.stdout, &o.stderr)
	requireGood(t, &o, o.stdout.String())
}

func TestInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
		defer cancel()
		o := runVirtual(ctx, "-for", "0")
		require.Equal(t, exitOK, o.status, o.stderr.String())
		require.Zero(t, field(t, o.stdout.String(), "lost"))
		require.Equal(t, 3, strings.Count(o.stdout.String(), "msg=live "))
	})
}

func TestJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := runVirtual(t.Context(), "-for", "4s", "-json", "-shards", "2")
		requireGood(t, o, o.stderr.String())
		last := map[int]int64{}
		n := 0
		for l := range strings.Lines(o.stdout.String()) {
			var e struct {
				Shard *int             `json:"shard"`
				Seq   int64            `json:"seq"`
				T     string           `json:"t"`
				D     *json.RawMessage `json:"d"`
			}
			require.NoError(t, json.Unmarshal([]byte(l), &e), l)
			require.NotNil(t, e.Shard)
			require.NotNil(t, e.D)
			require.NotEmpty(t, e.T)
			require.Equal(t, last[*e.Shard]+1, e.Seq, "one line for each event, in order")
			last[*e.Shard] = e.Seq
			n++
		}
		require.Equal(t, field(t, o.stderr.String(), "events"), n)
	})
}

func TestEventsFilterWhatIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := runVirtual(t.Context(), "-for", "4s", "-json", "-events", "message_create,TYPING_START")
		requireGood(t, o, o.stderr.String())
		for l := range strings.Lines(o.stdout.String()) {
			require.Regexp(t, `"t":"(MESSAGE_CREATE|TYPING_START)"`, l)
		}
		require.Contains(t, o.stderr.String(), "intents=GUILD_MESSAGES|GUILD_MESSAGE_TYPING|DIRECT_MESSAGES|DIRECT_MESSAGE_TYPING")
		require.NotRegexp(t, `(?m)^READY `, o.stderr.String())
	})
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("nobody reads") }

func TestJSONThatNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stderr lockedBuffer
		status := machineOn(newPipeNet(), false).run(t.Context(), []string{"-json"}, environment(nil), brokenPipe{}, &stderr)
		require.Equal(t, exitWrong, status)
		require.Contains(t, stderr.String(), `write event "READY": nobody reads`)
	})
}

// withDiscord runs the program as a bot with a token against a Discord that
// the test holds, while during misbehaves.
func withDiscord(t *testing.T, during func(*gatewaytest.Server), options []gatewaytest.Option, args ...string) (o *output) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := newPipeNet()
		srv := gatewaytest.NewServer(append(options, gatewaytest.WithListener(network))...)
		defer srv.Close()
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, err := srv.WaitSessions(t.Context(), 1)
			if err == nil && during != nil {
				during(srv)
			}
		}()
		o = &output{}
		env := environment(map[string]string{"DISCORD_TOKEN": " Bot very.secret.token\n"})
		args = append([]string{"-url", srv.GatewayURL}, args...)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		o.status = machineOn(network, false).run(ctx, args, env, &o.stdout, &o.stderr)
		srv.Close()
		if during != nil {
			<-done
		}
		require.NotContains(t, o.stdout.String()+o.stderr.String(), "secret")
	})
	return o
}

func TestSoak(t *testing.T) {
	longer := func(f gatewaytest.Fault) func(*gatewaytest.Server) {
		return func(srv *gatewaytest.Server) {
			time.Sleep(10 * time.Minute) // virtual
			_ = srv.Inject(f)
		}
	}
	for name, c := range map[string]struct {
		fault gatewaytest.Fault
		want  string // of stderr, empty: nothing is wrong
	}{
		"reconnect":       {gatewaytest.Fault{Kind: gatewaytest.Reconnect}, ""},
		"restart":         {gatewaytest.Fault{Kind: gatewaytest.Close, Code: closecode.Restart}, ""},
		"resume again":    {gatewaytest.Fault{Kind: gatewaytest.InvalidSession, Resumable: true}, ""},
		"cut":             {gatewaytest.Fault{Kind: gatewaytest.Cut}, "connection lost"},
		"unknown error":   {gatewaytest.Fault{Kind: gatewaytest.Close, Code: closecode.UnknownError}, "closed with 4000"},
		"invalid session": {gatewaytest.Fault{Kind: gatewaytest.InvalidSession}, "op 9"},
		"zombie":          {gatewaytest.Fault{Kind: gatewaytest.Zombie}, "heartbeat"},
		"garbage":         {gatewaytest.Fault{Kind: gatewaytest.Garbage}, "malformed"},
		"fatal":           {gatewaytest.Fault{Kind: gatewaytest.Close, Code: closecode.DisallowedIntents}, "enable the privileged gateway intents"},
	} {
		t.Run(name, func(t *testing.T) {
			o := withDiscord(t, longer(c.fault), nil, "-soak")
			if c.want == "" {
				require.Equal(t, exitOK, o.status, "%s\n%s", o.stdout.String(), o.stderr.String())
				require.Equal(t, 1, field(t, o.stdout.String(), "resumes"))
				return
			}
			require.Equal(t, exitWrong, o.status, o.stdout.String())
			require.Contains(t, o.stderr.String(), c.want)
		})
	}
}

func TestSoakWithCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := runVirtual(t.Context(), "-soak", "-for", "1m", "-cut", "30s", "-traffic", "50")
		requireGood(t, o, o.stdout.String())
	})
}

func TestNoResume(t *testing.T) {
	refuse := func(srv *gatewaytest.Server) {
		_ = srv.InjectNext(gatewaytest.Fault{Kind: gatewaytest.Refuse}, 100)
	}
	o := withDiscord(t, refuse, nil, "-for", "10s", "-cut", "5s")
	require.Equal(t, exitWrong, o.status)
	require.Contains(t, o.stderr.String(), "no session was resumed after the cut")
}

func TestNoSession(t *testing.T) {
	o := withDiscord(t, nil, []gatewaytest.Option{gatewaytest.WithToken("another")})
	require.Equal(t, exitWrong, o.status)
	require.Contains(t, o.stderr.String(), "check the bot token")
	require.Contains(t, o.stderr.String(), "no session was started")
}

// TestDiscovery runs the program as a bot that asks where the gateway is.
func TestDiscovery(t *testing.T) {
	for name, c := range map[string]struct {
		options []gatewaytest.Option
		args    string
		status  int
		want    string
	}{
		"fine":        {nil, "-for 3s", exitOK, "max_concurrency=1"},
		"many shards": {[]gatewaytest.Option{gatewaytest.WithShards(9), gatewaytest.WithMaxConcurrency(4)}, "-for 3s -shards 4", exitOK, "active=4/4"},
		"few shards":  {[]gatewaytest.Option{gatewaytest.WithShards(9)}, "-for 3s", exitOK, "discord recommends more shards, see -shards\" shards=9"},
		"auto":        {[]gatewaytest.Option{gatewaytest.WithShards(5), gatewaytest.WithMaxConcurrency(2)}, "-for 20s -shards auto", exitOK, "active=5/5"},
		"no token":    {[]gatewaytest.Option{gatewaytest.WithToken("another")}, "", exitWrong, "check the bot token"},
		"no starts":   {[]gatewaytest.Option{gatewaytest.WithSessionStarts(1)}, "-shards 2", exitWrong, "2 sessions to start and only 1 of 1 left for today"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := newPipeNet()
				srv := gatewaytest.NewServer(append(c.options, gatewaytest.WithListener(network))...)
				defer srv.Close()
				m := machineOn(network, false)
				client := &http.Client{Transport: &http.Transport{DialContext: network.dial, DisableKeepAlives: true}}
				m.discovery = sharding.Discovery{API: srv.URL + "/api/v10", Client: client}
				var o output
				env := environment(map[string]string{"DISCORD_TOKEN": "very.secret.token"})
				o.status = m.run(t.Context(), strings.Fields(c.args), env, &o.stdout, &o.stderr)
				all := o.stdout.String() + o.stderr.String()
				require.Equal(t, c.status, o.status, all)
				require.Contains(t, all, c.want)
				require.NotContains(t, all, "secret")
			})
		})
	}
}

// TestUnknownEvents counts names that nobody knows like others.
func TestUnknownEvents(t *testing.T) {
	during := func(srv *gatewaytest.Server) {
		for i := range 10 {
			_, _ = srv.Dispatch(event.Type("MADE_UP"), fmt.Sprintf(`{"n":%d}`, i), gatewaytest.ToEveryone())
		}
	}
	o := withDiscord(t, during, nil, "-for", "5s")
	require.Equal(t, exitOK, o.status, o.stderr.String())
	require.Regexp(t, `(?m)^MADE_UP +10$`, o.stdout.String())
}
