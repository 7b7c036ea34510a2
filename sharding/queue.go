package sharding

import (
	"errors"
	"fmt"
	"sync"
)

// A Queue holds events of a shard that its handler is not ready for. The zero
// Queue holds none: the shard waits for the handler, and Discord for the shard.
type Queue struct {
	// Size is the number of events that fit. Each takes the memory of its data.
	Size int

	// Policy says what happens to an event that does not fit.
	Policy QueuePolicy
}

// A QueuePolicy says what a full [Queue] does.
type QueuePolicy uint8

const (
	// Block makes the shard wait for the handler. Nothing is dropped.
	Block QueuePolicy = iota

	// DropOldest drops the event that waited longest. It counts in
	// [ShardStats].Dropped, and as acknowledged.
	DropOldest

	// DropNewest drops the event that just came. It counts like one of
	// DropOldest.
	DropNewest
)

const maxQueue = 1 << 20

func (q Queue) check() error {
	switch {
	case q.Size < 0 || q.Size > maxQueue:
		return fmt.Errorf("sharding: queue size %d is not between 0 and %d", q.Size, maxQueue)
	case q.Policy > DropNewest:
		return fmt.Errorf("sharding: unknown queue policy %d", q.Policy)
	case q.Policy != Block && q.Size == 0:
		return errors.New("sharding: a queue that drops events needs a size")
	}
	return nil
}

// A queue is what waits between the event loop and the goroutine that calls the handlers.
type queue struct {
	size int

	mu      sync.Mutex // guards what follows; that of the member may be taken under it
	changed sync.Cond
	events  []Event // those from head on
	head    int
	blocked *Event // waits for room
	ended   bool   // the event loop sends nothing more
}

func newQueue(size int) *queue {
	if size == 0 {
		return nil
	}
	q := &queue{size: size}
	q.changed.L = &q.mu
	return q
}

// count returns the number of events. The caller holds mu.
func (q *queue) count() int { return len(q.events) - q.head }

// len returns the number of events, also of no queue.
func (q *queue) len() int {
	if q == nil {
		return 0
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.count()
}

// push adds a copy of an event. The caller holds mu.
func (q *queue) push(e Event) {
	if q.head > 32 && q.head > len(q.events)/2 {
		n := copy(q.events, q.events[q.head:])
		clear(q.events[n:])
		q.events, q.head = q.events[:n], 0
	}
	q.events = append(q.events, e.Clone())
	q.changed.Broadcast()
}

// pop removes the event that waited longest. The caller holds mu.
func (q *queue) pop() Event {
	e := q.events[q.head]
	q.events[q.head] = Event{}
	if q.head++; q.head == len(q.events) {
		q.events, q.head = q.events[:0], 0
	}
	q.changed.Broadcast()
	return e
}

// next waits for an event and removes it. It reports false when the queue has ended and is empty.
func (q *queue) next() (Event, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.count() == 0 {
		if q.ended {
			return Event{}, false
		}
		q.changed.Wait()
	}
	return q.pop(), true
}

// setEnded says whether more events may come.
func (q *queue) setEnded(ended bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = ended
	q.changed.Broadcast()
}

// all returns what waits. The data is that of the queue.
func (q *queue) all() (all []Event) {
	if q == nil {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	all = append(all, q.events[q.head:]...)
	if q.blocked != nil {
		all = append(all, q.blocked.Clone())
	}
	return all
}

// startQueue lets a goroutine call the handlers. It returns a function that
// ends the goroutine, after everything in the queue was dealt with.
func (m *member) startQueue() (stop func()) {
	if m.queue == nil {
		return func() {}
	}
	m.queue.setEnded(false)
	var working sync.WaitGroup
	persist(&working, func() {
		for {
			e, ok := m.queue.next()
			if !ok {
				return
			}
			m.deliver(e)
		}
	})
	return func() {
		m.queue.setEnded(true)
		working.Wait()
	}
}

// enqueue hands an event to the queue's goroutine, and to the calls that wait for it. The queue may have
// ended before the shard has handed on what it held during a handover: that is
// never acknowledged.
func (m *member) enqueue(e Event) {
	q, policy := m.queue, m.gen.group.config.Queue.Policy
	q.mu.Lock()
	for q.count() >= q.size && policy != Block {
		if policy == DropNewest {
			q.mu.Unlock()
			m.drop(e)
			return
		}
		oldest := q.pop()
		q.mu.Unlock()
		m.drop(oldest)
		q.mu.Lock()
	}
	m.accept(e)
	for q.count() >= q.size && !q.ended {
		q.blocked = &e
		q.changed.Wait()
	}
	q.blocked = nil
	ended := q.ended
	if !ended {
		q.push(e)
	}
	q.mu.Unlock()
	if !ended {
		m.gen.group.waiters.offer(m, e)
	}
}

func (m *member) drop(e Event) {
	m.dropped.Add(1)
	if hook := m.gen.group.config.Hooks.Dropped; hook != nil {
		hook(e)
	}
}
