package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A screen is the display for terminals: a table that is drawn over and over
// in the same place.
type screen struct {
	out    io.Writer
	table  table
	colour bool
	news   *news
	drawn  int // lines
}

// The escape sequences: the cursor is hidden and long lines do not wrap while
// the table stands, and both is undone at its end.
const (
	enterTable = "\x1b[?25l\x1b[?7l"
	leaveTable = "\x1b[?7h\x1b[?25h"
	eraseLine  = "\x1b[K"
	eraseRest  = "\x1b[J"
)

// newScreen returns a screen of the size that COLUMNS and LINES tell, 80 by 24
// if they do not.
func newScreen(out io.Writer, env func(string) string, n *news) *screen {
	s := &screen{out: out, colour: env("NO_COLOR") == "", news: n}
	s.table = table{width: sizeFrom(env("COLUMNS"), 80), height: sizeFrom(env("LINES"), 24)}
	_, _ = io.WriteString(out, enterTable)
	return s
}

func sizeFrom(s string, otherwise int) int {
	if n, err := strconv.Atoi(s); err == nil && n > 0 {
		return n
	}
	return otherwise
}

func (s *screen) period() time.Duration { return 250 * time.Millisecond }

func (s *screen) show(v view) { s.draw(s.table.layout(v, s.news.latest())) }

// draw draws with one write, so that nobody sees half a table.
func (s *screen) draw(lines []line) {
	var b bytes.Buffer
	if s.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dF", s.drawn) // to the start of the first line
	}
	for _, l := range lines {
		for _, part := range l {
			if s.colour && part.style != plain {
				part.text = "\x1b[" + part.style + "m" + part.text + "\x1b[0m"
			}
			b.WriteString(part.text)
		}
		b.WriteString(eraseLine + "\n")
	}
	b.WriteString(eraseRest)
	s.drawn = len(lines)
	_, _ = s.out.Write(b.Bytes()) // a terminal that is gone has sent a signal
}

// close leaves the last table standing.
func (s *screen) close() { _, _ = io.WriteString(s.out, leaveTable) }

// isTerminal reports whether w is a terminal that can move its cursor.
func isTerminal(w io.Writer, env func(string) string) bool {
	f, ok := w.(*os.File)
	if !ok || env("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// news keeps the latest lines of a log. It is safe for concurrent use.
type news struct {
	mu    sync.Mutex // guards what follows
	lines []string
	echo  io.Writer // of the lines, as long as there is no table; may be nil
}

// mute ends the echo, and forgets the lines, which stand above the table.
func (n *news) mute() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines, n.echo = nil, nil
}

// Write takes whole lines.
func (n *news) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.echo != nil {
		_, _ = n.echo.Write(p)
	}
	n.lines = append(n.lines, strings.TrimSuffix(string(p), "\n"))
	n.lines = n.lines[max(0, len(n.lines)-logLines):]
	return len(p), nil
}

func (n *news) latest() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.lines...)
}
