package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/bench/process"
	"github.com/discordpkg/gateway/gatewaytest"
)

// TestMain lets the test binary be its own child.
func TestMain(m *testing.M) {
	if process.IsChild(os.Args[1:]) {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestQuick runs everything, small. The figures are not judged, they depend on
// the machine and on what else it does; run itself fails if an event is lost,
// an identify wasted or a rule broken.
func TestQuick(t *testing.T) {
	file := filepath.Join(t.TempDir(), "scale.md")
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-quick", "-tls", "-o", file}, nil, &out))
	for _, row := range []string{
		"| identifies | 50 |",
		"| sessions resumed | 50 |",
		"| identifies used | 0 |",
		"| events sent in between | 50 |",
		"| of these received | 50 |",
		"| violations of Discord's rules, counted by the server | 0 |",
	} {
		require.Contains(t, out.String(), row)
	}
	written, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, out.String(), string(written))
}

func TestFlags(t *testing.T) {
	for _, args := range [][]string{
		{"-shards", "0"}, {"-max-concurrency", "0"}, {"-idle", "0s"}, {"-pace", "-1s"}, {"-nonsense"}, {"stray"},
	} {
		_, err := parse(args)
		require.Error(t, err, "%v", args)
	}
	_, err := parse([]string{"--help"})
	require.ErrorIs(t, err, flag.ErrHelp)
	s, err := parse([]string{"-quick", "-shards", "7"})
	require.NoError(t, err)
	require.Equal(t, 7, s.shards)
	require.Equal(t, 25, s.buckets)
}

func TestIdeal(t *testing.T) {
	s, err := parse(nil)
	require.NoError(t, err)
	require.Equal(t, 35*time.Second, s.ideal(), "eight rounds")
	s.buckets = 250
	require.Equal(t, 35*time.Second, s.ideal(), "eight full rounds")
	s.buckets = 2000
	require.Zero(t, s.ideal())
	require.Contains(t, results{settings: s}.markdown(), "| utilisation | does not apply |")
}

// TestChildren wants errors where a parent asks for nonsense.
func TestChildren(t *testing.T) {
	for part, in := range map[string]string{
		"nothing":   `{}`,
		discordPart: `[]`,
		fleetPart:   `[]`,
	} {
		require.Error(t, child(t.Context(), []string{part}, strings.NewReader(in), new(bytes.Buffer)), part)
	}
	require.Error(t, child(t.Context(), nil, strings.NewReader(""), new(bytes.Buffer)))
	require.Error(t, serve(strings.NewReader(`{"Shards":1} {}`), new(bytes.Buffer)), "no question")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, run(ctx, []string{"-quick"}, nil, new(bytes.Buffer)))
}

func TestImpatience(t *testing.T) {
	o := order{Address: address{API: "http://127.0.0.1:1"}, Store: t.TempDir(), Shards: 3}
	_, err := o.carryOut(t.Context(), new(bytes.Buffer))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "0 of 3 shards are ready")
}

func TestBroken(t *testing.T) {
	require.NoError(t, results{}.broken())
	r := results{
		between: tally{Sessions: 3, Stats: gatewaytest.Stats{Identifies: 3}},
		restart: figures{Messages: 2},
		after:   tally{Breach: "too fast", Stats: gatewaytest.Stats{Identifies: 4, Violations: 2}},
	}
	require.EqualError(t, r.broken(), "2 violations of Discord's rules, the last: too fast\n"+
		"1 identifies for the restart\n"+
		"3 events were sent to sessions without a connection, and 2 received")
}

func TestRoll(t *testing.T) {
	r := newRoll(2)
	r.call(1)
	r.call(1)
	require.Equal(t, 1, r.present())
	require.NotPanics(t, func() { r.call(0); r.call(0) })
	<-r.complete
	require.Equal(t, 2, r.present())
	require.Equal(t, 4, r.calls())
}

func TestDuration(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0 us":    0,
		"12.5 us": 12500 * time.Nanosecond,
		"250 ms":  250 * time.Millisecond,
		"41.25 s": 41250 * time.Millisecond,
	} {
		require.Equal(t, want, duration(d))
	}
}
