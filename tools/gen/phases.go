package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/internal/phase"
	"github.com/discordpkg/gateway/opcode"
)

// A phaseOf is a phase of either protocol, with its table of what is legal.
type phaseOf[O, C any] interface {
	comparable
	fmt.Stringer
	ClientMay(O) bool
	ServerMay(O) bool
	Verdict(O) (C, bool)
}

// A machine is one of the two protocols, as it is drawn.
type machine[P phaseOf[O, C], O interface {
	~uint | ~uint8
	fmt.Stringer
}, C ~uint16] struct {
	phases []P // in the order of a connection's life, the last is the end
	ops    []O
	steps  []step[P]
}

// A step is a message that moves a connection to another phase.
type step[P any] struct {
	from, to   P
	fromServer bool
	label      string
}

func gatewaySteps() (drawn []step[phase.Phase]) {
	for _, s := range phase.Steps() {
		label := s.Op.String()
		if s.Event != "" {
			label = string(s.Event)
		}
		drawn = append(drawn, step[phase.Phase]{s.From, s.To, s.FromServer, label})
	}
	return drawn
}

func voiceSteps() (drawn []step[phase.Voice]) {
	for _, s := range phase.VoiceSteps() {
		label := s.Op.String()
		if s.Keyed {
			label += " with a key"
		}
		drawn = append(drawn, step[phase.Voice]{s.From, s.To, s.FromServer, label})
	}
	return drawn
}

var gatewayMachine = machine[phase.Phase, opcode.Type, closecode.Type]{
	phases: []phase.Phase{phase.Hello, phase.Identify, phase.Ready, phase.Active, phase.Closed},
	ops:    opcode.All(),
	steps:  gatewaySteps(),
}

var voiceMachine = machine[phase.Voice, opcode.Voice, closecode.Voice]{
	phases: []phase.Voice{phase.VoiceHello, phase.VoiceIdentify, phase.VoiceReady, phase.VoiceSelect, phase.VoiceActive, phase.VoiceClosed},
	ops:    opcode.AllVoice(),
	steps:  voiceSteps(),
}

// phases draws the page.
func phases() []byte {
	var b bytes.Buffer
	b.WriteString(`# The phases of a connection

Drawn from ` + "`internal/phase`" + ` by ` + "`make generate`" + `. Do not edit.

The client follows these tables, the test servers enforce them. An arrow to the
right is a message from the server, to the left one from the client. Every
phase also ends when either side closes.

# The gateway

`)
	gatewayMachine.draw(&b)
	b.WriteString("\n# The voice gateway\n\n")
	voiceMachine.draw(&b)
	return b.Bytes()
}

func (m *machine[P, O, C]) draw(b *bytes.Buffer) {
	m.diagram(b)
	b.WriteString("\n## What a client may send\n\nElse the server closes with the code in the cell.\n\n")
	m.table(b, func(p P, op O) string {
		code, legal := p.Verdict(op)
		return cell(uint(code), legal)
	})
	b.WriteString("\n## What a server may send\n\nElse the client ignores it.\n\n")
	m.table(b, func(p P, op O) string { return cell(0, p.ServerMay(op)) })
}

func (m *machine[P, O, C]) diagram(b *bytes.Buffer) {
	fmt.Fprintf(b, "```mermaid\nstateDiagram-v2\n    [*] --> %s\n", m.phases[0])
	for i, s := range m.steps {
		if i > 0 && joined(s, m.steps[i-1]) {
			continue
		}
		labels := []string{s.label}
		for _, next := range m.steps[i+1:] {
			if !joined(next, s) {
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
	fmt.Fprintf(b, "    %s --> [*]\n```\n", m.phases[len(m.phases)-1])
}

// joined reports whether both steps are one arrow of the diagram.
func joined[P comparable](s, t step[P]) bool {
	return s.from == t.from && s.to == t.to && s.fromServer == t.fromServer
}

func (m *machine[P, O, C]) table(b *bytes.Buffer, judge func(P, O) string) {
	b.WriteString("| opcode | |")
	for _, p := range m.phases {
		fmt.Fprintf(b, " %s |", p)
	}
	b.WriteString("\n|---:|---|" + strings.Repeat(":---:|", len(m.phases)) + "\n")
	for _, op := range m.ops {
		fmt.Fprintf(b, "| %d | %s |", uint(op), op)
		for _, p := range m.phases {
			fmt.Fprintf(b, " %s |", judge(p, op))
		}
		b.WriteByte('\n')
	}
}

func cell(code uint, legal bool) string {
	switch {
	case legal:
		return "yes"
	case code != 0:
		return fmt.Sprintf("%d", code)
	}
	return ""
}
