package main

import (
	"fmt"
	"time"

	"github.com/discordpkg/gateway/bench/report"
	"github.com/discordpkg/gateway/bench/voice/caller"
	"github.com/discordpkg/gateway/internal/rtp"
)

// mostAgainst is what a change may cost on the path of a packet.
const mostAgainst = 1.05

// goals are what this library wants to be. Those on time hold for figures of
// one run on one machine only.
func (r results) goals() (all report.Goals) {
	all = append(all, r.cipherGoals()...)
	for _, part := range []string{sending, receiving} {
		f, ok := r.figures[contest{part: part, caller: caller.Gateway}.String()]
		all = append(all, report.Goal{Text: "allocations per packet, " + part, Got: f.Allocs, Want: 0.01, Known: ok})
	}
	all = append(all, report.VersusGoals(r.versus(), mostAgainst)...)
	all = append(all, r.concertGoals()...)
	for _, name := range groupLines() {
		c, ok := r.groups[name]
		all = append(all, report.Goal{Text: fmt.Sprintf("%s, group of %d, beside davey", name, r.settings.members), Got: c.Ours / c.Theirs, Want: 2, Unit: "x", Known: ok})
	}
	return append(all, r.loadGoals()...)
}

func (r results) cipherGoals() (all []report.Goal) {
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
			all = append(all, report.Goal{Text: g.text + ", " + string(mode), Got: c.Ratio, Want: g.want, Unit: "x", Known: ok})
		}
	}
	c, ok := r.cipher(string(rtp.AES256GCM), daveSeal)
	all = append(all, report.Goal{Text: "DAVE and seal of 20 ms of Opus", Got: c.Time / 1e3, Want: 1.5, Unit: " us", Known: ok})
	most := 0.0
	for _, c := range r.ciphers {
		most = max(most, c.Allocs)
	}
	return append(all, report.Goal{Text: "allocations of any cipher per packet", Got: most, Want: 0.01, Known: len(r.ciphers) > 0})
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

func (r results) concertGoals() []report.Goal {
	c := r.concerts[contest{part: playing, caller: caller.Gateway}.String()]
	known := c.Packets > 0
	of := fmt.Sprintf(" of %d simultaneous senders", r.settings.calls)
	return []report.Goal{
		{Text: "p99 lateness" + of, Got: float64(c.P99) / ms, Want: 2, Unit: " ms", Known: known},
		{Text: "drift" + of + fmt.Sprintf(" over %v", r.settings.time), Got: float64(c.Drift) / ms, Want: 1, Unit: " ms", Known: known},
	}
}

// loadGoals wants nothing to be lost by a server that has processor left, and
// that one which has not does not waste any on what it cannot forward.
func (r results) loadGoals() (all []report.Goal) {
	var least, last float64
	for _, s := range r.settings.steps() {
		l, ok := r.loads[batched+" "+s.String()]
		if s.Rate == 50 {
			text := fmt.Sprintf("loss in %d channels, %d of %d speaking", r.settings.channels, s.Speakers, channelSize)
			all = append(all, report.Goal{Text: text, Got: 100 * l.InLoss, Want: 0, Unit: " %", Known: ok})
		}
		if !ok {
			continue
		}
		if last = l.CPU; least == 0 || last < least {
			least = last
		}
	}
	return append(all, report.Goal{
		Text: "processor time per copy under the heaviest load, beside the least", Got: last / least, Want: 1.25, Unit: "x", Known: last > 0,
	})
}
