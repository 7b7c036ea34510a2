package main

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "draw the pages anew")

const page = "../../docs/phases.md"

func TestPhasesUpToDate(t *testing.T) {
	drawn := phases()
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
		t.Error("docs/phases.md is not what the table says; run: make generate")
	}
}

func TestStepsAreLegal(t *testing.T) {
	for _, s := range steps {
		legal := s.from.ClientMay(s.op)
		if s.fromServer {
			legal = s.from.ServerMay(s.op)
		}
		if !legal {
			t.Errorf("%s in phase %s: the table forbids this step", s.label, s.from)
		}
	}
}

func TestEveryPhaseIsReached(t *testing.T) {
	for _, p := range all()[1:] {
		reached := false
		for _, s := range steps {
			reached = reached || s.to == p
		}
		if !reached {
			t.Errorf("no step leads to phase %s", p)
		}
	}
}
