package lifecycle

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/internal/golden"
)

// TestVoiceScenarios plays the scripts of testdata/voice, one for each rule.
func TestVoiceScenarios(t *testing.T) {
	golden.ScenariosIn(t, "voice", func(t *testing.T) func(string) string { return newVoiceStage(t).carryOut })
}

// Every arrow of the table is walked by a scenario, and no other.
func TestVoiceTransitionsAreWalked(t *testing.T) {
	type arrow struct{ from, to string }
	want, seen := make(map[arrow]bool), make(map[arrow]bool)
	for _, row := range VoiceTransitions() {
		want[arrow{row.From, row.To}] = true
	}
	files, err := filepath.Glob("testdata/voice/*.txt")
	require.NoError(t, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		s := newVoiceStage(t)
		s.arrow = func(from, to VoicePhase) { seen[arrow{from.String(), to.String()}] = true }
		for _, block := range strings.Split(string(data), "\n\n") {
			for line := range strings.Lines(block) {
				if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
					s.carryOut(line)
					break
				}
			}
		}
	}
	for a := range seen {
		require.True(t, want[a], "the table has no arrow from %v to %v", a.from, a.to)
	}
	for a := range want {
		require.True(t, seen[a] || a.from == a.to, "no scenario goes from %v to %v", a.from, a.to)
	}
}

// A table has a name for each of its words, and no phase without a way out but
// the last.
func TestVoiceTable(t *testing.T) {
	out := make(map[string]bool)
	for _, row := range VoiceTransitions() {
		out[row.From] = true
		require.NotContains(t, row.From+row.To+row.Input, "unknown")
	}
	for p := range numVoicePhases {
		require.Equal(t, p != VoiceEnded, out[p.String()], "%v", p)
	}
	require.Equal(t, "unknown phase", numVoicePhases.String())
	require.Equal(t, "unknown input", numVoiceInputs.String())
	require.Equal(t, "unknown", (VoiceStop + 1).String())
	require.Equal(t, "hang up", VoiceHangUp.String())
}
