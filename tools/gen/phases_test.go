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

func TestSteps(t *testing.T) {
	t.Run("gateway", gatewayMachine.test)
	t.Run("voice", voiceMachine.test)
}

// test holds the steps against the table, and looks for phases without a way in.
func (m *machine[P, O, C]) test(t *testing.T) {
	reached := map[P]bool{m.phases[0]: true, m.phases[len(m.phases)-1]: true}
	for _, s := range m.steps {
		reached[s.to] = true
		legal := s.from.ClientMay(s.op)
		if s.fromServer {
			legal = s.from.ServerMay(s.op)
		}
		if !legal {
			t.Errorf("%s in phase %s: the table forbids this step", s.label, s.from)
		}
	}
	for _, p := range m.phases {
		if !reached[p] {
			t.Errorf("no step leads to phase %s", p)
		}
	}
}
