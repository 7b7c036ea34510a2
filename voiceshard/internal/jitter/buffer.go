package jitter

import "time"

// The defaults of [New].
const (
	DefaultWindow   = 60 * time.Millisecond
	DefaultCapacity = 64 // packets; 160 ms of the shortest, 2.5 ms each
)

// MaxGap is how many packets in a row may be missing for the next one to belong
// to the same stream. A jump further ahead means that the source began anew.
//
// https://www.rfc-editor.org/rfc/rfc3550#appendix-A.1
const MaxGap = 3000

// maxStep is the longest Opus packet, 120 ms in samples.
const maxStep = 48 * 120

// An Arrival says what became of a packet that was pushed.
type Arrival uint8

// What can become of a packet. The buffer has taken the item if it is queued,
// and does not know it otherwise.
const (
	Queued    Arrival = iota
	Late              // its place was given up, or lies before the first packet
	Duplicate         // it was there already
	Full              // the caller did not pop
)

// String names the arrival for logs.
func (a Arrival) String() string {
	if int(a) < len(arrivals) {
		return arrivals[a]
	}
	return "unknown"
}

var arrivals = [...]string{"queued", "late", "duplicate", "full"}

// A Kind says what [Buffer.Pop] returned.
type Kind uint8

const (
	None   Kind = iota // nothing for now, see [Buffer.NextDeadline]
	Packet             // the next packet
	Lost               // packets that did not arrive in time
)

// A Result is the next step of a stream.
type Result[T any] struct {
	Kind      Kind
	Sequence  uint16    // of the packet, or of the first one that was lost
	Timestamp uint32    // of the packet; of a lost one, as packets of equal length would have it
	Count     int       // how many were lost, up to [MaxGap]; 1 for a packet
	Restart   bool      // sequence and timestamp have nothing to do with those before
	Arrived   time.Time // of the packet; of lost ones, the arrival that revealed them
	Item      T
}

// A Buffer puts the packets of one source in order. Packets that come in order
// pass at once; those behind a gap wait for it to be filled, for a window at
// most. It is not safe for concurrent use. Make one with [New].
type Buffer[T any] struct {
	window time.Duration
	held   []entry[T] // a ring, sorted by sequence behind the first old entries
	head   int
	count  int
	old    int // entries that do not wait any more: their stream is over

	started   bool
	next      uint16 // the sequence that is wanted
	timestamp uint32 // of the last packet that left
	stray     uint16 // the sequence behind the last packet from long ago
	strayed   bool
	seen      history
}

type entry[T any] struct {
	item      T
	arrived   time.Time
	timestamp uint32
	sequence  uint16
	restart   bool
}

// New returns a buffer that waits for a window and holds no more than capacity
// packets meanwhile. Values that are not positive stand for the defaults.
func New[T any](window time.Duration, capacity int) *Buffer[T] {
	if window <= 0 {
		window = DefaultWindow
	}
	if capacity <= 0 {
		capacity = DefaultCapacity
	}
	return &Buffer[T]{window: window, held: make([]entry[T], capacity)}
}

// Len returns how many packets are held.
func (b *Buffer[T]) Len() int { return b.count }

// Push takes a packet that arrived at now. The caller pops until there is
// nothing left before it pushes the next one.
func (b *Buffer[T]) Push(now time.Time, sequence uint16, timestamp uint32, item T) Arrival {
	if b.count == len(b.held) || b.old > 0 {
		return Full
	}
	e := entry[T]{item: item, arrived: now, timestamp: timestamp, sequence: sequence}
	if !b.started {
		return b.begin(e)
	}
	diff := distance(sequence, b.next)
	switch {
	case diff >= 0 && diff <= MaxGap:
		b.strayed = false
		return b.insert(e)
	case diff < 0 && diff >= -historySize:
		if b.seen.mark(-diff) {
			return Late
		}
		return Duplicate
	case diff < 0 && b.fromLongAgo(e, -diff):
		return Late
	}
	return b.begin(e)
}

// begin makes e the first packet of a stream. What is held does not wait for
// packets of the stream before.
func (b *Buffer[T]) begin(e entry[T]) Arrival {
	b.old = b.count
	b.started, b.strayed = true, false
	if b.count == 0 {
		b.next, b.seen = e.sequence, history{}
	}
	e.restart = true
	*b.at(b.count) = e
	b.count++
	return Queued
}

