package frame

import (
	"math/bits"
	"sync"
)

// Read buffers come in powers of two. Those of the sizes between are shared
// by all readers of the process, so that a connection holds more than the
// smallest one only while it needs it.
const (
	minShift  = 12 // 4 KiB, what an idle connection holds
	busyShift = 14 // 16 KiB, for a connection whose reads fill the smallest one: a TLS record
	maxShift  = 20 // 1 MiB, larger ones are left to the garbage collector
)

// A block is a read buffer. It is a pointer in the pools, so that putting it
// back does not allocate.
type block struct{ b []byte }

var pools [maxShift + 1]sync.Pool

// newBlock returns a block of at least size bytes.
func newBlock(size int) *block {
	shift := max(minShift, bits.Len(uint(size-1)))
	if shift > maxShift {
		return &block{make([]byte, size)}
	}
	if b, ok := pools[shift].Get().(*block); ok {
		return b
	}
	return &block{make([]byte, 1<<shift)}
}

// free gives the block back. It must not be used any more.
func (b *block) free() {
	if shift := bits.Len(uint(len(b.b) - 1)); shift <= maxShift {
		pools[shift].Put(b)
	}
}
