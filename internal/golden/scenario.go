package golden

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the expected traces of the scenarios")

// Scenarios plays the files of testdata/scenarios, each as a test of its own,
// and wants what happens to be what they say. With the flag -update they are
// rewritten instead.
//
// A scenario is a text file of steps: a command with arguments, a line of four
// dashes, and what must happen then. Empty lines separate steps, lines that
// begin with # are comments. Start begins a scenario and returns what carries
// out a command and tells what happened, in lines; equal ones are counted.
func Scenarios(t *testing.T, start func(t *testing.T) (carryOut func(command string) string)) {
	t.Helper()
	ScenariosIn(t, "scenarios", start)
}

// ScenariosIn is Scenarios for the files of another folder of testdata: a
// package with several machines has one for each.
func ScenariosIn(t *testing.T, folder string, start func(t *testing.T) (carryOut func(command string) string)) {
	t.Helper()
	files, err := filepath.Glob("testdata/" + folder + "/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			before, err := os.ReadFile(file)
			require.NoError(t, err)
			after := play(t, string(before), start(t))
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(after), 0o644))
				return
			}
			require.Equal(t, string(before), after)
		})
	}
}

// play runs a scenario and returns it with the traces that it made.
func play(t *testing.T, text string, carryOut func(command string) string) string {
	var out strings.Builder
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
			out.WriteString(command + "\n----\n" + folded(carryOut(command)))
		}
		out.WriteString("\n")
	}
	return strings.TrimRight(out.String(), "\n") + "\n"
}

// folded writes equal lines once.
func folded(trace string) string {
	var out strings.Builder
	lines := strings.SplitAfter(trace, "\n")
	for i := 0; i < len(lines); {
		n := 1
		for i+n < len(lines) && lines[i+n] == lines[i] {
			n++
		}
		if n > 1 {
			fmt.Fprintf(&out, "%s, %d times\n", strings.TrimSuffix(lines[i], "\n"), n)
		} else {
			out.WriteString(lines[i])
		}
		i += n
	}
	return out.String()
}
