package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/discordpkg/gateway/bench/process"
)

// spareFiles is how many a process opens besides one for each shard.
const spareFiles = 100

// results are all that was measured.
type results struct {
	settings settings
	start    figures
	between  tally // after the start, before the restart
	restart  figures
	after    tally
}

// identifies is how many the restart cost, as the server counted.
func (r results) identifies() int { return r.after.Stats.Identifies - r.between.Stats.Identifies }

// broken returns what must not have happened.
func (r results) broken() error {
	var errs []error
	if n := r.after.Stats.Violations; n > 0 {
		errs = append(errs, fmt.Errorf("%d violations of Discord's rules, the last: %s", n, r.after.Breach))
	}
	if n := r.identifies(); n > 0 {
		errs = append(errs, fmt.Errorf("%d identifies for the restart", n))
	}
	if sent, got := r.between.Sessions, r.restart.Messages; got != sent {
		errs = append(errs, fmt.Errorf("%d events were sent to sessions without a connection, and %d received", sent, got))
	}
	return errors.Join(errs...)
}

// markdown returns the whole report.
func (r results) markdown() string {
	var b strings.Builder
	s := r.settings
	transport := "ws"
	if s.secure {
		transport = "wss"
	}
	fmt.Fprintf(&b, "# Scale\n\n%s\n", process.Machine())
	fmt.Fprintf(&b, "%d shards in one process, as one `sharding.Group` with a file store, speak JSON over %s to a local Discord in another\n"+
		"process: %d identify buckets of %s each, a heartbeat every %s, one guild for each shard. %s\n"+
		"Figures are those of the shards' process, its processor time in the kernel included.\n", s.shards, transport, s.buckets, duration(s.interval), duration(s.beat), s.shortened())
	for _, t := range []table{r.starting(), r.idling(), r.restarting()} {
		t.write(&b)
	}
	return b.String()
}

func (s settings) shortened() string {
	switch {
	case s.quick:
		return fmt.Sprintf("Intervals are shortened, and\nthe group keeps %s: these figures mean little.", duration(s.pace))
	case s.pace > 0:
		return fmt.Sprintf("No interval is shortened;\nthe group keeps %s between two identifies of a bucket.", duration(s.pace))
	}
	return "No interval is shortened."
}

// A table has a title and then pairs of a name and a figure.
type table []string

func (t table) write(b *strings.Builder) {
	fmt.Fprintf(b, "\n| %s | |\n|---|--:|\n", t[0])
	for i := 1; i < len(t); i += 2 {
		fmt.Fprintf(b, "| %s | %s |\n", t[i], t[i+1])
	}
}

func (r results) starting() table {
	s, f := r.settings, r.start
	utilisation := "does not apply"
	if s.ideal() > 0 {
		utilisation = fmt.Sprintf("%.1f %%", 100*s.ideal().Seconds()/f.Ready.Seconds())
	}
	return table{
		"start",
		"all shards ready after", duration(f.Ready),
		"what the buckets allow", duration(s.ideal()),
		"utilisation", utilisation,
		"identifies", fmt.Sprint(r.between.Stats.Identifies),
		"violations of Discord's rules, counted by the server", fmt.Sprint(r.between.Stats.Violations),
		"processor time per shard", duration(f.ReadyCPU / time.Duration(s.shards)),
	}
}

func (r results) idling() table {
	s, w := r.settings, r.start.Weight
	return table{
		"idle, per shard",
		"goroutines", fmt.Sprintf("%.2f", w.Goroutines),
		"heap, after a collection", kib(w.Heap),
		"stacks", kib(w.Stack),
		"resident memory, as it is", kib(w.Resident),
		"resident memory, after a collection and given back", kib(w.Trimmed),
		fmt.Sprintf("heartbeats in %s", duration(s.idle)), fmt.Sprintf("%.2f", float64(r.start.Beats)/float64(s.shards)),
		"processor time in an hour", duration(time.Duration(float64(r.start.IdleCPU) * float64(time.Hour) / float64(s.idle) / float64(s.shards))),
		"connections lost", fmt.Sprint(r.start.Connections - uint64(s.shards)),
	}
}

func (r results) restarting() table {
	return table{
		"restart from the store",
		"all sessions kept and connections closed after", duration(r.start.Stop),
		"all resumed, by a new process, after", duration(r.restart.Ready),
		"from the call to Close to the last RESUMED", duration(r.restart.ReadyAt.Sub(r.start.StopAt)),
		"sessions resumed", fmt.Sprint(r.restart.Resumes),
		"identifies used", fmt.Sprint(r.identifies()),
		"events sent in between", fmt.Sprint(r.between.Sessions),
		"of these received", fmt.Sprint(r.restart.Messages),
		"violations of Discord's rules, counted by the server", fmt.Sprint(r.after.Stats.Violations - r.between.Stats.Violations),
		"processor time per shard", duration(r.restart.ReadyCPU / time.Duration(r.settings.shards)),
	}
}

// duration returns d with three digits or so.
func duration(d time.Duration) string {
	unit, name := time.Second, "s"
	switch {
	case d < time.Millisecond:
		unit, name = time.Microsecond, "us"
	case d < time.Second:
		unit, name = time.Millisecond, "ms"
	}
	return fmt.Sprintf("%.4g %s", float64(d)/float64(unit), name)
}

func kib(bytes float64) string { return fmt.Sprintf("%.1f KiB", bytes/1024) }
