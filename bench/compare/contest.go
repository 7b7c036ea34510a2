package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/discordpkg/gateway/bench/contestant"
	"github.com/discordpkg/gateway/bench/feed"
	"github.com/discordpkg/gateway/bench/process"
	"github.com/discordpkg/gateway/bench/report"
)

// A contest is one line of a table.
type contest struct {
	mode    string
	job     contestant.Job
	name    string
	program process.Program
}

func (c contest) String() string {
	if c.program != process.Self {
		return c.mode + " " + c.name + there
	}
	return c.mode + " " + c.name
}

// there marks a contest of the other checkout.
const there = " (there)"

// Names of the modes, as in the tables.
const (
	plainJSON = "json"
	typedJSON = "json, typed handler"
	allJSON   = "json, every event a struct"
	allETF    = "etf, every event a struct"
	zlib      = "zlib-stream"
	zstd      = "zstd-stream"
	payload   = "zlib per message"
	etf       = "etf"
	plainIdle = "plain"
	tlsIdle   = "TLS, zlib"
)

// Names of the contestants, as in the tables.
const (
	floor     = "floor"
	ours      = "gateway"
	oursRaw   = "gateway, raw handler"
	oursSame  = "gateway, MessageCreate"
	oursAgain = "gateway, reused structs"
	discordgo = "discordgo"
	disgo     = "disgo"
)

// event makes a contest in events.
func event(mode, name, client, handler, encoding, compression string) contest {
	return contest{mode: mode, name: name, job: contestant.Job{
		Client: client, Handler: handler, Encoding: encoding, Compress: compression, Plan: busy,
	}}
}

// events are the contests in events, in the order of the table.
func events() []contest {
	marks, raw, message := contestant.Marks, contestant.Raw, contestant.Message
	return []contest{
		event(plainJSON, floor, "floor", marks, "json", ""),
		event(plainJSON, ours, "gateway", marks, "json", ""),
		event(plainJSON, oursRaw, "gateway", raw, "json", ""),
		event(plainJSON, discordgo, "discordgo", marks, "json", ""),
		event(plainJSON, disgo, "disgo", marks, "json", ""),
		event(typedJSON, ours, "gateway", message, "json", ""),
		event(typedJSON, oursSame, "gateway", contestant.Create, "json", ""),
		event(typedJSON, discordgo, "discordgo", message, "json", ""),
		event(allJSON, floor, "floor", marks, "json", ""),
		event(allJSON, ours, "gateway", contestant.Structs, "json", ""),
		event(allJSON, oursAgain, "gateway", contestant.Reused, "json", ""),
		event(allJSON, discordgo, "discordgo", marks, "json", ""),
		event(allJSON, disgo, "disgo", marks, "json", ""),
		event(allETF, ours, "gateway", contestant.Structs, "etf", ""),
		event(payload, ours, "gateway", marks, "json", "payload"),
		event(payload, discordgo, "discordgo", marks, "json", "payload"),
		event(payload, disgo, "disgo", marks, "json", "payload"),
		event(zlib, floor, "floor", marks, "json", "zlib-stream"),
		event(zlib, ours, "gateway", marks, "json", "zlib-stream"),
		event(zlib, disgo, "disgo", marks, "json", "zlib-stream"),
		event(zstd, floor, "floor", marks, "json", "zstd-stream"),
		event(zstd, ours, "gateway", marks, "json", "zstd-stream"),
		event(zstd, disgo, "disgo", marks, "json", "zstd-stream"),
		event(etf, ours, "gateway", marks, "etf", ""),
		event(etf, oursRaw, "gateway", raw, "etf", ""),
	}
}

// rests are the contests in idleness. The floor only reads and does not
// inflate, so it needs no window. Without stream compression of its own, discordgo gets the next best.
func rests() []contest {
	rest := func(mode, name, client, compression string, tls bool) contest {
		return contest{mode: mode, name: name, job: contestant.Job{
			Client: client, Handler: contestant.Marks, Encoding: "json", Compress: compression, Plan: idle, TLS: tls,
		}}
	}
	return []contest{
		rest(plainIdle, floor, "floor", "", false),
		rest(plainIdle, ours, "gateway", "", false),
		rest(plainIdle, discordgo, "discordgo", "", false),
		rest(plainIdle, disgo, "disgo", "", false),
		rest(tlsIdle, floor, "floor", "zlib-stream", true),
		rest(tlsIdle, ours, "gateway", "zlib-stream", true),
		rest(tlsIdle, discordgo, "discordgo", "payload", true),
		rest(tlsIdle, disgo, "disgo", "zlib-stream", true),
	}
}

