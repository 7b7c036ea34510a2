package main

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "draw the pages anew")

func TestPagesAreUpToDate(t *testing.T) {
	for name, drawn := range map[string][]byte{"phases.md": phases(), "lifecycle.md": lives()} {
		page := "../../docs/" + name
		if *update {
			if err := os.WriteFile(page, drawn, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		kept, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(kept, drawn) {
			t.Errorf("docs/%s is not what the table says; run: make generate", name)
		}
	}
}

// Every step of the tables is an arrow of the page, and every arrow a step.
func TestArrows(t *testing.T) {
	arrows := strings.Count(string(phases()), " --> ") - 4 // the begin and the end of each
	want := distinct(gatewayMachine.steps) + distinct(voiceMachine.steps)
	if arrows != want {
		t.Errorf("%d arrows for %d steps", arrows, want)
	}
}

// distinct counts the steps that are not drawn on the arrow of the one before.
func distinct[P comparable](steps []step[P]) (n int) {
	for i, s := range steps {
		if i == 0 || !joined(s, steps[i-1]) {
			n++
		}
	}
	return n
}
