package jitter

import (
	"encoding/binary"
	"testing"
	"time"
)

// FuzzBuffer pushes whatever comes: the buffer stays within its bounds, gives
// out what it took, once, and never says that something is due that is not.
func FuzzBuffer(f *testing.F) {
	f.Add([]byte{0, 1, 0, 1, 0, 3, 0, 2, 0, 2})
	f.Add([]byte{255, 255, 0, 0, 128, 0, 128, 1, 0, 1, 64, 0})
	f.Fuzz(func(t *testing.T, in []byte) {
		b := New[int](0, 8)
		now, took, gave := epoch, 0, 0
		for i := 0; len(in) >= 2; i++ {
			seq := binary.BigEndian.Uint16(in)
			in = in[2:]
			if b.Push(now, seq, uint32(seq)*960, i) == Queued {
				took++
			}
			for r := b.Pop(now); r.Kind != None; r = b.Pop(now) {
				if r.Kind == Packet {
					gave++
				}
				if r.Count < 1 || r.Count > MaxGap {
					t.Fatalf("%d at once", r.Count)
				}
			}
			if b.Len() >= 8 || took-gave != b.Len() {
				t.Fatalf("%d held, %d taken, %d given", b.Len(), took, gave)
			}
			if d := b.NextDeadline(); d.IsZero() != (b.Len() == 0) || b.Len() > 0 && !d.After(now) {
				t.Fatalf("deadline %v at %v", d, now)
			}
			now = now.Add(time.Duration(seq%32) * time.Millisecond)
		}
	})
}
