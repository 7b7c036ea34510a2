package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// A result is what the run came to.
type result struct {
	view       view
	sent       int64 // by the local Discord, until the traffic ended
	replayed   int   // by the local Discord
	breaches   int   // of its rules
	lost       int64
	duplicated int64
	sessions   int // READYs
	resumes    int
	resumedCut int // after the cut
}

// writeCounts writes how often each event came.
func (r *result) writeCounts(w io.Writer) {
	for _, e := range r.view.events {
		fmt.Fprintf(w, "%-31s %10d\n", fit(string(e.name), 31), e.count)
	}
}

// write writes one line that is easy to find and to parse.
func (r *result) write(w io.Writer, local bool) {
	var b strings.Builder
	s := sumOf(r.view.shards)
	fmt.Fprintf(&b, "events=%d lost=%d duplicated=%d resumes=%d reconnects=%d sessions=%d identifies=%d bytes=%d", r.view.total.count,
		r.lost, r.duplicated, r.resumes, s.reconnects, r.sessions, s.identifies, s.bytesIn)
	if local {
		fmt.Fprintf(&b, " sent=%d replayed=%d violations=%d", r.sent, r.replayed, r.breaches)
	}
	fmt.Fprintf(&b, " elapsed=%v\n", r.view.elapsed.Round(10*time.Millisecond))
	_, _ = io.WriteString(w, b.String())
}
