package caller

import (
	"sync/atomic"
	"time"
)

// A Tap sees when one call sends its packets.
type Tap struct {
	start time.Time
	at    []int64 // nanoseconds since the start
	n     atomic.Int64
}

// NewTap returns one for so many packets; it does not see more.
func NewTap(start time.Time, packets int) *Tap { return &Tap{start: start, at: make([]int64, packets)} }

// packet is called for each datagram.
func (t *Tap) packet(size int) {
	if t == nil || size < smallest {
		return
	}
	if n := t.n.Load(); int(n) < len(t.at) {
		t.at[n] = int64(time.Since(t.start))
		t.n.Store(n + 1)
	}
}

// smallest is a size in bytes between that of audio and of all else.
const smallest = 100

// Times returns when the packets were sent, after the start.
func (t *Tap) Times() []int64 { return t.at[:t.n.Load()] }
