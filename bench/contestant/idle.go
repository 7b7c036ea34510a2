package contestant

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Footprint is what one idle connection holds.
type Footprint struct {
	Goroutines float64
	Heap       float64 // live objects, in bytes
	HeapInUse  float64 // spans that hold them
	Stack      float64
	Resident   float64 // memory of the process as it is, zero where that is not known
	Trimmed    float64 // the same after the garbage is collected and given back
}

// acquaintances connect before the counting begins, so that what a process
// needs once is not laid to the shards.
const acquaintances = 20

// crowd is how many connect at the same time.
const crowd = 64

// Idle opens many connections, lets each receive its plan and beat,
// and returns what one of them holds then.
func Idle(ctx context.Context, j Job, heartbeat time.Duration) (Footprint, error) {
	connect, ok := clients[j.Client]
	if !ok {
		return Footprint{}, fmt.Errorf("contestant: no client %q", j.Client)
	}
	if err := gather(ctx, j, connect, acquaintances); err != nil {
		return Footprint{}, err
	}
	before, err := rest(ctx, heartbeat)
	if err != nil {
		return Footprint{}, err
	}
	if err := gather(ctx, j, connect, j.Shards); err != nil {
		return Footprint{}, err
	}
	after, err := rest(ctx, heartbeat)
	return after.minus(before, j.Shards), err
}

// gather connects n times and returns when all plans are received.
func gather(ctx context.Context, j Job, connect client, n int) error {
	failed := make(chan error, n)
	room := make(chan struct{}, crowd)
	var received sync.WaitGroup
	for range n {
		select {
		case room <- struct{}{}:
		case err := <-failed:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		var marks int
		received.Add(1)
		go func() {
			err := connect(ctx, j, func() {
				if marks++; marks == 2 {
					<-room
					received.Done()
				}
			})
			if err != nil {
				failed <- err
			}
		}()
	}
	all := make(chan struct{})
	go func() {
		received.Wait()
		close(all)
	}()
	select {
	case <-all:
		return nil
	case err := <-failed:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// rest waits until everyone has beaten twice, and returns what the process holds then.
func rest(ctx context.Context, heartbeat time.Duration) (Footprint, error) {
	select {
	case <-time.After(5 * heartbeat / 2):
		return weigh(), nil
	case <-ctx.Done():
		return Footprint{}, context.Cause(ctx)
	}
}

// weigh returns what the whole process holds, Resident apart after the garbage is gone.
func weigh() Footprint {
	asIs := resident()
	for range 3 { // pools keep what they have for two collections
		runtime.GC()
	}
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return Footprint{
		Goroutines: float64(runtime.NumGoroutine()),
		Heap:       float64(m.HeapAlloc),
		HeapInUse:  float64(m.HeapInuse),
		Stack:      float64(m.StackInuse),
		Resident:   asIs,
		Trimmed:    resident(),
	}
}

func (f Footprint) minus(before Footprint, shards int) Footprint {
	n := float64(shards)
	return Footprint{
		Goroutines: (f.Goroutines - before.Goroutines) / n,
		Heap:       (f.Heap - before.Heap) / n,
		HeapInUse:  (f.HeapInUse - before.HeapInUse) / n,
		Stack:      (f.Stack - before.Stack) / n,
		Resident:   (f.Resident - before.Resident) / n,
		Trimmed:    (f.Trimmed - before.Trimmed) / n,
	}
}

// resident reads VmRSS in bytes, where there is a /proc.
func resident() float64 {
	file, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
			kib, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
			return kib * 1024
		}
	}
	return 0
}
