package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/sharding"
)

// A kind is how the cell of a shard looks. The colours fill the cell; without
// colour the sign tells.
type kind struct {
	name  string
	sign  string
	style string
}

const (
	active = iota
	authenticating
	connecting
	waiting
	disconnected
	closed
)

// kinds stand for the phases. Dialing and connected look the same: nobody can
// tell them apart in time.
var kinds = [...]kind{
	active:         {"active", "#", "32;42"},
	authenticating: {"authenticating", "a", "36;46"},
	connecting:     {"connecting", "c", "34;44"},
	waiting:        {"queued", ".", "33;43"},
	disconnected:   {"disconnected", "!", "31;41"},
	closed:         {"closed", "x", "90;100"},
}

// kindOf returns an index of kinds.
func kindOf(s sharding.ShardStats) int {
	switch {
	case s.Phase == gatewayshard.Closed:
		return closed
	case s.Phase == gatewayshard.Active:
		return active
	case s.Phase == gatewayshard.Authenticating:
		return authenticating
	case s.Phase == gatewayshard.Disconnected && s.Connections > 0:
		return disconnected
	case s.Phase == gatewayshard.Waiting, s.Phase == gatewayshard.Disconnected && s.SessionID == "":
		return waiting
	}
	return connecting
}

// fleetLines is how many lines of a fleet are none of cells.
const fleetLines = 4

// fleet returns at most n lines, the most important first if n is small.
func (t table) fleet(v view, n int) []line {
	below := []line{t.identifying(v), legend(v.shards), latencies(v.shards)}
	if n < fleetLines+1 {
		return below[:min(n, len(below))]
	}
	return append(append(t.cells(v.shards, n-fleetLines), line{}), below...)
}

// labelWidth is that of the number of the first shard in a row of cells.
const labelWidth = 6

// cells returns at most n rows. A row has a round number of cells, so that
// shards are easy to find.
func (t table) cells(shards []sharding.ShardStats, n int) (out []line) {
	gap := " "
	row := round((t.width - labelWidth) / 2)
	if len(shards) > n*row {
		gap = ""
		row = round(t.width - labelWidth)
	}
	for first := 0; first < len(shards); first += row {
		if len(out) == n-1 && first+row < len(shards) {
			return append(out, styled(fmt.Sprintf("%4d  and %d more", first, len(shards)-first), faint))
		}
		l := line{{fmt.Sprintf("%4d  ", first), faint}}
		for _, s := range shards[first:min(first+row, len(shards))] {
			k := kinds[kindOf(s)]
			l = append(l, span{k.sign, k.style}, span{gap, plain})
		}
		out = append(out, l.joined())
	}
	return out
}

// round rounds down to a multiple of 16 or 8, if that leaves anything.
func round(n int) int {
	for _, step := range []int{16, 8} {
		if n >= step {
			return n / step * step
		}
	}
	return max(1, n)
}

// joined returns the line with neighbours of one style made one.
func (l line) joined() (out line) {
	for _, s := range l {
		if last := len(out) - 1; last >= 0 && (s.text == "" || out[last].style == s.style) {
			out[last].text += s.text
		} else {
			out = append(out, s)
		}
	}
	return out
}

// legend counts the shards of each kind.
func legend(shards []sharding.ShardStats) line {
	var counts [len(kinds)]int
	for _, s := range shards {
		counts[kindOf(s)]++
	}
	l := line{{"shards    ", faint}}
	for i, k := range kinds {
		text := fmt.Sprintf(" %d %s  ", counts[i], k.name)
		switch {
		case i == active:
			text = fmt.Sprintf(" %d/%d %s  ", counts[i], len(shards), k.name)
		case counts[i] == 0:
			continue
		}
		l = append(l, span{k.sign, k.style}, span{text, plain})
	}
	return l
}

func latencies(shards []sharding.ShardStats) line {
	s := sumOf(shards)
	text := "mean " + milliseconds(s.latency)
	if s.slowest > 0 {
		text += fmt.Sprintf("  slowest %s (shard %d)", milliseconds(s.slowest), s.slow)
	}
	text += fmt.Sprintf("  reconnects %d  resumes %d  identifies %d", s.reconnects, s.resumes, s.identifies)
	return line{{"latency   ", faint}, {text, plain}}
}

// identifying shows how many shards have no need to identify, and when those
// that do will have done so.
func (t table) identifying(v view) line {
	total := len(v.shards)
	done := total - v.queued
	full := done * barWidth / total
	text := fmt.Sprintf("  %d/%d  ", done, total)
	if v.queued > 0 {
		text += fmt.Sprintf("%d in the queue, %d at once, eta %v", v.queued, v.buckets, v.eta.Round(100*time.Millisecond))
	} else {
		text += "queue empty"
	}
	return line{
		{"identify  ", faint},
		{strings.Repeat("#", full), kinds[active].style},
		{strings.Repeat("-", barWidth-full), faint},
		{text, plain},
	}
}
