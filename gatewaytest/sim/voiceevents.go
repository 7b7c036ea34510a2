package sim

import "time"

// A voiceEvent is something that happens at a time, and among what happens at
// the same time in the order of scheduling.
type voiceEvent struct {
	at    time.Duration // since the start
	order uint64
	do    func()
}

func (e *voiceEvent) before(o *voiceEvent) bool {
	return e.at < o.at || e.at == o.at && e.order < o.order
}

// voiceEvents are what is to happen: a heap, the earliest first.
type voiceEvents struct {
	heap  []voiceEvent
	order uint64
}

func (q *voiceEvents) push(at time.Duration, do func()) {
	q.order++
	e := voiceEvent{at: at, order: q.order, do: do}
	q.heap = append(q.heap, e)
	i := len(q.heap) - 1
	for i > 0 && e.before(&q.heap[(i-1)/2]) {
		q.heap[i] = q.heap[(i-1)/2]
		i = (i - 1) / 2
	}
	q.heap[i] = e
}

func (q *voiceEvents) pop() (first voiceEvent, ok bool) {
	n := len(q.heap) - 1
	if n < 0 {
		return first, false
	}
	first = q.heap[0]
	e := q.heap[n]
	q.heap[n] = voiceEvent{}
	q.heap = q.heap[:n]
	i := 0
	for {
		child := 2*i + 1
		if child+1 < n && q.heap[child+1].before(&q.heap[child]) {
			child++
		}
		if child >= n || !q.heap[child].before(&e) {
			break
		}
		q.heap[i] = q.heap[child]
		i = child
	}
	if n > 0 {
		q.heap[i] = e
	}
	return first, true
}

// at lets something happen at a time.
func (m *voiceSimulation) at(at time.Duration, do func()) { m.events.push(at, do) }

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
