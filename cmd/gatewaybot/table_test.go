package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/sharding"
)

func sampleView(shards, events int) view {
	v := view{title: "local Discord at ws://127.0.0.1:4000  json", elapsed: 3700 * time.Millisecond, length: 15 * time.Second}
	for i := range shards {
		v.shards = append(v.shards, sharding.ShardStats{ID: gateway.ShardID(i), Stats: gatewayshard.Stats{
			Phase: gatewayshard.Active, Seq: int64(100 + i), Latency: 1234 * time.Microsecond, Connections: 2, Resumes: 1, LastClose: closecode.UnknownError,
		}})
	}
	for i := range events {
		e := tally{name: event.Type(fmt.Sprintf("EVENT_%d", i)), count: uint64(10 * (events - i)), rate: 1.5}
		v.events = append(v.events, e)
		v.total.count += e.count
		v.total.rate += e.rate
	}
	return v
}

func (l line) String() (s string) {
	for _, part := range l {
		s += part.text
	}
	return s
}

func texts(lines []line) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(strings.TrimRight(l.String(), " ") + "\n")
	}
	return b.String()
}

func TestTable(t *testing.T) {
	got := texts(table{width: 90, height: 24}.layout(sampleView(1, 3), []string{"08:00:00 READY", "08:00:02 RESUMED"}))
	require.Equal(t, `local Discord at ws://127.0.0.1:4000  json  3s of 15s

shard  phase                      seq    latency connections  resumes last close
0      active                     100     1.23ms           2        1       4000

event                                count per second
EVENT_0                                 30        1.5  ##########
EVENT_1                                 20        1.5  #######
EVENT_2                                 10        1.5  ###
all                                     60        4.5

08:00:00 READY
08:00:02 RESUMED
`, got)
}

func TestTableFits(t *testing.T) {
	news := strings.Split("1 2 3 4 5 6 the last one is long enough to reach beyond the right margin, wherever that may be", " ")
	for _, width := range []int{1, 20, 40, 80, 200} {
		for _, height := range []int{10, 12, 13, 24, 60} {
			for _, shards := range []int{1, 3, 100} {
				for _, events := range []int{0, 1, 12, 80} {
					lines := table{width: width, height: height}.layout(sampleView(shards, events), news)
					require.Less(t, len(lines), height, "%d by %d with %d shards and %d events", width, height, shards, events)
					for _, l := range lines {
						require.LessOrEqual(t, len(l.String()), width)
					}
				}
			}
		}
	}
}

func TestTableCountsWhatItLeavesOut(t *testing.T) {
	got := texts(table{width: 60, height: 18}.layout(sampleView(300, 10), nil))
	require.Contains(t, got, "  96  and 204 more")
	require.Regexp(t, `7 others +280 +10\.5`, got)
}

func TestFit(t *testing.T) {
	require.Equal(t, "a?[31mb?", fit("a\x1b[31mb\n", 80), "nothing that moves the cursor gets through")
	require.Equal(t, "??", fit("日本", 80))
	require.Equal(t, "ab", fit("abc", 2))
}

func TestScreen(t *testing.T) {
	var b bytes.Buffer
	n := new(news)
	for i := range 6 {
		fmt.Fprintf(n, "line %d\n", i)
	}
	require.Equal(t, []string{"line 2", "line 3", "line 4", "line 5"}, n.latest())
	s := newScreen(&b, environment(map[string]string{"COLUMNS": "60", "LINES": "30"}), n)
	require.Equal(t, table{60, 30}, s.table)
	s.show(sampleView(1, 1))
	require.True(t, strings.HasPrefix(b.String(), "\x1b[?25l\x1b[?7l\x1b[1mlocal Discord"), "%q", b.String())
	lines := strings.Count(b.String(), "\n")
	b.Reset()
	s.show(sampleView(1, 1))
	require.True(t, strings.HasPrefix(b.String(), fmt.Sprintf("\x1b[%dF", lines)), "the second table takes the place of the first")
	b.Reset()
	s.close()
	require.Equal(t, "\x1b[?7h\x1b[?25h", b.String())
}

func TestScreenWithoutColour(t *testing.T) {
	var b bytes.Buffer
	s := newScreen(&b, environment(map[string]string{"NO_COLOR": "1", "COLUMNS": "wide"}), new(news))
	require.Equal(t, table{80, 24}, s.table)
	s.show(sampleView(1, 1))
	require.NotRegexp(t, `\x1b\[\d+m`, b.String())
}

func TestIsTerminal(t *testing.T) {
	require.False(t, isTerminal(io.Discard, environment(nil)))
	file, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	defer file.Close()
	require.False(t, isTerminal(file, environment(nil)))
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer null.Close()
	require.True(t, isTerminal(null, environment(nil)), "a device")
	require.False(t, isTerminal(null, environment(map[string]string{"TERM": "dumb"})))
}

func TestDemoOnTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o output
		env := environment(map[string]string{"COLUMNS": "100"})
		o.status = machineOn(newPipeNet(), true).run(t.Context(), []string{"-for", "5s"}, env, &o.stdout, &o.stderr)
		out := o.stdout.String()
		require.True(t, strings.HasPrefix(out, enterTable))
		_, after, found := strings.Cut(out, leaveTable)
		requireGood(t, &o, after)
		require.True(t, found, "the cursor is back")
		require.NotContains(t, after, "\x1b", "below the table there is plain text")
		require.Equal(t, 1, strings.Count(out, enterTable))
		require.Contains(t, out, "level=INFO msg=RESUMED")
	})
}

func TestRateMeter(t *testing.T) {
	epoch := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	m := newRateMeter(epoch)
	m.update(epoch.Add(500*time.Millisecond), map[event.Type]uint64{"A": 50})
	require.Empty(t, m.rates, "too early to tell")
	m.update(epoch.Add(time.Second), map[event.Type]uint64{"A": 100})
	require.InDelta(t, 100, m.rates["A"], 1e-9)
	m.update(epoch.Add(3*time.Second), map[event.Type]uint64{"A": 120, "B": 4})
	require.InDelta(t, 10, m.rates["A"], 1e-9)
	require.InDelta(t, 2, m.rates["B"], 1e-9)
}
