package voiceshard

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/discordpkg/gateway/snowflake"
)

// A Packet is one step of what somebody said: a packet that arrived, or news
// of packets that did not. Packets of one user come in order, late ones apart.
type Packet struct {
	User      snowflake.ID // zero while the owner of the SSRC is not known
	SSRC      uint32
	Sequence  uint16 // of the first one, if packets are lost
	Timestamp uint32 // in samples of 1/48000 s; of lost packets, as far as it can be told
	Count     int    // 1; of lost packets how many
	Restart   bool   // the numbers have nothing to do with those of the packet before
	Verdict   Verdict
	Err       error     // why it is undecryptable
	Opus      []byte    // what was said: empty if it is lost or undecryptable
	Arrival   time.Time // of the datagram; of lost packets when they were given up
}

// A Verdict says what became of a packet.
type Verdict uint8

// The verdicts.
const (
	OK            Verdict = iota
	Late                  // it came after its turn: it was reported as lost, or lies before the first one
	Lost                  // it did not come in time
	Undecryptable         // it came, but its end-to-end encryption could not be removed: see Packet.Err
)

func (v Verdict) String() string {
	if v > Undecryptable {
		return "unknown verdict"
	}
	return [...]string{"ok", "late", "lost", "undecryptable"}[v]
}

// Clone returns a copy of p that shares no memory with the session.
func (p *Packet) Clone() *Packet {
	c := *p
	c.Opus = append([]byte(nil), p.Opus...)
	return &c
}

// Receive returns the next packet of anybody. It is valid until the next call;
// [Packet.Clone] makes a copy to keep. It costs no allocation. One goroutine
// at a time may call it.
//
// The error is that of ctx as soon as that has ended, or, when all packets were
// returned, why the session ended.
func (s *Session) Receive(ctx context.Context) (*Packet, error) {
	q := &s.in.queue
	for {
		// Who is slow always finds a packet, and wants to end all the same.
		if ctx.Err() != nil {
			return nil, fmt.Errorf("voiceshard: receive: %w", context.Cause(ctx))
		}
		p, closed := q.pop()
		if p != nil {
			return p, nil
		}
		if closed {
			return nil, context.Cause(s.ctx)
		}
		select {
		case <-q.signal:
		case <-ctx.Done():
		}
	}
}

// A queue holds packets until somebody receives them. The memory of packets
// goes round: from the sender to the queue, to the receiver, and back.
type queue struct {
	mu       sync.Mutex // guards what follows
	ring     []Packet
	first    int
	n        int
	capacity int // of the ring at most
	dropped  uint64
	closed   bool

	signal chan struct{} // holds one
	out    Packet        // of the receiver
}

func (q *queue) start(capacity int) {
	q.capacity = capacity
	q.signal = make(chan struct{}, 1)
}

// push takes a packet, and returns another one's memory in its place. A full
// queue drops its oldest packet.
func (q *queue) push(p *Packet) {
	if q.capacity == 0 {
		return
	}
	q.mu.Lock()
	switch {
	case q.n < len(q.ring):
	case q.n < q.capacity:
		q.grow()
	default:
		q.first = (q.first + 1) % len(q.ring)
		q.n--
		q.dropped++
	}
	slot := &q.ring[(q.first+q.n)%len(q.ring)]
	*slot, *p = *p, *slot
	q.n++
	q.mu.Unlock()
	q.wake()
}

// grow makes room for more packets: most sessions never need much.
func (q *queue) grow() {
	ring := make([]Packet, min(q.capacity, max(16, 2*len(q.ring))))
	k := copy(ring, q.ring[q.first:])
	copy(ring[k:], q.ring[:q.first])
	q.ring, q.first = ring, 0
}

// pop returns the oldest packet, or whether there will never be one again.
func (q *queue) pop() (p *Packet, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.n == 0 {
		if q.closed {
			q.wake() // for the next call
		}
		return nil, q.closed
	}
	slot := &q.ring[q.first]
	q.out, *slot = *slot, q.out
	q.first = (q.first + 1) % len(q.ring)
	q.n--
	return &q.out, false
}

func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.wake()
}

func (q *queue) wake() {
	select {
	case q.signal <- struct{}{}:
	default:
	}
}
