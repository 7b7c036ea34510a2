package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/discordpkg/gateway/bench/voice/caller"
	"github.com/discordpkg/gateway/internal/rtp"
)

// A goal is what a figure should be.
type goal struct {
	text  string
	got   float64
	want  float64 // at most
	unit  string
	known bool // it was measured
}

func (g goal) met() bool { return g.got <= g.want }

func (g goal) String() string {
	if !g.known {
		return "- [ ] " + g.text + ": not measured"
	}
	mark := " "
	if g.met() {
		mark = "x"
	}
	return fmt.Sprintf("- [%s] %s: %s%s, wanted at most %s%s", mark, g.text, short(g.got), g.unit, short(g.want), g.unit)
}

// goals are what this library wants to be. Those on time hold for figures of
// one run on one machine only.
func (r results) goals() (all []goal) {
	all = append(all, r.cipherGoals()...)
	for _, part := range []string{sending, receiving} {
		f, ok := r.figures[contest{part, caller.Gateway}.String()]
		all = append(all, goal{text: "allocations per packet, " + part, got: f.Allocs, want: 0.01, known: ok})
	}
	all = append(all, r.concertGoals()...)
	for _, name := range groupLines() {
		c, ok := r.groups[name]
		all = append(all, goal{text: fmt.Sprintf("%s, group of %d, beside davey", name, r.settings.members), got: c.Ours / c.Theirs, want: 2, unit: "x", known: ok})
	}
	return append(all, r.loadGoals()...)
}

func (r results) cipherGoals() (all []goal) {
	for _, mode := range rtp.Modes() {
		for _, g := range []struct {
			name, text string
			want       float64
		}{
			{seal, "seal, beside the bare AEAD", 1.2},
			{unseal, "open, beside the bare AEAD", 1.2},
			{daveSeal, "DAVE and seal, beside two bare seals", 2.2},
		} {
			c, ok := r.cipher(string(mode), g.name)
			all = append(all, goal{text: g.text + ", " + string(mode), got: c.Ratio, want: g.want, unit: "x", known: ok})
		}
	}
	c, ok := r.cipher(string(rtp.AES256GCM), daveSeal)
	all = append(all, goal{text: "DAVE and seal of 20 ms of Opus", got: c.Time / 1e3, want: 1.5, unit: " us", known: ok})
	most := 0.0
	for _, c := range r.ciphers {
		most = max(most, c.Allocs)
	}
	return append(all, goal{text: "allocations of any cipher per packet", got: most, want: 0.01, known: len(r.ciphers) > 0})
}

func (r results) cipher(mode, name string) (cipherCost, bool) {
	for _, c := range r.ciphers {
		if c.Mode == mode && c.Name == name {
			return c, true
		}
	}
	return cipherCost{}, false
}

const ms = float64(time.Millisecond)

func (r results) concertGoals() []goal {
	c := r.concerts[contest{playing, caller.Gateway}.String()]
	known := c.Packets > 0
	of := fmt.Sprintf(" of %d simultaneous senders", r.settings.calls)
	return []goal{
		{text: "p99 lateness" + of, got: float64(c.P99) / ms, want: 2, unit: " ms", known: known},
		{text: "drift" + of + fmt.Sprintf(" over %v", r.settings.time), got: float64(c.Drift) / ms, want: 1, unit: " ms", known: known},
	}
}

// loadGoals wants nothing to be lost by a server that has processor left, and
// that one which has not does not waste any on what it cannot forward.
func (r results) loadGoals() (all []goal) {
	var least, last float64
	for _, s := range r.settings.steps() {
		l, ok := r.loads[batched+" "+s.String()]
		if s.Rate == 50 {
			text := fmt.Sprintf("loss in %d channels, %d of %d speaking", r.settings.channels, s.Speakers, channelSize)
			all = append(all, goal{text: text, got: 100 * l.InLoss, want: 0, unit: " %", known: ok})
		}
		if !ok {
			continue
		}
		if last = l.CPU; least == 0 || last < least {
			least = last
		}
	}
	return append(all, goal{
		text: "processor time per copy under the heaviest load, beside the least", got: last / least, want: 1.25, unit: "x", known: last > 0,
	})
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
