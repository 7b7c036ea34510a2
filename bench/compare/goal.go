package main

import (
	"math"

	"github.com/discordpkg/gateway/bench/contestant"
	"github.com/discordpkg/gateway/bench/report"
)

// mostAgainst is what a change may cost on the path of an event.
const mostAgainst = 1.03

// goals are what this library wants to be. Those on time hold for figures of
// one run on one machine only.
func (r results) goals() report.Goals {
	cpu := func(c contestant.Figure) float64 { return c.CPU }
	var all report.Goals
	times := func(text string, aMode, aName, bMode, bName string, want float64, atLeast bool) {
		a, b := r.figures[aMode+" "+aName], r.figures[bMode+" "+bName]
		g := report.Goal{Text: text, Want: want, AtLeast: atLeast, Unit: "x", Known: a.CPU > 0 && b.CPU > 0}
		if g.Known {
			g.Got = cpu(a) / cpu(b)
		}
		all = append(all, g)
	}
	times("json, beside the floor", plainJSON, ours, plainJSON, floor, 2, false)
	times("json, less than discordgo", plainJSON, discordgo, plainJSON, ours, 25, true)
	times("json, less than disgo", plainJSON, disgo, plainJSON, ours, 25, true)
	times("json with a typed handler, less than discordgo", typedJSON, discordgo, typedJSON, ours, 4, true)
	times("the same into MessageCreate, as discordgo does", typedJSON, discordgo, typedJSON, oursSame, 4, true)
	times("every event a struct, less than discordgo", allJSON, discordgo, allJSON, ours, 12, true)
	times("every event a struct, less than disgo", allJSON, disgo, allJSON, ours, 12, true)
	times("every event a struct, from etf beside json", allETF, ours, allJSON, ours, 1, false)
	times("zlib-stream, beside the floor", zlib, ours, zlib, floor, 1.2, false)
	times("zlib-stream, less than disgo", zlib, disgo, zlib, ours, 6, true)
	times("zstd-stream, beside the floor", zstd, ours, zstd, floor, 1.2, false)
	times("zstd-stream, less than disgo", zstd, disgo, zstd, ours, 6, true)
	times("etf, beside json, each event handled", etf, oursRaw, plainJSON, oursRaw, 1.5, false)
	structs, ok := r.figures[allJSON+" "+ours]
	all = append(all, report.Goal{Text: "allocations per event, each a struct", Got: structs.Allocs, Want: 3, Known: ok})
	for _, c := range events() {
		if c.job.Client == "gateway" && c.job.Handler != contestant.Message && c.job.Handler != contestant.Create && c.job.Handler != contestant.Structs {
			f, ok := r.figures[c.String()]
			all = append(all, report.Goal{Text: "allocations per event, " + c.String(), Got: f.Allocs, Want: 0.01, Known: ok})
		}
	}
	all = append(all, report.VersusGoals(r.versus(), mostAgainst)...)
	return append(all, r.idleGoals()...)
}

const kib = 1 << 10

func (r results) idleGoals() []report.Goal {
	plain, havePlain := r.footprints[plainIdle+" "+ours]
	tls, haveTLS := r.footprints[tlsIdle+" "+ours]
	all := []report.Goal{
		{Text: "goroutines of an idle shard", Got: math.Round(plain.Goroutines*100) / 100, Want: 1, Known: havePlain},
		{Text: "heap of an idle shard", Got: plain.Heap / kib, Want: 24, Unit: " KiB", Known: havePlain},
	}
	for _, peer := range []string{discordgo, disgo} {
		other, ok := r.footprints[tlsIdle+" "+peer]
		g := report.Goal{Text: "resident memory of an idle shard with TLS and zlib, less than " + peer, Want: 3, AtLeast: true, Unit: "x"}
		if g.Known = ok && haveTLS && tls.Resident > 0; g.Known {
			g.Got = other.Resident / tls.Resident
		}
		all = append(all, g)
	}
	return all
}
