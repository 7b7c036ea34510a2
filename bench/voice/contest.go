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
	"github.com/discordpkg/gateway/bench/voice/caller"
	"github.com/discordpkg/gateway/bench/voice/stage"
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
type contest struct{ part, caller string }

func (c contest) String() string { return c.part + " " + c.caller }

// contests are all of them, in the order of the tables. discordgo cannot send
// but at its own pace.
func contests() (all []contest) {
	for _, part := range []string{sending, receiving, playing} {
		for _, name := range []string{caller.Socket, caller.Floor, caller.Gateway, caller.Disgo, caller.Discordgo} {
			if part == sending && name == caller.Discordgo || part == playing && name == caller.Socket {
				continue
			}
			all = append(all, contest{part, name})
		}
	}
	return all
}

// results are medians.
type results struct {
	settings settings
	ciphers  []cipherCost
	figures  map[string]figure  // by contest
	concerts map[string]concert // by contest
	loads    map[string]load    // by kind and step
	groups   map[string]groupCost
	lack     string // why there are no groups
}

// measure measures everything.
func (s settings) measure(ctx context.Context) (r results, err error) {
	r.settings = s
	if s.only.MatchString(benches) {
		if r.ciphers, err = process.Perform[[]cipherCost](ctx, benches, s.turns); err != nil {
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

// callers runs the contests.
func (s settings) callers(ctx context.Context, r *results) error {
	st, err := stage.New()
	if err != nil {
		return err
	}
	defer st.Close()
	r.figures, r.concerts = make(map[string]figure), make(map[string]concert)
	all := slices.DeleteFunc(contests(), func(c contest) bool { return !s.only.MatchString(c.String()) })
	every := make(map[string][]figure)
	for round := range s.rounds {
		for _, c := range all {
			if c.part == playing {
				continue
			}
			f, err := perform[figure](ctx, st, c, s)
			if err != nil {
				return err
			}
			every[c.String()] = append(every[c.String()], f)
			r.figures[c.String()] = middleFigure(every[c.String()])
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
func perform[T any](ctx context.Context, st *stage.Stage, c contest, s settings) (result T, err error) {
	for range 2 {
		st.SetDeaf(false)
		result, err = process.Perform[T](ctx, c.part, job{
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

// profileOf returns the file for the profile of a contest.
func (s settings) profileOf(c contest) string {
	if s.profile == "" {
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
