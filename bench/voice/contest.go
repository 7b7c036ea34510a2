package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/discordpkg/gateway/bench/process"
	"github.com/discordpkg/gateway/bench/report"
	"github.com/discordpkg/gateway/bench/voice/caller"
	"github.com/discordpkg/gateway/bench/voice/server"
)

// benches is the part that measures ciphers.
const benches = "ciphers"

// child does its part and writes the result as JSON.
func child(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("a child has one part")
	}
	switch args[0] {
	case relayServer:
		return serveRelay(in, out)
	case relayClients:
		return serveCrowd(ctx, in, out)
	case benches:
		var turns int
		return carryOut(in, out, &turns, func() (any, error) { return ciphers(turns) })
	}
	parts := map[string]func(j job) (any, error){
		sending:   func(j job) (any, error) { return send(ctx, j) },
		receiving: func(j job) (any, error) { return receive(ctx, j) },
		playing:   func(j job) (any, error) { return play(ctx, j) },
	}
	part := parts[args[0]]
	if part == nil {
		return fmt.Errorf("no part %q", args[0])
	}
	var j job
	return carryOut(in, out, &j, func() (any, error) { return part(j) })
}

// carryOut reads an order, and writes what became of it.
func carryOut(in io.Reader, out io.Writer, order any, do func() (any, error)) error {
	if err := json.NewDecoder(in).Decode(order); err != nil {
		return err
	}
	result, err := do()
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(result)
}

// A contest is a part with a caller.
type contest struct {
	part, caller string
	program      process.Program
}

func (c contest) String() string {
	if c.program != process.Self {
		return c.part + " " + c.caller + there
	}
	return c.part + " " + c.caller
}

// there marks a contest of the other checkout.
const there = " (there)"

// contests are all of them, in the order of the tables. discordgo cannot send
// but at its own pace.
func contests() (all []contest) {
	for _, part := range []string{sending, receiving, playing} {
		for _, name := range []string{caller.Socket, caller.Floor, caller.Gateway, caller.Disgo, caller.Discordgo} {
			if part == sending && name == caller.Discordgo || part == playing && name == caller.Socket {
				continue
			}
			all = append(all, contest{part: part, caller: name})
		}
	}
	return all
}

// results are medians.
type results struct {
	settings settings
	ciphers  []cipherCost
	turns    map[string][]figure // of each round, by contest
	figures  map[string]figure   // their medians
	concerts map[string]concert  // by contest
	loads    map[string]load     // by kind and step
	groups   map[string]groupCost
	lack     string // why there are no groups
}

// measure measures everything.
func (s settings) measure(ctx context.Context) (r results, err error) {
	r.settings = s
	if s.only.MatchString(benches) {
		if r.ciphers, err = process.Perform[[]cipherCost](ctx, process.Self, benches, s.turns); err != nil {
			return r, err
		}
	}
	if s.only.MatchString("groups") {
		r.groups, err = groups(ctx, s.members, 2*s.rounds)
		if errors.Is(err, errNoNode) {
			r.lack, err = err.Error(), nil
		}
		if err != nil {
			return r, err
		}
	}
	if err := s.callers(ctx, &r); err != nil {
		return r, err
	}
	if s.only.MatchString("relay") {
		r.loads, err = relays(ctx, s.channels, min(s.rounds, 3), s.steps())
	}
	return r, err
}

// chosen returns the contests that the flags ask for, those of the other
// checkout each beside its twin.
func (s settings) chosen() (all []contest) {
	for _, c := range contests() {
		if !s.only.MatchString(c.String()) {
			continue
		}
		all = append(all, c)
		if s.other != nil && c.caller == caller.Gateway && c.part != playing {
			c.program = s.other.Program
			all = append(all, c)
		}
	}
	return all
}

// versus compares ours with those of the other checkout.
func (r results) versus() (all []report.Versus) {
	for _, c := range contests() {
		v, ok := report.Compare(c.String(), r.turns[c.String()], r.turns[c.String()+there], func(f figure) (cpu, allocs float64) { return f.CPU, f.Allocs })
		if ok {
			all = append(all, v)
		}
	}
	return all
}

// callers runs the contests.
func (s settings) callers(ctx context.Context, r *results) error {
	st, err := server.New()
	if err != nil {
		return err
	}
	defer st.Close()
	r.figures, r.concerts = make(map[string]figure), make(map[string]concert)
	all := s.chosen()
	r.turns = make(map[string][]figure)
	for round := range s.rounds {
		for _, c := range all {
			if c.part == playing {
				continue
			}
			f, err := perform[figure](ctx, st, c, s)
			if err != nil {
				return err
			}
			r.turns[c.String()] = append(r.turns[c.String()], f)
			r.figures[c.String()] = middleFigure(r.turns[c.String()])
			fmt.Fprintf(os.Stderr, "round %d of %d, %s: %+v\n", round+1, s.rounds, c, f)
		}
		slices.Reverse(all)
	}
	for _, c := range all {
		if c.part != playing {
			continue
		}
		noise := listenToNoise(st.Deaf) // not while calls are being opened
		r.concerts[c.String()], err = perform[concert](ctx, st, c, s)
		p := r.concerts[c.String()]
		if p.Noise = noise(); err != nil {
			return err
		}
		r.concerts[c.String()] = p
		fmt.Fprintf(os.Stderr, "%s: %+v\n", c, r.concerts[c.String()])
	}
	return nil
}

// perform has a child carry out a contest, once more if it fails: on a loaded
// machine there are timeouts.
func perform[T any](ctx context.Context, st *server.Server, c contest, s settings) (result T, err error) {
	for range 2 {
		st.SetDeaf(false)
		result, err = process.Perform[T](ctx, c.program, c.part, job{
			Caller: c.caller, Stage: st.Address(), Packets: s.packets, Calls: s.calls, Time: s.time, Profile: s.profileOf(c),
		})
		if err == nil || ctx.Err() != nil {
			break
		}
		fmt.Fprintf(os.Stderr, "%s: %v\n", c, err)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", c, err)
	}
	return result, err
}

// profileOf returns the file for the profile of a contest, none for the other
// checkout.
func (s settings) profileOf(c contest) string {
	if s.profile == "" || c.program != process.Self {
		return ""
	}
	return filepath.Join(s.profile, c.part+"-"+c.caller+".prof")
}

func middleFigure(all []figure) figure {
	return figure{
		CPU:    middle(all, func(f figure) float64 { return f.CPU }),
		Allocs: middle(all, func(f figure) float64 { return f.Allocs }),
		Bytes:  middle(all, func(f figure) float64 { return f.Bytes }),
	}
}

// steps are the loads of the voice server, from one that is usual to one that
// is too much.
func (s settings) steps() (list []step) {
	for _, l := range [][2]int{{1, 50}, {2, 50}, {5, 50}, {5, 100}, {5, 200}} {
		list = append(list, step{l[0], l[1], s.step})
	}
	return list
}