// fromLongAgo reports whether a packet that is older than the history is one
// of this stream: its timestamp is behind as well. Two of them in a row are a
// source that began anew all the same.
func (b *Buffer[T]) fromLongAgo(e entry[T], behind int) bool {
	again := b.strayed && e.sequence == b.stray
	b.stray, b.strayed = e.sequence+1, true
	age := b.timestamp - e.timestamp
	return !again && age > 0 && age <= uint32(behind)*maxStep
}

// insert puts e in its place, which is at the end but for packets that were
// overtaken.
func (b *Buffer[T]) insert(e entry[T]) Arrival {
	i := b.count
	for ; i > 0; i-- {
		switch diff := distance(e.sequence, b.at(i-1).sequence); {
		case diff == 0:
			return Duplicate
		case diff > 0:
			b.open(i, e)
			return Queued
		}
	}
	b.open(0, e)
	return Queued
}

// open makes room for e at index i.
func (b *Buffer[T]) open(i int, e entry[T]) {
	for j := b.count; j > i; j-- {
		*b.at(j) = *b.at(j - 1)
	}
	*b.at(i) = e
	b.count++
}

// Pop returns what comes next: a packet, news of packets that are lost, or
// nothing, which is for good until the next push or [Buffer.NextDeadline].
func (b *Buffer[T]) Pop(now time.Time) Result[T] {
	if b.count == 0 {
		return Result[T]{}
	}
	first := b.at(0)
	if first.restart || first.sequence == b.next {
		return b.take()
	}
	if b.waits() && now.Before(b.overdue()) {
		return Result[T]{}
	}
	return b.giveUp(first)
}

// waits reports whether the gap in front may still be filled.
func (b *Buffer[T]) waits() bool { return b.old == 0 && b.count < len(b.held) }

// overdue returns when the gap in front has had its time: a window after the
// first packet from behind it.
func (b *Buffer[T]) overdue() time.Time { return b.revealed().Add(b.window) }

// revealed returns when the first packet from behind the gap in front arrived.
func (b *Buffer[T]) revealed() time.Time {
	earliest := b.at(0).arrived
	for i := 1; i < b.count; i++ {
		if t := b.at(i).arrived; t.Before(earliest) {
			earliest = t
		}
	}
	return earliest
}

// take lets the packet in front go.
func (b *Buffer[T]) take() Result[T] {
	e := b.at(0)
	r := Result[T]{
		Kind: Packet, Sequence: e.sequence, Timestamp: e.timestamp, Count: 1,
		Restart: e.restart, Arrived: e.arrived, Item: e.item,
	}
	if e.restart {
		b.seen = history{}
	}
	b.seen.add(true, 1)
	b.next, b.timestamp = e.sequence+1, e.timestamp
	*e = entry[T]{} // let go of the item
	b.head = (b.head + 1) % len(b.held)
	b.count--
	b.old = max(b.old-1, 0)
	return r
}

// giveUp declares the packets before first lost.
func (b *Buffer[T]) giveUp(first *entry[T]) Result[T] {
	n := distance(first.sequence, b.next)
	step := (first.timestamp - b.timestamp) / uint32(n+1)
	r := Result[T]{Kind: Lost, Sequence: b.next, Timestamp: b.timestamp + step, Count: n, Arrived: b.revealed()}
	b.seen.add(false, n)
	b.next = first.sequence
	return r
}

// Flush gives up all gaps, at the end of a stream: [Buffer.Pop] empties the
// buffer then, and waits for nothing.
func (b *Buffer[T]) Flush() { b.old = b.count }

// NextDeadline returns when to call [Buffer.Pop] if nothing is pushed until
// then, zero when there is nothing to wait for. It may have passed.
func (b *Buffer[T]) NextDeadline() time.Time {
	switch {
	case b.count == 0:
		return time.Time{}
	case !b.waits() || b.at(0).restart || b.at(0).sequence == b.next:
		return b.at(0).arrived
	}
	return b.overdue()
}

func (b *Buffer[T]) at(i int) *entry[T] { return &b.held[(b.head+i)%len(b.held)] }

// distance returns how many packets a comes after b, negative if before.
func distance(a, b uint16) int { return int(int16(a - b)) }
