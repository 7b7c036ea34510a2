package main

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/discordpkg/gateway/bench/process"
	"github.com/discordpkg/gateway/bench/voice/caller"
	"github.com/discordpkg/gateway/bench/voice/server"
)

// Parts of callers.
const (
	sending   = "send"
	receiving = "receive"
	playing   = "play"
)

// A job is what a caller has to do.
type job struct {
	Caller  string
	Stage   server.Address
	Packets int
	Calls   int           // to play in
	Time    time.Duration // to play for
	Profile string        // file
}

// A figure is what a packet cost.
type figure struct {
	CPU    float64 // nanoseconds
	Allocs float64
	Bytes  float64
}

// send sends packets one after the other, which the server does not read.
func send(ctx context.Context, j job) (f figure, err error) {
	call, err := open(ctx, j)
	if err != nil {
		return f, err
	}
	if err := j.Stage.Deafen(ctx); err != nil {
		return f, err
	}
	return measure(j, func(n int) error {
		for range n {
			if err := call.Send(server.Frame); err != nil {
				return err
			}
		}
		return nil
	})
}

// receive receives packets in bursts.
func receive(ctx context.Context, j job) (f figure, err error) {
	call, err := open(ctx, j)
	if err != nil {
		return f, err
	}
	return measure(j, func(n int) error { return call.Receive(ctx, n) })
}

// open opens one call.
func open(ctx context.Context, j job) (caller.Call, error) {
	c, err := caller.New(j.Caller, j.Stage)
	if err != nil {
		return nil, err
	}
	return c.Open(ctx, 1, nil)
}

// measure divides what packets cost, after a tenth that does not count.
func measure(j job, do func(n int) error) (f figure, err error) {
	if err := do(j.Packets / 10); err != nil {
		return f, err
	}
	stop, err := process.ProfileCPU(j.Profile)
	if err != nil {
		return f, err
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began := process.CPUTime()
	if err := errors.Join(do(j.Packets), stop()); err != nil {
		return f, err
	}
	n := float64(j.Packets)
	f.CPU = float64(process.CPUTime()-began) / n
	runtime.ReadMemStats(&after)
	f.Allocs = float64(after.Mallocs-before.Mallocs) / n
	f.Bytes = float64(after.TotalAlloc-before.TotalAlloc) / n
	return f, nil
}
