package process

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
)

// A Footprint is what a process holds, or a part of it.
type Footprint struct {
	Goroutines float64
	Heap       float64 // live objects, in bytes
	HeapInUse  float64 // spans that hold them
	Stack      float64 // of all goroutines
	Resident   float64 // memory of the process as it is, zero where that is not known
	Trimmed    float64 // the same after the garbage is collected and given back
}

// Weigh returns what the process holds, Resident apart after the garbage is gone.
func Weigh() Footprint {
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

// PerEach returns what one of n things holds that came since before.
func (f Footprint) PerEach(n int, before Footprint) Footprint {
	each := func(now, then float64) float64 { return (now - then) / float64(n) }
	return Footprint{
		Goroutines: each(f.Goroutines, before.Goroutines),
		Heap:       each(f.Heap, before.Heap),
		HeapInUse:  each(f.HeapInUse, before.HeapInUse),
		Stack:      each(f.Stack, before.Stack),
		Resident:   each(f.Resident, before.Resident),
		Trimmed:    each(f.Trimmed, before.Trimmed),
	}
}

// resident returns how many bytes of the process are in memory (VmRSS), where
// there is a /proc.
func resident() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, pages float64
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		return 0
	}
	return pages * float64(os.Getpagesize())
}
