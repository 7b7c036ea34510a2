package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

// callLines is the display of a call for files and pipes: a line each second.
type callLines struct {
	log  *slog.Logger
	seen bool
}

func (*callLines) period() time.Duration { return time.Second }

func (*callLines) close() {}

func (l *callLines) show(r *callReport) {
	if !l.seen { // nothing has happened yet
		l.seen = true
		return
	}
	var attrs []any
	what := "recording"
	if p := r.Player; p != nil {
		what = "playing"
		attrs = append(attrs, "position", playTime(p.Position, p.Length), "packets", p.Packets)
	}
	if h := r.Listener; h != nil {
		if r.Player == nil {
			attrs = append(attrs, "users", len(h.Users), "packets", h.Packets)
		}
		attrs = append(attrs, "lost", h.Lost, "jitter_p99", h.P99.String())
	}
	if p := r.Player; p != nil {
		attrs = append(attrs, "lateness_p99", p.P99.String())
	}
	l.log.Info(what, append(attrs, "rtt", r.RTT.String(), "heartbeat", r.Latency.String())...)
}

// callJSON is the display of a call for machines: an object each second.
type callJSON struct {
	w    io.Writer
	fail func(error)
}

func (callJSON) period() time.Duration { return time.Second }

func (callJSON) close() {}

func (j callJSON) show(r *callReport) {
	if err := json.NewEncoder(j.w).Encode(r); err != nil {
		j.fail(fmt.Errorf("write figures: %w", err))
	}
}

// callScreen is the display of a call for terminals.
type callScreen struct {
	*screen
	call *call
}

func (s callScreen) show(r *callReport) {
	s.draw(callPanel(s.table.width, s.call.title(), r, s.news.latest()))
}

// title says where the call is.
func (c *call) title() string {
	to := "Discord"
	switch {
	case c.discord != nil:
		to = "local Discord"
	case c.url != "":
		to = c.url
	}
	return fmt.Sprintf("%s  %v", to, c.room)
}

// callPanel lays a report out as lines no longer than width.
func callPanel(width int, title string, r *callReport, news []string) []line {
	out := []line{styled(title+"  "+time.Duration(r.Elapsed).Truncate(time.Second).String(), bold), {}}
	add := func(name, format string, args ...any) {
		out = append(out, line{{fmt.Sprintf("%-13s", name), faint}, {fmt.Sprintf(format, args...), plain}})
	}
	if p := r.Player; p != nil {
		add("file", "%s", p.File)
		out = append(out, progressBar(width, p.Position, p.Length))
		add("played", "%d packets  unsent %d  without key %d  lateness p99 %v max %v", p.Packets, p.Unsent, p.Unencrypted, p.P99, p.Max)
	}
	if h := r.Listener; h != nil {
		add("heard", "%d packets  lost %d (%.1f%%)  late %d  undecryptable %d  jitter p50 %v p99 %v",
			h.Packets, h.Lost, share(h.Lost, h.Packets+h.Lost), h.Late, h.Undecryptable, h.P50, h.P99)
		for _, u := range h.Users[:min(len(h.Users), maxOffered)] {
			add("recorded", "%v  %d packets  lost %d  %s", u.User, u.Packets, u.Lost, u.File)
		}
	}
	add("network", "round trip %v  heartbeat %v", r.RTT, r.Latency)
	switch {
	case r.E2EE.Version == 0:
		add("encryption", "not end to end: somebody in the channel cannot")
	case r.E2EE.Code == "":
		add("encryption", "end to end (DAVE %d), nobody else is there yet", r.E2EE.Version)
	default:
		add("encryption", "end to end (DAVE %d), epoch %d, %d members", r.E2EE.Version, r.E2EE.Epoch, r.E2EE.Members)
		add("privacy code", "%s", grouped(r.E2EE.Code))
	}
	if len(news) > 0 {
		out = append(out, line{})
	}
	for _, n := range news {
		out = append(out, styled(n, faint))
	}
	for i := range out {
		out[i] = out[i].fit(width)
	}
	return out
}

func share(part, of uint64) float64 { return 100 * float64(part) / float64(max(1, of)) }

// progressBar shows where the player is. Of a length that nobody knows there is
// no bar.
func progressBar(width int, at, length millis) line {
	text := playTime(at, length)
	if length == 0 {
		return styled(text, bold)
	}
	cells := max(10, min(60, width-len(text)-3))
	done := min(cells, int(float64(cells)*float64(at)/float64(length)))
	return line{
		{"[" + strings.Repeat("#", done), kinds[active].style},
		{strings.Repeat("-", cells-done) + "] ", plain},
		{text, bold},
	}
}

// playTime returns the position, and the length if it is known.
func playTime(at, length millis) string {
	if length == 0 {
		return clockTime(at)
	}
	return clockTime(min(at, length)) + "/" + clockTime(length)
}

// clockTime returns minutes, seconds and tenths.
func clockTime(m millis) string {
	d := time.Duration(m)
	return fmt.Sprintf("%d:%04.1f", int(d.Minutes()), (d % time.Minute).Truncate(100*time.Millisecond).Seconds())
}

// grouped returns digits as people compare them.
func grouped(code string) string {
	var b strings.Builder
	for i, digit := range code {
		if i > 0 && i%5 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(digit)
	}
	return b.String()
}
