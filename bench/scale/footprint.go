package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
)

// A footprint is what a process holds, or each of its shards.
type footprint struct {
	Goroutines float64
	Heap       float64 // live objects, in bytes
	Stack      float64 // of all goroutines
	Resident   float64 // memory of the process as it is, zero where that is not known
	Trimmed    float64 // the same after the garbage is collected and given back
}

func weigh() footprint {
	asIs := resident()
	for range 3 { // pools keep what they have for two collections
		runtime.GC()
	}
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return footprint{
		Goroutines: float64(runtime.NumGoroutine()),
		Heap:       float64(m.HeapAlloc),
		Stack:      float64(m.StackInuse),
		Resident:   asIs,
		Trimmed:    resident(),
	}
}

func (f footprint) minus(g footprint) footprint {
	return footprint{f.Goroutines - g.Goroutines, f.Heap - g.Heap, f.Stack - g.Stack, f.Resident - g.Resident, f.Trimmed - g.Trimmed}
}

func (f footprint) per(shards int) footprint {
	n := float64(shards)
	return footprint{f.Goroutines / n, f.Heap / n, f.Stack / n, f.Resident / n, f.Trimmed / n}
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
