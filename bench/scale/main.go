// Command scale runs thousands of shards in one process against a local
// Discord, lets them idle, stops them, and has a new process resume them:
//
//	go run ./scale                 2,000 shards, a little over a minute
//	go run ./scale -o SCALE.md     keep the table
//	go run ./scale -quick          50 shards and shorter limits, to see that it works
//
// The shards are a process of their own and so is the local Discord, so that
// nothing but the shards is measured. It fails if Discord's rules are broken,
// or if the restart loses an event or costs an identify.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/discordpkg/gateway/bench/process"
	"github.com/discordpkg/gateway/bench/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

// settings are the flags.
type settings struct {
	shards  int
	buckets int           // max_concurrency
	pace    time.Duration // between two identifies of a bucket, as the group keeps it; zero for its default
	idle    time.Duration
	out     string
	secure  bool

	// What -quick shortens.
	quick    bool
	interval time.Duration // between two identifies of a bucket, as the server wants it
	beat     time.Duration // heartbeat interval
}

const description = `Usage: scale [flags]

Runs many shards in one process against a local Discord, and prints what they
need, in Markdown: time until all are ready, memory, goroutines, processor time
while idle, and what a restart costs.

`

func parse(args []string) (s settings, err error) {
	f := flag.NewFlagSet("scale", flag.ContinueOnError)
	f.IntVar(&s.shards, "shards", 2000, "how many shards to run")
	f.IntVar(&s.buckets, "max-concurrency", 256, "identify buckets; a bot starts shards / buckets * 5 s")
	f.DurationVar(&s.pace, "pace", 0, "`time` that the group keeps between two identifies of a bucket, its default if 0")
	f.DurationVar(&s.idle, "idle", 30*time.Second, "how long to measure idle shards")
	f.StringVar(&s.out, "o", "", "write the table to this `file` too")
	f.BoolVar(&s.secure, "tls", false, "speak wss: the server's part of the handshakes takes its time on the same machine")
	f.BoolVar(&s.quick, "quick", false, "few shards and shorter limits: it works, but the figures mean little")
	f.Usage = func() {
		fmt.Fprint(f.Output(), description)
		f.PrintDefaults()
	}
	if err = f.Parse(args); err != nil {
		return s, err
	}
	if f.NArg() > 0 {
		return s, fmt.Errorf("%q is no flag", f.Arg(0))
	}
	s.interval, s.beat = 5*time.Second, 41250*time.Millisecond
	if s.quick {
		s.shards, s.buckets, s.idle = min(s.shards, 50), min(s.buckets, 25), min(s.idle, time.Second)
		// A machine that is busy must not break the rules.
		s.interval, s.pace, s.beat = 100*time.Millisecond, time.Second, time.Second
	}
	if s.shards < 1 || s.buckets < 1 || s.idle <= 0 || s.pace < 0 {
		return s, errors.New("-shards, -max-concurrency and -idle must be positive, -pace must not be negative")
	}
	return s, nil
}

// ideal is the time from the first to the last identify that the buckets allow.
func (s settings) ideal() time.Duration {
	return time.Duration((s.shards-1)/s.buckets) * s.interval
}

// patience is how long a process of shards may take.
func (s settings) patience() time.Duration {
	return 2*time.Duration(s.shards/s.buckets)*max(s.interval, s.pace) + s.idle + 2*time.Minute
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if process.IsChild(args) {
		return child(ctx, args[1:], in, out)
	}
	s, err := parse(args)
	if err != nil {
		return err
	}
	if err := process.AllowFiles(s.shards + spareFiles); err != nil {
		return err
	}
	r, err := measure(ctx, s)
	if err != nil {
		return err
	}
	if err := report.Write(out, s.out, r.markdown()); err != nil {
		return err
	}
	return r.broken()
}

// measure starts the shards twice, and the second time from what the first left.
func measure(ctx context.Context, s settings) (r results, err error) {
	store, err := os.MkdirTemp("", "scale")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(store)
	d, err := startDiscord(ctx, s)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	r.settings = s
	o := order{Address: d.address, Store: store, Shards: s.shards, Pace: s.pace, Idle: s.idle, Patience: s.patience()}
	if r.start, err = process.Perform[figures](ctx, process.Self, fleetPart, o); err != nil {
		return r, err
	}
	if r.between, err = d.ask(dispatch); err != nil {
		return r, err
	}
	o.Idle, o.Restart = 0, true
	if r.restart, err = process.Perform[figures](ctx, process.Self, fleetPart, o); err != nil {
		return r, err
	}
	r.after, err = d.ask(count)
	return r, err
}
