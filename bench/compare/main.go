// Command compare measures this library beside discordgo and disgo, and beside
// floors that only read, in one run:
//
//	go run ./compare            the tables, in Markdown
//	go run ./compare -check     fail if a goal is missed
//	go run ./compare -quick     a few events, to see that it works
//	go run ./compare -against ../../before -only gateway
//	                            this version beside another checkout
//
// Each contestant is a process of its own and so is the server, so that
// nothing but the contestant is measured. All take their turns in each round;
// the tables show medians over the rounds.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"time"

	"github.com/discordpkg/gateway/bench/feed"
	"github.com/discordpkg/gateway/bench/process"
	"github.com/discordpkg/gateway/bench/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// settings are the flags.
type settings struct {
	rounds  int
	events  int
	warmUp  int
	shards  int
	seed    uint64
	out     string
	profile string
	check   bool
	only    *regexp.Regexp
	beat    time.Duration
	other   *process.Checkout // nil: none
}

// names of the plans, which are paths at the server as well.
const (
	busy = "busy"
	idle = "idle"
)

// plans is what the server is told to write.
func (s settings) plans() map[string]feed.Plan {
	return map[string]feed.Plan{
		// Nobody beats in the course of it.
		busy: {Seed: s.seed, WarmUp: s.warmUp, Events: s.events, Heartbeat: 600_000},
		idle: {Seed: s.seed, Guilds: 1, WarmUp: 1, Events: 50, Heartbeat: int(s.beat.Milliseconds())},
	}
}

func parse(args []string) (s settings, against string, err error) {
	f := flag.NewFlagSet("compare", flag.ContinueOnError)
	f.IntVar(&s.rounds, "rounds", 5, "how often each contestant runs; idle ones at most 3 times")
	f.IntVar(&s.events, "events", 60_000, "dispatches to measure")
	f.IntVar(&s.shards, "shards", 1_000, "idle connections, 0 to leave them out")
	f.Uint64Var(&s.seed, "seed", 1, "of the made-up events")
	f.StringVar(&s.out, "o", "", "write the tables to this `file` too, with the machine's description")
	f.StringVar(&s.profile, "profile", "", "write profiles into this `directory`, which costs time: of the heap for idle shards, else of the processor")
	f.BoolVar(&s.check, "check", false, "fail if a goal is missed")
	quick := f.Bool("quick", false, "one short round: it works, but the figures mean little")
	f.StringVar(&against, "against", "", "also build our contestants in this `checkout` of the repository, and let them take turns with ours")
	only := f.String("only", "", "contestants whose \"mode client\" match this `expression`")
	if err = f.Parse(args); err != nil {
		return s, against, err
	}
	s.warmUp, s.beat = 2_000, 3*time.Second
	if *quick {
		s.rounds, s.events, s.warmUp, s.shards, s.beat = 1, 1_000, 100, min(s.shards, 10), time.Second
	}
	if s.rounds < 1 || s.events < 1 || s.shards < 0 {
		return s, against, errors.New("rounds and events must be positive, shards must not be negative")
	}
	if s.only, err = regexp.Compile(*only); err != nil {
		return s, against, fmt.Errorf("-only: %w", err)
	}
	return s, against, nil
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if process.IsChild(args) {
		return child(ctx, args[1:], os.Stdin, out)
	}
	s, against, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	if against != "" {
		if s.other, err = process.Build(ctx, against, "./compare"); err != nil {
			return err
		}
		defer s.other.Remove()
	}
	r, err := measure(ctx, s)
	if err != nil {
		return err
	}
	if err := report.Write(out, s.out, r.markdown()); err != nil {
		return err
	}
	if s.check && r.goals().Missed() {
		return report.ErrMissed
	}
	return nil
}
