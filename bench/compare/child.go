package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/discordpkg/gateway/bench/contestant"
	"github.com/discordpkg/gateway/bench/feed"
	"github.com/discordpkg/gateway/bench/process"
)

// An order is what a contestant reads from its standard input.
type order struct {
	Job     contestant.Job
	Beat    time.Duration // of idle connections
	Profile string        // file
}

// patience is how long a contestant may take.
const patience = 2 * time.Minute

// child does its part and writes the result as JSON.
func child(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("a child has one part")
	}
	if args[0] == "feed" {
		return serve(ctx, in, out)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var o order
	if err := json.NewDecoder(in).Decode(&o); err != nil {
		return err
	}
	stop, err := profile(o.Profile, args[0])
	if err != nil {
		return err
	}
	var result any
	switch args[0] {
	case busy:
		result, err = contestant.Busy(ctx, o.Job)
	case idle:
		result, err = contestant.Idle(ctx, o.Job, o.Beat)
	default:
		err = fmt.Errorf("no part %q", args[0])
	}
	if err = errors.Join(err, stop()); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(result)
}

// profile begins a profile of the processor, or of the heap if the part is to
// idle. It is written by stop. An empty name means none.
func profile(name, part string) (stop func() error, err error) {
	if part != idle || name == "" {
		return process.ProfileCPU(name)
	}
	file, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	runtime.MemProfileRate = 1 << 10
	return func() error { return errors.Join(pprof.WriteHeapProfile(file), file.Close()) }, nil
}

// serve runs the server until its standard input ends, with the parent if need be.
func serve(ctx context.Context, in io.Reader, out io.Writer) error {
	var plans map[string]feed.Plan
	orders := json.NewDecoder(in)
	if err := orders.Decode(&plans); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	at, stop, err := feed.NewServer(plans).Listen(ctx)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(out).Encode(at); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, in)
		cancel()
	}()
	return stop()
}

// startServer returns where the server listens, and how to end it.
func startServer(ctx context.Context, plans map[string]feed.Plan) (at feed.Address, stop func() error, err error) {
	c, err := process.Self.Command(ctx, "feed")
	if err != nil {
		return at, nil, err
	}
	in, err := c.StdinPipe()
	if err != nil {
		return at, nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return at, nil, err
	}
	if err := c.Start(); err != nil {
		return at, nil, err
	}
	stop = func() error { return errors.Join(in.Close(), c.Wait()) }
	if err = json.NewEncoder(in).Encode(plans); err == nil {
		err = json.NewDecoder(out).Decode(&at)
	}
	if err != nil {
		return at, nil, errors.Join(fmt.Errorf("server: %w", err), stop())
	}
	return at, stop, nil
}

// perform has a child of a program carry out an order.
func perform[T any](ctx context.Context, p process.Program, part string, o order) (result T, err error) {
	result, err = process.Perform[T](ctx, p, part, o)
	if err != nil {
		return result, fmt.Errorf("%s: %w", o.Job.Client, err)
	}
	return result, nil
}
