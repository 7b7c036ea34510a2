package sharding

import (
	"errors"
	"fmt"
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

// startQueue lets a goroutine call the handlers. It returns a function that
// ends the goroutine, after everything in the queue was dealt with.
func (m *member) startQueue() (stop func()) {
	if m.queue == nil {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.consume()
	}()
	return func() {
		close(m.ended)
		<-done
	}
}

// consume calls the handlers until the queue has ended and is empty.
func (m *member) consume() {
	for {
		select {
		case e := <-m.queue:
			m.deliver(e)
			continue
		case <-m.ended:
		}
		select {
		case e := <-m.queue:
			m.deliver(e)
		default:
			return
		}
	}
}

// enqueue hands an event to the queue's goroutine. Nobody else sends, so what
// has room now has room in a moment. The queue may have ended before the shard
// has handed on what it held during a handover: that is never acknowledged.
func (m *member) enqueue(e Event) {
	for len(m.queue) == cap(m.queue) && m.gen.group.config.Queue.Policy != Block {
		if m.gen.group.config.Queue.Policy == DropNewest {
			m.drop(e)
			return
		}
		select {
		case oldest := <-m.queue:
			m.drop(oldest)
		default:
		}
	}
	m.accept(e)
	select {
	case <-m.ended:
		return
	default:
	}
	select {
	case m.queue <- e.Clone():
	case <-m.ended:
	}
}

func (m *member) drop(e Event) {
	m.dropped.Add(1)
	if hook := m.gen.group.config.Hooks.Dropped; hook != nil {
		hook(e)
	}
}
