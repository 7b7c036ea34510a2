package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/sharding"
)

// startingView returns a fleet of which half has identified.
func startingView(shards int) view {
	v := sampleView(shards, 2)
	for id := shards / 2; id < shards; id++ {
		v.shards[id].Stats = gatewayshard.Stats{Phase: gatewayshard.Disconnected}
		v.queued++
	}
	v.shards[0].Latency = 5 * time.Millisecond
	v.shards[1].Stats = gatewayshard.Stats{Phase: gatewayshard.Disconnected, Connections: 1, SessionID: "s"}
	v.shards[2].Stats = gatewayshard.Stats{Phase: gatewayshard.Authenticating}
	v.shards[3].Stats = gatewayshard.Stats{Phase: gatewayshard.Dialing, SessionID: "s"}
	v.shards[4].Stats = gatewayshard.Stats{Phase: gatewayshard.Closed}
	v.buckets, v.eta = 16, 6240*time.Millisecond
	return v
}

func TestFleet(t *testing.T) {
	got := texts(table{width: 80, height: 24}.layout(startingView(40), nil))
	require.Equal(t, `local Discord at ws://127.0.0.1:4000  json  3s of 15s

   0  # ! a c x # # # # # # # # # # # # # # # . . . . . . . . . . . .
  32  . . . . . . . .

identify  ##########----------  20/40  20 in the queue, 16 at once, eta 6.2s
shards    # 16/40 active  a 1 authenticating  c 1 connecting  . 20 queued  ! 1 d
latency   mean 1.47ms  slowest 5.00ms (shard 0)  reconnects 0  resumes 16  ident

event                                count per second
EVENT_0                                 20        1.5  #############
EVENT_1                                 10        1.5  #######
all                                     30        3.0
`, got)
}

func TestFleetGrowsWithTheTerminal(t *testing.T) {
	for _, c := range []struct {
		width, height, shards int
		first, last           string // rows of cells
	}{
		{120, 24, 48, "   0  # # ", "   0  # # "},
		{80, 24, 200, "   0  # # ", " 192  # # "},
		{80, 24, 500, "   0  ####", " 448  ####"},
		{80, 24, 1024, "   0  ####", " 448  and 576 more"},
		{10, 40, 20, "   0  # #", "  18  # #"},
	} {
		rows := table{c.width, c.height}.cells(sampleView(c.shards, 0).shards, 8)
		if c.width == 10 {
			rows = table{c.width, c.height}.cells(sampleView(c.shards, 0).shards, 20)
		}
		require.LessOrEqual(t, len(rows), 20)
		require.True(t, strings.HasPrefix(rows[0].String(), c.first), rows[0].String())
		require.True(t, strings.HasPrefix(rows[len(rows)-1].String(), c.last), rows[len(rows)-1].String())
	}
}

func TestCellsHaveColours(t *testing.T) {
	var b bytes.Buffer
	s := newScreen(&b, environment(map[string]string{"COLUMNS": "60", "LINES": "20"}), new(news))
	s.show(startingView(80))
	require.Contains(t, b.String(), "\x1b[32;42m#\x1b[0m\x1b[31;41m!\x1b[0m\x1b[36;46ma\x1b[0m", "cells without a gap")
	require.Contains(t, b.String(), "\x1b[33;43m"+strings.Repeat(".", 8)+"\x1b[0m", "neighbours are painted together")
}

func TestEveryPhaseHasAKind(t *testing.T) {
	require.Equal(t, closed, len(kinds)-1)
	for phase, want := range map[gatewayshard.Phase]int{
		gatewayshard.Disconnected: waiting, gatewayshard.Dialing: connecting, gatewayshard.Connected: connecting,
		gatewayshard.Waiting: waiting, gatewayshard.Authenticating: authenticating, gatewayshard.Active: active, gatewayshard.Closed: closed,
	} {
		require.Equal(t, want, kindOf(sharding.ShardStats{Stats: gatewayshard.Stats{Phase: phase}}), "%v", phase)
	}
	require.Equal(t, connecting, kindOf(sharding.ShardStats{Stats: gatewayshard.Stats{SessionID: "stored"}}), "it is about to resume")
}

func TestDemoWithFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o output
		env := environment(map[string]string{"COLUMNS": "100", "NO_COLOR": "1"})
		o.status = machineOn(newPipeNet(), true).run(t.Context(), []string{"-for", "10s", "-shards", "64"}, env, &o.stdout, &o.stderr)
		out := o.stdout.String()
		_, after, _ := strings.Cut(out, leaveTable)
		requireGood(t, &o, after)
		require.Equal(t, 64, field(t, after, "resumes"))
		require.Equal(t, 64, field(t, after, "identifies"))
		for _, want := range []string{
			`16/64  48 in the queue, 16 at once, eta 1\.[0-5]s`,
			`32/64  32 in the queue, 16 at once, eta`,
			`64/64  queue empty`,
			`# 64/64 active`,
			`! \d+ disconnected`,
		} {
			require.Regexp(t, regexp.MustCompile(want), out)
		}
	})
}

func TestDemoOfManyShards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := runVirtual(t.Context(), "-shards", "200", "-max-concurrency", "16")
		out := o.stdout.String()
		requireGood(t, o, out)
		require.Equal(t, 200, field(t, out, "resumes"))
		require.Regexp(t, `msg=live .* active=\d+/200 queue=1[3-8]\d eta=[45]\S*s`, out)
		require.Contains(t, out, "active=200/200 queue=0 eta=0s")
		require.NotRegexp(t, "msg=READY|disconnected", out, "nobody reads 200 lines")
	})
}

func TestAutoWithoutToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := runVirtual(t.Context(), "-for", "4s", "-shards", "auto")
		requireGood(t, o, o.stdout.String())
		require.Equal(t, autoShards, field(t, o.stdout.String(), "sessions"))
	})
}
