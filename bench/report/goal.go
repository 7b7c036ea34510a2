// Package report is how the benchmarks tell what they measured: figures, ratios
// and goals, in Markdown.
package report

import (
	"errors"
	"fmt"
	"strings"
)

// ErrMissed reports that a goal is missed.
var ErrMissed = errors.New("a goal is missed")

// A Goal is what a figure should be.
type Goal struct {
	Text    string
	Got     float64
	Want    float64
	AtLeast bool // else at most
	Unit    string
	Known   bool // it was measured
}

// Goals are all of a report.
type Goals []Goal

func (g Goal) met() bool {
	if g.AtLeast {
		return g.Got >= g.Want
	}
	return g.Got <= g.Want
}

func (g Goal) String() string {
	if !g.Known {
		return "- [ ] " + g.Text + ": not measured"
	}
	mark, bound := " ", "at most"
	if g.met() {
		mark = "x"
	}
	if g.AtLeast {
		bound = "at least"
	}
	return fmt.Sprintf("- [%s] %s: %s%s, wanted %s %s%s", mark, g.Text, Short(g.Got), g.Unit, bound, Short(g.Want), g.Unit)
}

// Missed reports whether a goal is not met, or could not be measured.
func (all Goals) Missed() bool {
	for _, g := range all {
		if !g.Known || !g.met() {
			return true
		}
	}
	return false
}

// String returns a line for each goal.
func (all Goals) String() string {
	var b strings.Builder
	for _, g := range all {
		fmt.Fprintln(&b, g)
	}
	return b.String()
}
