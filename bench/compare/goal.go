package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/discordpkg/gateway/bench/contestant"
)

// A goal compares two figures of one run.
type goal struct {
	text    string
	got     float64
	want    float64
	atLeast bool // else at most
	unit    string
	known   bool // both figures were measured
}

func (g goal) met() bool {
	if g.atLeast {
		return g.got >= g.want
	}
	return g.got <= g.want
}

func (g goal) String() string {
	if !g.known {
		return "- [ ] " + g.text + ": not measured"
	}
	mark, bound := " ", "at most"
	if g.met() {
		mark = "x"
	}
	if g.atLeast {
		bound = "at least"
	}
	return fmt.Sprintf("- [%s] %s: %s%s, wanted %s %s%s", mark, g.text, short(g.got), g.unit, bound, short(g.want), g.unit)
}

// goals are what this library wants to be. Those on time hold for figures of
// one run on one machine only.
func (r results) goals() []goal {
	cpu := func(c contestant.Figure) float64 { return c.CPU }
	var all []goal
	times := func(text string, aMode, aName, bMode, bName string, want float64, atLeast bool) {
		a, b := r.figures[aMode+" "+aName], r.figures[bMode+" "+bName]
		g := goal{text: text, want: want, atLeast: atLeast, unit: "x", known: a.CPU > 0 && b.CPU > 0}
		if g.known {
			g.got = cpu(a) / cpu(b)
		}
		all = append(all, g)
	}
	times("json, beside the floor", plainJSON, ours, plainJSON, floor, 2, false)
	times("json, less than discordgo", plainJSON, discordgo, plainJSON, ours, 25, true)
	times("json, less than disgo", plainJSON, disgo, plainJSON, ours, 25, true)
	times("json with a typed handler, less than discordgo", typedJSON, discordgo, typedJSON, ours, 4, true)
	times("the same into MessageCreate, as discordgo does", typedJSON, discordgo, typedJSON, oursSame, 4, true)
	times("zlib-stream, beside the floor", zlib, ours, zlib, floor, 1.2, false)
	times("zlib-stream, less than disgo", zlib, disgo, zlib, ours, 6, true)
	times("zstd-stream, beside the floor", zstd, ours, zstd, floor, 1.2, false)
	times("zstd-stream, less than disgo", zstd, disgo, zstd, ours, 6, true)
	times("etf, beside json, each event handled", etf, oursRaw, plainJSON, oursRaw, 1.5, false)
	for _, c := range events() {
		if c.job.Client == "gateway" && c.job.Handler != contestant.Message && c.job.Handler != contestant.Create {
			f, ok := r.figures[c.String()]
			all = append(all, goal{text: "allocations per event, " + c.String(), got: f.Allocs, want: 0.01, known: ok})
		}
	}
	return append(all, r.idleGoals()...)
}

const kib = 1 << 10

func (r results) idleGoals() []goal {
	plain, havePlain := r.footprints[plainIdle+" "+ours]
	tls, haveTLS := r.footprints[tlsIdle+" "+ours]
	all := []goal{
		{text: "goroutines of an idle shard", got: math.Round(plain.Goroutines*100) / 100, want: 1, known: havePlain},
		{text: "heap of an idle shard", got: plain.Heap / kib, want: 24, unit: " KiB", known: havePlain},
	}
	for _, peer := range []string{discordgo, disgo} {
		other, ok := r.footprints[tlsIdle+" "+peer]
		g := goal{text: "resident memory of an idle shard with TLS and zlib, less than " + peer, want: 3, atLeast: true, unit: "x"}
		if g.known = ok && haveTLS && tls.Resident > 0; g.known {
			g.got = other.Resident / tls.Resident
		}
		all = append(all, g)
	}
	return all
}

// missed reports whether a goal is not met, or could not be measured.
func (r results) missed() bool {
	for _, g := range r.goals() {
		if !g.known || !g.met() {
			return true
		}
	}
	return false
}

func (r results) goalList() string {
	var b strings.Builder
	for _, g := range r.goals() {
		fmt.Fprintln(&b, g)
	}
	return b.String()
}
