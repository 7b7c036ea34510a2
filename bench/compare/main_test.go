package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/bench/contestant"
	"github.com/discordpkg/gateway/bench/process"
)

// TestMain lets the test binary be its own child.
func TestMain(m *testing.M) {
	if process.IsChild(os.Args[1:]) {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestQuick runs every contest. The figures are not judged, they depend on the
// machine and on what else it does; so few shards may even seem to shrink it.
func TestQuick(t *testing.T) {
	file := filepath.Join(t.TempDir(), "results.md")
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-quick", "-o", file}, &out))
	for _, c := range append(events(), rests()...) {
		require.Contains(t, out.String(), "| "+c.mode+" | "+c.name+" | ")
	}
	written, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, out.String(), string(written))
}

// TestAgainst has this checkout compete with itself.
func TestAgainst(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-quick", "-shards", "0", "-only", "^json (floor|gateway)$", "-against", filepath.Join("..", "..")}, &out))
	require.Contains(t, out.String(), "\n## Against ")
	require.Regexp(t, `\| json gateway \| [0-9.]+ us \| [0-9.]+ us \| [0-9.]+x`, out.String())
	require.Contains(t, out.String(), "processor time, json gateway, against the other checkout")
	require.NotContains(t, out.String(), "json floor, against", "floors have no other version")
	require.Error(t, run(t.Context(), []string{"-quick", "-against", t.TempDir()}, new(bytes.Buffer)), "no checkout")
}

func TestFlags(t *testing.T) {
	for _, args := range [][]string{{"-rounds", "0"}, {"-events", "0"}, {"-shards", "-1"}, {"-only", "("}, {"-nonsense"}} {
		_, _, err := parse(args)
		require.Error(t, err, "%v", args)
	}
	s, _, err := parse([]string{"-quick", "-shards", "0"})
	require.NoError(t, err)
	require.Zero(t, s.shards)
	require.Equal(t, 1, s.rounds)
}

// TestChildren wants errors where a parent asks for nonsense.
func TestChildren(t *testing.T) {
	for part, in := range map[string]string{
		"nothing": `{}`,
		busy:      `{"Job":{"Client":"nobody"}}`,
		idle:      `{"Job":{"Client":"nobody"}}`,
		"feed":    `[]`,
	} {
		require.Error(t, child(t.Context(), []string{part}, strings.NewReader(in), new(bytes.Buffer)), part)
	}
	require.Error(t, child(t.Context(), nil, strings.NewReader(""), new(bytes.Buffer)))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, run(ctx, []string{"-quick"}, new(bytes.Buffer)))
}

func TestGoals(t *testing.T) {
	r := results{}
	require.True(t, r.goals().Missed(), "nothing was measured")
	require.Contains(t, r.goals().String(), "- [ ] json, beside the floor: not measured")
	r.figures = map[string]contestant.Figure{
		plainJSON + " " + floor:   {CPU: 500},
		plainJSON + " " + ours:    {CPU: 900},
		plainJSON + " " + oursRaw: {CPU: 1000},
		etf + " " + oursRaw:       {CPU: 1600},
		plainJSON + " " + disgo:   {CPU: 45_000},
	}
	list := r.goals().String()
	require.Contains(t, list, "- [x] json, beside the floor: 1.80x, wanted at most 2.00x\n")
	require.Contains(t, list, "- [ ] etf, beside json, each event handled: 1.60x, wanted at most 1.50x\n")
	require.Contains(t, list, "- [x] json, less than disgo: 50.0x, wanted at least 25.0x\n")
	require.Contains(t, list, "- [ ] json, less than discordgo: not measured\n")
}

func TestMedian(t *testing.T) {
	self := func(v float64) float64 { return v }
	require.InDelta(t, 2, median([]float64{3, 1, 2}, self), 0)
	require.InDelta(t, 2.5, median([]float64{4, 1, 2, 3}, self), 0)
}
