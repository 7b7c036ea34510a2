package ratelimit

import "time"

// A log is a queue of times, oldest first, in a ring that grows as it fills.
type log struct {
	ring []time.Duration
	head int
	n    int
}

// at returns the i-th oldest time.
func (l *log) at(i int) time.Duration {
	return l.ring[(l.head+i)%len(l.ring)]
}

func (l *log) pop() {
	l.head = (l.head + 1) % len(l.ring)
	l.n--
}

// push adds a time. At most limit are kept, the oldest goes first.
func (l *log) push(at time.Duration, limit int) {
	if l.n == limit {
		l.pop()
	}
	if l.n == len(l.ring) {
		l.grow(min(max(8, 2*l.n), limit))
	}
	l.ring[(l.head+l.n)%len(l.ring)] = at
	l.n++
}

func (l *log) grow(size int) {
	ring := make([]time.Duration, size)
	n := copy(ring, l.ring[l.head:])
	copy(ring[n:], l.ring[:l.head])
	l.ring, l.head = ring, 0
}
