package gatewaytest

import (
	"container/heap"
	"time"
)

// A voiceEvent is something that happens at a time, and among what happens at
// the same time in the order of scheduling.
type voiceEvent struct {
	at    time.Duration // since the start
	order uint64
	do    func()
}

// voiceEvents are what is to happen.
type voiceEvents []*voiceEvent

func (q voiceEvents) Len() int      { return len(q) }
func (q voiceEvents) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q voiceEvents) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].order < q[j].order
}

// Push implements [heap.Interface].
func (q *voiceEvents) Push(e any) { *q = append(*q, e.(*voiceEvent)) }

// Pop implements [heap.Interface].
func (q *voiceEvents) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return e
}

func (q *voiceEvents) next() (*voiceEvent, bool) {
	if len(*q) == 0 {
		return nil, false
	}
	return heap.Pop(q).(*voiceEvent), true
}

// at lets something happen at a time.
func (m *voiceSimulation) at(at time.Duration, do func()) {
	m.order++
	heap.Push(&m.events, &voiceEvent{at: at, order: m.order, do: do})
}

// after lets something happen after d.
func (m *voiceSimulation) after(d time.Duration, do func()) { m.at(m.now+d, do) }

// inOrder lets something happen after a random latency, but not before what
// was sent the same way earlier.
func (m *voiceSimulation) inOrder(way *time.Duration, do func()) {
	*way = max(*way, m.now+m.latency())
	m.at(*way, do)
}

// A voiceAlarm rings when a deadline has come. A deadline that moves leaves
// rings behind that come to nothing.
type voiceAlarm struct{ at time.Duration }

// arm makes an alarm ring at a deadline, never if it is zero.
func (m *voiceSimulation) arm(a *voiceAlarm, deadline time.Time, ring func()) {
	if deadline.IsZero() {
		return
	}
	due := max(m.now, deadline.Sub(simEpoch))
	if a.at > m.now && a.at <= due {
		return
	}
	a.at = due
	m.at(due, func() {
		if a.at == m.now {
			a.at = 0
		}
		ring()
	})
}
