package main

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/discordpkg/gateway/bench/process"
	"github.com/discordpkg/gateway/bench/voice/caller"
	"github.com/discordpkg/gateway/bench/voice/server"
)

// frameTime is how long a frame lasts.
const frameTime = 20 * time.Millisecond

// A concert is what many calls did at the same time.
type concert struct {
	Calls   int
	Packets int           // of all calls, zero if there is no way to see them
	Time    time.Duration // measured
	CPU     time.Duration // of the process
	Allocs  float64       // of the process, in a second

	// Lateness is against the schedule of each call. Skipped is by how much it
	// jumped, by more than a frame at a time, because of stalls that the call did
	// not want to make up for; drift is by how much it moved besides.
	// The drift is the median of all calls, what was skipped the most of any.
	P50, P99, Max  time.Duration
	Drift, Skipped time.Duration

	// Noise is the p99 lateness of a process that did nothing else at the same
	// time.
	Noise time.Duration
}

// play has many calls speak.
func play(ctx context.Context, j job) (c concert, err error) {
	if err := process.AllowFiles(3*j.Calls + 100); err != nil {
		return c, err
	}
	start := time.Now()
	all, taps, err := openAll(ctx, j, start)
	if err != nil {
		return c, err
	}
	if err := j.Stage.Deafen(ctx); err != nil {
		return c, err
	}
	for _, call := range all {
		time.Sleep(rand.N(2 * time.Millisecond)) // nobody begins with somebody else
		if err := call.Play(ctx, server.Frame); err != nil {
			return c, err
		}
	}
	time.Sleep(min(time.Second, j.Time)) // the first packets, and the news of who speaks
	stop, err := process.ProfileCPU(j.Profile)
	if err != nil {
		return c, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	from, began := time.Since(start), process.CPUTime()
	time.Sleep(j.Time)
	to := time.Since(start)
	c = concert{Calls: j.Calls, Time: to - from, CPU: process.CPUTime() - began}
	runtime.ReadMemStats(&after)
	c.Allocs = float64(after.Mallocs-before.Mallocs) / c.Time.Seconds()
	c.judge(taps, int64(from), int64(to))
	return c, stop()
}

// openAll opens the calls, some at a time.
func openAll(ctx context.Context, j job, start time.Time) ([]caller.Call, []*caller.Tap, error) {
	client, err := caller.New(j.Caller, j.Stage)
	if err != nil {
		return nil, nil, err
	}
	calls, taps, errs := make([]caller.Call, j.Calls), make([]*caller.Tap, j.Calls), make([]error, j.Calls)
	seats := make(chan struct{}, seatsOf(j.Caller))
	var opening sync.WaitGroup
	for i := range calls {
		taps[i] = caller.NewTap(start, int((j.Time+30*time.Second)/frameTime))
		seats <- struct{}{}
		opening.Go(func() {
			calls[i], errs[i] = client.Open(ctx, i+1, taps[i])
			<-seats
		})
	}
	opening.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, nil, err
		}
	}
	return calls, taps, nil
}

// seatsOf is how many calls are opened at a time: discordgo looks once a second
// whether one is open.
func seatsOf(name string) int {
	if name == caller.Discordgo {
		return 50
	}
	return 1
}

// judge looks at the packets between two times.
func (c *concert) judge(taps []*caller.Tap, from, to int64) {
	var p punctuality
	for _, tap := range taps {
		p.note(tap.Times(), from, to)
	}
	p.tell(c)
}
