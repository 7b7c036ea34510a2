package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/discordpkg/gateway/lifecycle"
)

// Every row of the tables is on the page, and the page has no other arrow.
func TestRowsAreDrawn(t *testing.T) {
	page := string(lives())
	want := 0
	for _, table := range [][]lifecycle.Transition{lifecycle.ShardTransitions(), lifecycle.VoiceTransitions()} {
		for _, row := range table {
			want++
			found := false
			for line := range strings.Lines(page) {
				inputs, ok := strings.CutPrefix(strings.TrimSpace(line), stateID(row.From)+" --> "+stateID(row.To)+": ")
				found = found || ok && slices.Contains(strings.Split(inputs, " / "), row.Input)
			}
			if !found {
				t.Errorf("%v is not drawn", row)
			}
		}
	}
	got := 0
	for line := range strings.Lines(page) {
		if _, inputs, ok := strings.Cut(line, ": "); ok && strings.Contains(line, " --> ") {
			got += len(strings.Split(inputs, " / "))
		}
	}
	if got != want {
		t.Errorf("%d inputs are drawn, the tables have %d", got, want)
	}
}
