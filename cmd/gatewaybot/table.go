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
	minHeight = 10 // room for the shards, one event and no news
	logLines  = 4
	barWidth  = 20
)

// A line is one line of a table, in parts that differ in style.
type line []span

type span struct {
	text  string
	style string // of an ANSI escape sequence: "1" is bold, empty is plain
}

const (
	plain = ""
	bold  = "1"
	faint = "2"
)

func styled(text, style string) line { return line{{text, style}} }

// layout returns the lines. News are the latest lines of the log.
func (t table) layout(v view, news []string) []line {
	height := max(minHeight, t.height)
	news = news[max(0, len(news)-min(logLines, height-minHeight)):]
	// Besides shards, events and news there are the title, the heading of the
	// events, the total, three empty lines, and the one where the cursor waits.
	room := height - 7 - len(news)
	var shards []line
	if len(v.shards) > 1 {
		shards = t.fleet(v, max(2, room*2/3))
	} else {
		shards = t.shard(v)
	}
	events := t.events(v, max(1, room-len(shards)))

	out := []line{styled(v.title+"  "+clock(v), bold), {}}
	out = append(out, shards...)
	out = append(out, line{}, styled(fmt.Sprintf("%-31s %10s %10s", "event", "count", "per second"), faint))
	out = append(out, events...)
	out = append(out, styled(fmt.Sprintf("%-31s %10d %10.1f", "all", v.total.count, v.total.rate), bold))
	if len(news) > 0 {
		out = append(out, line{})
	}
	for _, n := range news {
		out = append(out, styled(n, faint))
	}
	for i := range out {
		out[i] = out[i].fit(t.width)
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

// shard returns the heading and the line of the only shard.
func (t table) shard(v view) []line {
	out := []line{styled(fmt.Sprintf("%-5s  %-19s %10s %10s %11s %8s %10s", "shard", "phase", "seq", "latency", "connections", "resumes", "last close"), faint)}
	for _, s := range v.shards {
		last := "-"
		if s.LastClose != 0 {
			last = fmt.Sprint(uint16(s.LastClose))
		}
		out = append(out, styled(fmt.Sprintf("%-5d  %-19s %10d %10s %11d %8d %10s", s.ID, s.Phase, s.Seq, milliseconds(s.Latency), s.Connections, s.Resumes, last), plain))
	}
	return out
}

func milliseconds(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2fms", d.Seconds()*1000)
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
	return styled(strings.TrimRight(fmt.Sprintf("%-31s %10d %10.1f  %s", fit(name, 31), e.count, e.rate, bar), " "), plain)
}

// fit cuts the line to the width, and makes it safe.
func (l line) fit(width int) line {
	out := make(line, 0, len(l))
	for _, s := range l {
		s.text = fit(s.text, width)
		width -= len(s.text)
		out = append(out, s)
	}
	return out
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
