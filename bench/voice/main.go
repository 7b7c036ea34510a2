// Command voice measures the voice half of this library beside disgo,
// discordgo and davey, and beside floors that do only what all must, in one run:
//
//	go run ./voice                    the tables, in Markdown
//	go run ./voice -only 'play|relay' some of them
//	go run ./voice -check             fail if a goal is missed
//	go run ./voice -quick             a little of each, to see that it works
//	go run ./voice -only '(send|receive) gateway' -against ../../before
//	                                  this version beside another checkout
//
// Each caller is a process of its own, and so is the server, so that nothing
// but the caller is measured. What is compared takes its turns, and the tables
// show medians over the rounds. To be compared with davey, it needs Node: see
// .ci/node.
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
	"strings"
	"time"

	"github.com/discordpkg/gateway/bench/process"
	"github.com/discordpkg/gateway/bench/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "voice:", err)
		os.Exit(1)
	}
}

// settings are the flags.
type settings struct {
	rounds   int
	packets  int
	turns    int
	calls    int
	time     time.Duration
	channels int
	step     time.Duration
	members  int
	out      string
	profile  string
	check    bool
	only     *regexp.Regexp
	other    *process.Checkout // nil: none
	busy     string            // load average of the machine, where there is a /proc
}

func parse(args []string) (s settings, against string, err error) {
	f := flag.NewFlagSet("voice", flag.ContinueOnError)
	f.IntVar(&s.rounds, "rounds", 5, "how often each caller runs; servers under load at most 3 times")
	f.IntVar(&s.packets, "packets", 200_000, "packets that each caller sends and receives")
	f.IntVar(&s.turns, "turns", 400, "how often the ciphers take turns")
	f.IntVar(&s.calls, "calls", 500, "simultaneous calls")
	f.DurationVar(&s.time, "time", time.Minute, "how long the calls last")
	f.IntVar(&s.channels, "channels", 200, "of five members each, on a voice server")
	f.DurationVar(&s.step, "step", 3*time.Second, "how long each load lasts")
	f.IntVar(&s.members, "members", groupMembers, "of the MLS group")
	f.StringVar(&s.out, "o", "", "write the tables to this `file` too, with the machine's description")
	f.StringVar(&s.profile, "profile", "", "write profiles of the callers' processors into this `directory`, which costs time")
	f.BoolVar(&s.check, "check", false, "fail if a goal is missed")
	quick := f.Bool("quick", false, "one short round: it works, but the figures mean little")
	f.StringVar(&against, "against", "", "also build our callers in this `checkout` of the repository, and let them take turns with ours")
	only := f.String("only", "", "sections whose names match this `expression`: ciphers, send NAME, receive NAME, play NAME, relay, groups")
	if err = f.Parse(args); err != nil {
		return s, against, err
	}
	if *quick {
		s.rounds, s.packets, s.turns, s.calls, s.time = 1, 500, 5, 10, 200*time.Millisecond
		s.channels, s.step, s.members = 4, 50*time.Millisecond, 5
	}
	if min(s.rounds, s.packets, s.turns, s.calls, s.channels) < 1 || s.members < 3 {
		return s, against, errors.New("there must be something to measure, and three members in a group")
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
		if s.other, err = process.Build(ctx, against, "./voice"); err != nil {
			return err
		}
		defer s.other.Remove()
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		s.busy, _, _ = strings.Cut(string(text), " ")
	}
	r, err := s.measure(ctx)
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
