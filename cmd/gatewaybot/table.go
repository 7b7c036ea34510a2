package main

import (
	"fmt"
	"strings"
	"time"
)

// A table lays a view out as lines of text for a terminal: plain ASCII, no
// longer than width, and fewer than height.
type table struct {
	width  int // columns
	height int // lines
}

const (
	minHeight = 10 // room for one shard, one event and no news
	logLines  = 4
	barWidth  = 20
)

// A line is one line of a table.
type line struct {
	text  string
	style string // of an ANSI escape sequence: "1" is bold, empty is plain
}

const (
	plain = ""
	bold  = "1"
	faint = "2"
)

// layout returns the lines. News are the latest lines of the log.
func (t table) layout(v view, news []string) []line {
	height := max(minHeight, t.height)
	news = news[max(0, len(news)-min(logLines, height-minHeight)):]
	// Besides shards, events and news there are the title, two headings, the
	// total, three empty lines, and the one where the cursor waits.
	room := height - 8 - len(news)
	shards := t.shards(v, max(1, min(len(v.shards), room/2)))
	events := t.events(v, max(1, room-len(shards)))

	out := []line{{v.title + "  " + clock(v), bold}, {}}
	out = append(out, line{fmt.Sprintf("%-5s  %-19s %10s %10s %11s %8s %10s", "shard", "phase", "seq", "latency", "connections", "resumes", "last close"), faint})
	out = append(out, shards...)
	out = append(out, line{}, line{fmt.Sprintf("%-31s %10s %10s", "event", "count", "per second"), faint})
	out = append(out, events...)
	out = append(out, line{fmt.Sprintf("%-31s %10d %10.1f", "all", v.total.count, v.total.rate), bold})
	if len(news) > 0 {
		out = append(out, line{})
	}
	for _, n := range news {
		out = append(out, line{n, faint})
	}
	for i := range out {
		out[i].text = fit(out[i].text, t.width)
	}
	return out
}

// clock returns how long the bot has run, and how long it will.
func clock(v view) string {
	s := v.elapsed.Truncate(time.Second).String()
	if v.length > 0 {
		s += " of " + v.length.String()
	}
	return s
}

// shards returns at most n lines.
func (t table) shards(v view, n int) (out []line) {
	for id, s := range v.shards {
		if len(out) == n-1 && len(v.shards) > n {
			return append(out, line{text: fmt.Sprintf("and %d more", len(v.shards)-id)})
		}
		latency, last := "-", "-"
		if s.Latency > 0 {
			latency = fmt.Sprintf("%.2fms", s.Latency.Seconds()*1000)
		}
		if s.LastClose != 0 {
			last = fmt.Sprint(uint16(s.LastClose))
		}
		out = append(out, line{text: fmt.Sprintf("%-5d  %-19s %10d %10s %11d %8d %10s", id, s.Phase, s.Seq, latency, s.Connections, s.Resumes, last)})
	}
	return out
}

// events returns at most n lines, the last of which stands for the rest.
func (t table) events(v view, n int) (out []line) {
	for i, e := range v.events {
		if len(out) == n-1 && len(v.events) > n {
			rest := tally{}
			for _, e := range v.events[i:] {
				rest.count += e.count
				rest.rate += e.rate
			}
			return append(out, eventLine(fmt.Sprintf("%d others", len(v.events)-i), rest, v))
		}
		out = append(out, eventLine(string(e.name), e, v))
	}
	return out
}

func eventLine(name string, e tally, v view) line {
	share := float64(e.count) / float64(max(1, v.total.count))
	bar := strings.Repeat("#", int(share*barWidth+0.5))
	return line{text: strings.TrimRight(fmt.Sprintf("%-31s %10d %10.1f  %s", fit(name, 31), e.count, e.rate, bar), " ")}
}

// fit cuts s to the width, and makes it safe for a terminal: names of events
// come from outside.
func fit(s string, width int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), width)]
}
