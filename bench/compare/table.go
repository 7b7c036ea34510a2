package main

import (
	"fmt"
	"strings"

	"github.com/discordpkg/gateway/bench/contestant"
	"github.com/discordpkg/gateway/bench/process"
	"github.com/discordpkg/gateway/bench/report"
)

// results are medians by the name of the contest.
type results struct {
	settings   settings
	turns      map[string][]contestant.Figure // of each round
	figures    map[string]contestant.Figure   // their medians
	footprints map[string]process.Footprint
}

// markdown returns the whole report.
func (r results) markdown() string {
	var b strings.Builder
	s := r.settings
	fmt.Fprintf(&b, "# Beside others\n\n%s\n", process.Machine(compared...))
	fmt.Fprintf(&b, "%d dispatches of some 855 bytes (seed %d), medians of %d rounds in which all take turns. The processor time is that of the\n"+
		"client's process, in the kernel too; the server is another process. Floors read and throw away, after inflating what is\n"+
		"compressed. Clients have no handler and no cache, unless a line says so; a raw handler takes each event as JSON, the typed\n"+
		"one decodes MESSAGE_CREATE (18 %% of the events) into discordgo's Message. discordgo and disgo decode every event anyhow, package\n"+
		"discord does where it says structs.\n\n", s.events, s.seed, s.rounds)
	b.WriteString(r.eventTable())
	if s.shards > 0 {
		fmt.Fprintf(&b, "\n## Idle shards\n\nPer shard of %d in one process, each after a GUILD_CREATE of 70 kB, 50 events and two heartbeats. Heap, stacks and the trimmed\n"+
			"resident memory are those after a garbage collection, the resident memory is as found.\n"+
			"With TLS, discordgo has zlib for single messages: it knows no zlib-stream.\n\n", s.shards)
		b.WriteString(r.idleTable())
	}
	if s.other != nil {
		b.WriteString(report.VersusTable(s.other.Name, r.versus()))
	}
	fmt.Fprintf(&b, "\n## Goals\n\n%s", r.goals())
	return b.String()
}

func (r results) eventTable() string {
	var b strings.Builder
	b.WriteString("## Events\n\n| mode | client | processor time | events/s per core | allocations | bytes | floors | gateways |\n|---|---|--:|--:|--:|--:|--:|--:|\n")
	for _, c := range events() {
		f, ok := r.figures[c.String()]
		if !ok {
			continue
		}
		fmt.Fprintf(&b, "| %s | %s | %s us | %.0f | %.2f | %.0f | %s | %s |\n", c.mode, c.name, report.Short(f.CPU/1e3), 1e9/f.CPU, f.Allocs, f.Bytes,
			report.Ratio(f.CPU, r.figures[c.mode+" "+floor].CPU), report.Ratio(f.CPU, r.figures[c.mode+" "+ours].CPU))
	}
	return b.String()
}

func (r results) idleTable() string {
	var b strings.Builder
	b.WriteString("| mode | client | goroutines | heap | heap in use | stacks | resident | trimmed | gateways |\n|---|---|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, c := range rests() {
		f, ok := r.footprints[c.String()]
		if !ok {
			continue
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s KiB | %s KiB | %s KiB | %s KiB | %s KiB | %s |\n", c.mode, c.name, report.Short(f.Goroutines), report.Short(f.Heap/kib),
			report.Short(f.HeapInUse/kib), report.Short(f.Stack/kib), report.Short(f.Resident/kib), report.Short(f.Trimmed/kib), report.Ratio(f.Resident, r.footprints[c.mode+" "+ours].Resident))
	}
	return b.String()
}

// compared are the modules whose versions the tables depend on.
var compared = []string{
	"github.com/bwmarrin/discordgo", "github.com/disgoorg/disgo", "github.com/gobwas/ws", "github.com/klauspost/compress",
}
