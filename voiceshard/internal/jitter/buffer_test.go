package jitter

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var epoch = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func at(ms int) time.Time { return epoch.Add(time.Duration(ms) * time.Millisecond) }

// drain pops all there is, as "5 lost 6+2 8": packets by their sequence, runs
// of lost ones with their length, a restart with a bar before it.
func drain(b *Buffer[int], now time.Time) string {
	var out []string
	for {
		switch r := b.Pop(now); r.Kind {
		case None:
			return strings.Join(out, " ")
		case Packet:
			if r.Restart {
				out = append(out, "|")
			}
			out = append(out, fmt.Sprint(r.Sequence))
		case Lost:
			out = append(out, fmt.Sprintf("lost %d+%d", r.Sequence, r.Count))
		}
	}
}

type push struct {
	ms   int
	seq  uint16
	want string // what pops afterwards
	fate Arrival
}

func run(t *testing.T, b *Buffer[int], pushes []push) {
	t.Helper()
	for i, p := range pushes {
		require.Equal(t, p.fate, b.Push(at(p.ms), p.seq, uint32(p.seq)*960, int(p.seq)), "push %d", i)
		require.Equal(t, p.want, drain(b, at(p.ms)), "after push %d", i)
	}
}

func TestInOrderPassesAtOnce(t *testing.T) {
	b := New[int](0, 0)
	require.Zero(t, b.NextDeadline())
	run(t, b, []push{{0, 5, "| 5", 0}, {20, 6, "6", 0}, {40, 7, "7", 0}})
	require.Zero(t, b.NextDeadline())
	require.Zero(t, b.Len())
}

func TestReordered(t *testing.T) {
	b := New[int](0, 0)
	run(t, b, []push{{0, 5, "| 5", 0}, {20, 8, "", 0}, {21, 7, "", 0}, {22, 7, "", Duplicate}, {23, 6, "6 7 8", 0}})
}

func TestLostAfterTheWindow(t *testing.T) {
	b := New[int](0, 0)
	run(t, b, []push{{0, 5, "| 5", 0}, {40, 8, "", 0}, {50, 7, "", 0}})
	require.Equal(t, at(100), b.NextDeadline(), "a window after the gap was seen")
	require.Empty(t, drain(b, at(99)))
	require.Equal(t, "lost 6+1 7 8", drain(b, at(100)))
	require.Zero(t, b.NextDeadline())
}

func TestTheSecondGapHasAWindowOfItsOwn(t *testing.T) {
	b := New[int](0, 0)
	run(t, b, []push{{0, 5, "| 5", 0}, {20, 7, "", 0}, {60, 10, "", 0}})
	require.Equal(t, "lost 6+1 7", drain(b, at(80)))
	require.Equal(t, at(120), b.NextDeadline())
	require.Equal(t, "lost 8+2 10", drain(b, at(120)))
}

func TestLateIsNotDuplicate(t *testing.T) {
	b := New[int](0, 0)
	run(t, b, []push{
		{0, 5, "| 5", 0}, {1, 7, "", 0}, {61, 8, "lost 6+1 7 8", 0},
		{62, 6, "", Late}, {63, 6, "", Duplicate}, {64, 7, "", Duplicate}, {65, 4, "", Late}, {66, 4, "", Duplicate},
	})
}

func TestWrap(t *testing.T) {
	b := New[int](0, 0)
	run(t, b, []push{{0, 65534, "| 65534", 0}, {1, 0, "", 0}, {2, 65535, "65535 0", 0}, {3, 65535, "", Duplicate}, {4, 1, "1", 0}})
}

func TestRestart(t *testing.T) {
	b := New[int](0, 0)
	run(t, b, []push{
		{0, 5, "| 5", 0}, {1, 7, "", 0},
		{2, 40000, "lost 6+1 7 | 40000", 0}, // what the old stream had does not wait
		{3, 40001, "40001", 0}, {4, 39999, "", Late},
	})
}

func TestLongLossIsNoRestart(t *testing.T) {
	b := New[int](0, 0)
	run(t, b, []push{{0, 5, "| 5", 0}, {1, 5 + 1 + MaxGap, "", 0}})
	require.Equal(t, fmt.Sprintf("lost 6+%d %d", MaxGap, 6+MaxGap), drain(b, at(61)))
	run(t, b, []push{{70, 6 + 2000, "", Late}, {71, 6 + MaxGap, "", Duplicate}})
}

func TestAPacketFromLongAgoIsLate(t *testing.T) {
	b := New[int](0, 0)
	run(t, b, []push{{0, 5000, "| 5000", 0}, {1, 4000, "", Late}, {2, 5001, "5001", 0}, {3, 4001, "", Late}})
	run(t, b, []push{{5, 4002, "| 4002", 0}}) // two in a row are a source that counts anew
	require.Equal(t, Queued, b.Push(at(6), 3000, 1<<31, 0), "neither is a packet whose timestamp does not fit")
	require.Equal(t, "| 3000", drain(b, at(6)))
}

