package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/internal/phase"
	"github.com/discordpkg/gateway/opcode"
)

// A step is a message that moves a connection to another phase. Which message
// is legal where is for the table to say; the test holds the steps against it.
type step struct {
	from, to   phase.Phase
	fromServer bool
	op         opcode.Type
	label      string
}

var steps = []step{
	{phase.Hello, phase.Identify, true, opcode.Hello, "Hello"},
	{phase.Identify, phase.Ready, false, opcode.Identify, "Identify"},
	{phase.Identify, phase.Ready, false, opcode.Resume, "Resume"},
	{phase.Ready, phase.Active, true, opcode.Dispatch, "READY"},
	{phase.Ready, phase.Active, true, opcode.Dispatch, "RESUMED"},
	{phase.Hello, phase.Closed, true, opcode.Reconnect, "Reconnect"},
	{phase.Identify, phase.Closed, true, opcode.Reconnect, "Reconnect"},
	{phase.Identify, phase.Closed, true, opcode.InvalidSession, "Invalid Session"},
	{phase.Ready, phase.Closed, true, opcode.Reconnect, "Reconnect"},
	{phase.Ready, phase.Closed, true, opcode.InvalidSession, "Invalid Session"},
	{phase.Active, phase.Closed, true, opcode.Reconnect, "Reconnect"},
	{phase.Active, phase.Closed, true, opcode.InvalidSession, "Invalid Session"},
}

// all lists the phases in the order of a connection's life.
func all() (list []phase.Phase) {
	for p := phase.Hello; p <= phase.Closed; p++ {
		list = append(list, p)
	}
	return list
}

// phases draws the page.
func phases() []byte {
	var b bytes.Buffer
	b.WriteString(`# The phases of a gateway connection

Drawn from ` + "`internal/phase`" + ` by ` + "`make generate`" + `. Do not edit.

The client follows these tables, the test server enforces them. An arrow to the
right is a message from the server, to the left one from the client. Every
phase also ends when either side closes.

`)
	diagram(&b)
	b.WriteString("\n## What a client may send\n\nElse the server closes with the code in the cell.\n\n")
	table(&b, func(p phase.Phase, op opcode.Type) string {
		code, legal := p.Verdict(op)
		return cell(code, legal)
	})
	b.WriteString("\n## What a server may send\n\nElse the client ignores it.\n\n")
	table(&b, func(p phase.Phase, op opcode.Type) string { return cell(0, p.ServerMay(op)) })
	return b.Bytes()
}

func diagram(b *bytes.Buffer) {
	fmt.Fprintf(b, "```mermaid\nstateDiagram-v2\n    [*] --> %s\n", phase.Hello)
	for i, s := range steps {
		if i > 0 && s.joins(steps[i-1]) {
			continue
		}
		labels := []string{s.label}
		for _, next := range steps[i+1:] {
			if !next.joins(s) {
				break
			}
			labels = append(labels, next.label)
		}
		arrow := "←"
		if s.fromServer {
			arrow = "→"
		}
		fmt.Fprintf(b, "    %s --> %s: %s %s\n", s.from, s.to, arrow, strings.Join(labels, " / "))
	}
	fmt.Fprintf(b, "    %s --> [*]\n```\n", phase.Closed)
}

// joins reports whether both steps are one arrow of the diagram.
func (s step) joins(t step) bool {
	return s.from == t.from && s.to == t.to && s.fromServer == t.fromServer
}

func table(b *bytes.Buffer, judge func(phase.Phase, opcode.Type) string) {
	b.WriteString("| opcode | |")
	for _, p := range all() {
		fmt.Fprintf(b, " %s |", p)
	}
	b.WriteString("\n|---:|---|" + strings.Repeat(":---:|", len(all())) + "\n")
	for _, op := range opcode.All() {
		fmt.Fprintf(b, "| %d | %s |", uint(op), op)
		for _, p := range all() {
			fmt.Fprintf(b, " %s |", judge(p, op))
		}
		b.WriteByte('\n')
	}
}

func cell(code closecode.Type, legal bool) string {
	switch {
	case legal:
		return "yes"
	case code != 0:
		return fmt.Sprintf("%d", uint(code))
	}
	return ""
}
