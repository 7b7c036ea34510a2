package voiceshard

import "time"

// A queuedFrame is a frame that waits for its time.
type queuedFrame struct {
	opus   []byte
	length time.Duration
	end    time.Duration // its end in the source
	packet sealedPacket
}

// A frameQueue holds the frames of a player: the first ones sealed, the others
// not yet. It grows to what the player wants to have ahead, and reuses its
// memory.
type frameQueue struct {
	ring   []queuedFrame
	first  int
	n      int
	sealed int
	time   time.Duration // of all frames
}

func (q *frameQueue) at(i int) *queuedFrame { return &q.ring[(q.first+i)%len(q.ring)] }

// push copies a frame.
func (q *frameQueue) push(opus []byte, length, end time.Duration) {
	if q.n == len(q.ring) {
		q.grow()
	}
	f := q.at(q.n)
	f.opus = append(f.opus[:0], opus...)
	f.length, f.end = length, end
	q.n++
	q.time += length
}

func (q *frameQueue) grow() {
	ring := make([]queuedFrame, max(2*len(q.ring), 16))
	for i := range q.n {
		ring[i] = *q.at(i)
	}
	q.ring, q.first = ring, 0
}

// pop forgets the first frame, which was sent.
func (q *frameQueue) pop() {
	q.time -= q.at(0).length
	q.first = (q.first + 1) % len(q.ring)
	q.n--
	q.sealed--
}

// clear forgets all frames, none of which is sealed.
func (q *frameQueue) clear() { q.n, q.time = 0, 0 }

// seal seals all frames, as far as the transport allows.
func (q *frameQueue) seal(out *sender) {
	for q.sealed < q.n {
		f := q.at(q.sealed)
		if out.seal(&f.packet, f.opus) != nil {
			return
		}
		q.sealed++
	}
}

// unseal gives the numbers of sealed frames back.
func (q *frameQueue) unseal(out *sender) {
	if q.sealed > 0 {
		out.rewind(&q.at(0).packet)
		q.sealed = 0
	}
}

// restUntil records when the sound stopped, for resumeAt.
func (o *sender) restUntil(at time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.due = at
}

// resumeAt lets the time pass for the listeners in which nobody sent.
func (o *sender) resumeAt(now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if gap := now.Sub(o.due); gap > 0 && !o.due.IsZero() {
		o.stream.Skip(samplesIn(gap))
	}
	o.due = now
}