// measure runs all contests, in turns.
func measure(ctx context.Context, s settings) (r results, err error) {
	at, stop, err := startServer(ctx, s.plans())
	if err != nil {
		return r, err
	}
	defer func() {
		if e := stop(); err == nil {
			err = e
		}
	}()
	r.settings = s
	r.turns, err = rounds[contestant.Figure](ctx, s, at, busy, s.both(s.chosen(events())), s.rounds)
	if r.figures = medians(r.turns, middleFigure); err != nil || s.shards == 0 {
		return r, err
	}
	footprints, err := rounds[process.Footprint](ctx, s, at, idle, s.chosen(rests()), min(s.rounds, idleRounds))
	r.footprints = medians(footprints, middleFootprint)
	return r, err
}

// both adds the contests of the other checkout to those of ours, each beside
// its twin.
func (s settings) both(contests []contest) []contest {
	if s.other == nil {
		return contests
	}
	var all []contest
	for _, c := range contests {
		all = append(all, c)
		if c.job.Client == "gateway" {
			c.program = s.other.Program
			all = append(all, c)
		}
	}
	return all
}

// chosen returns the contests that the flags ask for.
func (s settings) chosen(contests []contest) []contest {
	return slices.DeleteFunc(contests, func(c contest) bool { return !s.only.MatchString(c.String()) })
}

// versus compares ours with those of the other checkout.
func (r results) versus() (all []report.Versus) {
	for _, c := range events() {
		v, ok := report.Compare(c.String(), r.turns[c.String()], r.turns[c.String()+there], func(f contestant.Figure) (cpu, allocs float64) { return f.CPU, f.Allocs })
		if ok {
			all = append(all, v)
		}
	}
	return all
}

func middleFigure(all []contestant.Figure) contestant.Figure {
	return contestant.Figure{
		CPU:    median(all, func(f contestant.Figure) float64 { return f.CPU }),
		Wall:   median(all, func(f contestant.Figure) float64 { return f.Wall }),
		Allocs: median(all, func(f contestant.Figure) float64 { return f.Allocs }),
		Bytes:  median(all, func(f contestant.Figure) float64 { return f.Bytes }),
	}
}

func middleFootprint(all []process.Footprint) process.Footprint {
	return process.Footprint{
		Goroutines: median(all, func(f process.Footprint) float64 { return f.Goroutines }),
		Heap:       median(all, func(f process.Footprint) float64 { return f.Heap }),
		HeapInUse:  median(all, func(f process.Footprint) float64 { return f.HeapInUse }),
		Stack:      median(all, func(f process.Footprint) float64 { return f.Stack }),
		Resident:   median(all, func(f process.Footprint) float64 { return f.Resident }),
		Trimmed:    median(all, func(f process.Footprint) float64 { return f.Trimmed }),
	}
}

// idleRounds is how often idle contests run at most: memory hardly differs.
const idleRounds = 3

// rounds lets each contest run n times, every second round in the opposite
// order, and returns what each run came to.
func rounds[T any](ctx context.Context, s settings, at feed.Address, part string, contests []contest, n int) (map[string][]T, error) {
	all := make(map[string][]T)
	for round := range n {
		for _, c := range contests {
			result, err := perform[T](ctx, c.program, part, s.order(c, part, at))
			if err != nil && ctx.Err() == nil { // a loaded machine makes timeouts of others
				fmt.Fprintf(os.Stderr, "%s runs again: %v\n", c, err)
				result, err = perform[T](ctx, c.program, part, s.order(c, part, at))
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c, err)
			}
			all[c.String()] = append(all[c.String()], result)
			fmt.Fprintf(os.Stderr, "round %d of %d, %s: %+v\n", round+1, n, c, result)
		}
		slices.Reverse(contests)
	}
	return all, nil
}

// medians returns what is in the middle of the runs of each contest.
func medians[T any](all map[string][]T, middle func([]T) T) map[string]T {
	m := make(map[string]T, len(all))
	for name, results := range all {
		m[name] = middle(results)
	}
	return m
}

// order is what the child of a contest has to do.
func (s settings) order(c contest, part string, at feed.Address) order {
	plan := s.plans()[part]
	o := order{Job: c.job, Beat: s.beat}
	o.Job.Server, o.Job.Shards, o.Job.Events, o.Job.Frames = at, s.shards, plan.Events, plan.Frames()
	if part == busy {
		o.Job.Shards = 0
	}
	if s.profile != "" {
		o.Profile = filepath.Join(s.profile, strings.NewReplacer(" ", "-", ",", "").Replace(c.String())+".prof")
	}
	return o
}

// median returns the middle one of the values in all.
func median[T any](all []T, value func(T) float64) float64 {
	values := make([]float64, len(all))
	for i, v := range all {
		values[i] = value(v)
	}
	slices.SortFunc(values, cmp.Compare[float64])
	if n := len(values); n%2 == 0 {
		return (values[n/2-1] + values[n/2]) / 2
	}
	return values[len(values)/2]
}
