package lvsp_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the expected traces of the scenarios")

// A scenario is a text file of steps: a command with arguments, a line of
// four dashes, and what must happen then. Empty lines separate steps, lines
// that begin with # are comments.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			before, err := os.ReadFile(file)
			require.NoError(t, err)
			after := play(t, string(before))
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(after), 0o644))
				return
			}
			require.Equal(t, string(before), after)
		})
	}
}

// play runs a scenario and returns it with the traces that it made.
func play(t *testing.T, text string) string {
	var out strings.Builder
	s := newStage(t)
	for _, block := range strings.Split(strings.TrimRight(text, "\n"), "\n\n") {
		var command string
		for _, line := range strings.Split(block, "\n") {
			if strings.HasPrefix(line, "#") {
				out.WriteString(line + "\n")
				continue
			}
			if line == "----" {
				break
			}
			require.Empty(t, command, "one command per step: %s", line)
			command = line
		}
		if command != "" {
			out.WriteString(command + "\n----\n" + s.run(command))
		}
		out.WriteString("\n")
	}
	return strings.TrimRight(out.String(), "\n") + "\n"
}