func TestCapacityEndsTheWait(t *testing.T) {
	b := New[int](time.Hour, 4)
	run(t, b, []push{{0, 1, "| 1", 0}, {1, 3, "", 0}, {2, 4, "", 0}, {3, 6, "", 0}, {4, 7, "lost 2+1 3 4", 0}})
	require.Equal(t, 2, b.Len())
}

func TestPushWithoutPop(t *testing.T) {
	b := New[int](0, 2)
	require.Equal(t, Queued, b.Push(at(0), 1, 0, 1))
	require.Equal(t, Queued, b.Push(at(0), 2, 0, 2))
	require.Equal(t, Full, b.Push(at(0), 3, 0, 3))
	require.Equal(t, "| 1 2", drain(b, at(0)))
	require.Equal(t, Queued, b.Push(at(1), 4, 0, 4))
	require.Equal(t, Queued, b.Push(at(1), 50000, 0, 5))
	require.Equal(t, Full, b.Push(at(1), 50001, 0, 6), "the old stream has to leave first")
	require.Equal(t, at(1), b.NextDeadline())
	require.Equal(t, "lost 3+1 4 | 50000", drain(b, at(1)))
}

func TestFlush(t *testing.T) {
	b := New[int](0, 0)
	run(t, b, []push{{0, 5, "| 5", 0}, {1, 7, "", 0}, {2, 9, "", 0}})
	b.Flush()
	require.Equal(t, at(1), b.NextDeadline())
	require.Equal(t, "lost 6+1 7 lost 8+1 9", drain(b, at(3)))
	run(t, b, []push{{4, 10, "10", 0}})
}

func TestTimestamps(t *testing.T) {
	b := New[string](0, 0)
	b.Push(at(0), 5, 960, "a")
	require.Equal(t, Result[string]{Kind: Packet, Sequence: 5, Timestamp: 960, Count: 1, Restart: true, Arrived: at(0), Item: "a"}, b.Pop(at(0)))
	b.Push(at(60), 8, 4*960, "b")
	require.Equal(t, Result[string]{Kind: Lost, Sequence: 6, Timestamp: 2 * 960, Count: 2, Arrived: at(60)}, b.Pop(at(120)))
	require.Equal(t, Result[string]{Kind: Packet, Sequence: 8, Timestamp: 4 * 960, Count: 1, Arrived: at(60), Item: "b"}, b.Pop(at(120)))
}

func TestArrivalNames(t *testing.T) {
	require.Equal(t, "queued late duplicate full unknown", fmt.Sprint(Queued, Late, Duplicate, Full, Arrival(9)))
}

// TestEveryPacketOnce sends streams through a network that loses, reorders and
// repeats, and accounts for every sequence number.
func TestEveryPacketOnce(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 0))
		b := New[int](0, 1+int(seed%40))
		first := uint16(rng.Uint32())
		next, lost, late := int(first), 0, 0
		pop := func(now time.Time) {
			for r := b.Pop(now); r.Kind != None; r = b.Pop(now) {
				if uint16(next) != r.Sequence || r.Kind == Packet && r.Item != next {
					t.Fatalf("seed %d: %+v, not %d", seed, r, next)
				}
				if r.Kind == Lost {
					lost += r.Count
				}
				next += r.Count
			}
			if d := b.NextDeadline(); !d.IsZero() {
				if !d.After(now) {
					t.Fatalf("seed %d: something is due", seed)
				}
			}
		}
		queue := []int{}
		for i := range 500 {
			if rng.IntN(10) > 0 || i == 0 {
				queue = append(queue, int(first)+i)
			}
			for len(queue) > 0 && (i == 0 || rng.IntN(3) > 0) {
				j := rng.IntN(min(len(queue), 3))
				v := queue[j]
				if rng.IntN(20) > 0 {
					queue = append(queue[:j], queue[j+1:]...)
				}
				if b.Push(at(20*i), uint16(v), uint32(v)*960, v) == Late {
					late++
				}
				pop(at(20 * i))
			}
		}
		b.Flush()
		pop(at(1 << 20))
		require.Less(t, late, lost+1, "who is late was lost before")
	}
}

func TestDoesNotAllocate(t *testing.T) {
	b, m := New[*int](0, 0), new(Meter)
	item, seq := new(int), uint16(0)
	b.Push(at(0), seq, 0, item)
	b.Pop(at(0))
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		for _, d := range []uint16{2, 1, 4} { // 3 is lost
			m.Observe(at(int(seq)), uint32(seq)*960)
			b.Push(at(int(seq)), seq+d, 0, item)
			b.Pop(at(int(seq)))
		}
		for b.Pop(at(1<<20)).Kind != None {
		}
		seq += 4
	}))
}

func BenchmarkBuffer(b *testing.B) {
	buffer, m := New[int](0, 0), new(Meter)
	b.ReportAllocs()
	now := epoch
	for i := 0; b.Loop(); i++ {
		m.Observe(now, uint32(i)*960)
		buffer.Push(now, uint16(i), uint32(i)*960, i)
		buffer.Pop(now)
		now = now.Add(20 * time.Millisecond)
	}
}
