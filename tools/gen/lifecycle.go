package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/discordpkg/gateway/lifecycle"
)

// lives draws the page of what happens between connections.
func lives() []byte {
	var b bytes.Buffer
	b.WriteString(`# Between connections

Drawn from the tables of package ` + "`lifecycle`" + ` by ` + "`make generate`" + `. Do not edit.

An arrow is an input: what the caller tells the machine. Where one input has several
arrows the machine chooses. An input that has none in a phase is illegal there, or
changes nothing, see the package.

# A shard

`)
	drawTransitions(&b, lifecycle.ShardTransitions())
	b.WriteString("\n# A voice session\n\n")
	drawTransitions(&b, lifecycle.VoiceTransitions())
	return b.Bytes()
}

// drawTransitions draws a table. It begins at the phase of the first row.
func drawTransitions(b *bytes.Buffer, table []lifecycle.Transition) {
	b.WriteString("```mermaid\nstateDiagram-v2\n")
	left := map[string]bool{}
	var names []string
	for _, row := range table {
		left[row.From] = true
		for _, name := range []string{row.From, row.To} {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	for _, name := range names {
		if id := stateID(name); id != name {
			fmt.Fprintf(b, "    state %q as %s\n", name, id)
		}
	}
	fmt.Fprintf(b, "    [*] --> %s\n", stateID(table[0].From))
	for _, arrow := range arrows(table) {
		fmt.Fprintf(b, "    %s --> %s: %s\n", stateID(arrow.From), stateID(arrow.To), arrow.Input)
	}
	for _, name := range names {
		if !left[name] {
			fmt.Fprintf(b, "    %s --> [*]\n", stateID(name))
		}
	}
	b.WriteString("```\n")
}

// arrows joins the rows that have both phases in common.
func arrows(table []lifecycle.Transition) (drawn []lifecycle.Transition) {
	for _, row := range table {
		joined := false
		for i := range drawn {
			if a := &drawn[i]; a.From == row.From && a.To == row.To {
				a.Input, joined = a.Input+" / "+row.Input, true
			}
		}
		if !joined {
			drawn = append(drawn, row)
		}
	}
	return drawn
}

func stateID(name string) string { return strings.ReplaceAll(name, " ", "_") }
