package voiceshard

import (
	"fmt"
	"time"

	"github.com/discordpkg/gateway/internal/deadline"
	"github.com/discordpkg/gateway/voiceshard/internal/jitter"
)

// drain hands out what has its turn.
func (in *inbound) drain(now time.Time, s *source) {
	for {
		r := s.order.Pop(now)
		if r.Kind == jitter.None {
			break
		}
		if len(s.held) > 0 || !in.deliver(now, s, &r, false) {
			in.holdBack(now, s, r)
		}
	}
	if !s.listed && (len(s.held) > 0 || !s.order.NextDeadline().IsZero()) {
		s.listed = true
		in.waiting = append(in.waiting, s)
	}
}

// holdBack keeps a step for later. The oldest one is given up if there are too many.
func (in *inbound) holdBack(now time.Time, s *source, r jitter.Result[*payload]) {
	if len(s.held) >= maxHeld {
		in.deliver(now, s, &s.held[0].Result, true)
		s.held = append(s.held[:0], s.held[1:]...)
	}
	// The time that it waited for others before it counts.
	s.held = append(s.held, held{r, r.Arrived.Add(in.hold)})
}

// unhold hands out what was held, as far as that is possible now, or all of it.
func (in *inbound) unhold(now time.Time, s *source, all bool) {
	n := 0
	for n < len(s.held) {
		h := &s.held[n]
		if !in.deliver(now, s, &h.Result, all || !now.Before(h.until)) {
			break
		}
		n++
	}
	if n > 0 {
		rest := copy(s.held, s.held[n:])
		clear(s.held[rest:])
		s.held = s.held[:rest]
	}
}

// retry hands out what was held for want of a key.
func (in *inbound) retry(now time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, s := range in.waiting {
		in.unhold(now, s, false)
	}
	in.tidy()
}

// expire gives up what has waited for too long.
func (in *inbound) expire(now time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.forget(now)
	if len(in.waiting) == 0 {
		return
	}
	for _, s := range in.waiting {
		if due := s.deadline(); due.IsZero() || now.Before(due) {
			continue
		}
		in.unhold(now, s, false)
		in.drain(now, s)
		in.unhold(now, s, false) // what left the order late has waited already
	}
	in.tidy()
}

// flush hands out everything.
func (in *inbound) flush(now time.Time, s *source) {
	in.unhold(now, s, true)
	s.order.Flush()
	in.drain(now, s)
	in.unhold(now, s, true)
}

// tidy strikes the sources that wait for nothing off the list.
func (in *inbound) tidy() {
	n := 0
	for _, s := range in.waiting {
		if s.listed = len(s.held) > 0 || !s.order.NextDeadline().IsZero(); s.listed {
			in.waiting[n] = s
			n++
		}
	}
	clear(in.waiting[n:])
	in.waiting = in.waiting[:n]
}

// deadline returns when to call expire, zero if never.
func (in *inbound) deadline() (next time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, s := range in.waiting {
		next = deadline.Earliest(next, s.deadline())
	}
	return next
}

// deliver puts one step of a source into the queue. It reports false if that
// may be possible later, unless there is no later.
func (in *inbound) deliver(now time.Time, s *source, r *jitter.Result[*payload], final bool) bool {
	if s.user == 0 && !final {
		return false
	}
	p := &in.fill
	in.describe(p, s, r.Sequence, r.Timestamp)
	p.Restart, p.Arrival = r.Restart, r.Arrived
	if r.Kind == jitter.Lost {
		p.Verdict, p.Count, p.Arrival = Lost, r.Count, now
		s.tally.Lost += uint64(r.Count)
		in.queue.push(p)
		return true
	}
	// A packet of mere padding has a number, and nothing to say.
	if len(r.Item.b) > 0 {
		later, err := in.decrypt(now, p, r.Item.b)
		if later && !final {
			return false
		}
		in.judge(p, s.tally, later, err)
		in.queue.push(p)
	}
	in.release(r.Item)
	return true
}

// late hands out a packet that comes after its turn.
func (in *inbound) late(now time.Time, s *source, item *payload) {
	s.tally.Late++
	if len(item.b) == 0 {
		return
	}
	p := &in.fill
	in.describe(p, s, in.packet.Sequence, in.packet.Timestamp)
	p.Verdict, p.Arrival = Late, now
	_, p.Err = in.decrypt(now, p, item.b)
	in.queue.push(p)
}

// describe fills in what is known of a packet in any case.
func (in *inbound) describe(p *Packet, s *source, sequence uint16, timestamp uint32) {
	*p = Packet{User: s.user, SSRC: s.ssrc, Sequence: sequence, Timestamp: timestamp, Count: 1, Opus: p.Opus[:0]}
}

// decrypt removes the end-to-end encryption. It reports whether that may be
// possible later.
func (in *inbound) decrypt(now time.Time, p *Packet, frame []byte) (later bool, err error) {
	if in.cryptor == nil {
		p.Opus = append(p.Opus, frame...)
		return false, nil
	}
	p.Opus, later, err = in.cryptor.decrypt(now, p.User, p.Opus, frame)
	if err != nil && p.User == 0 {
		err = fmt.Errorf("%w: %w", ErrUnknownUser, err)
	}
	return later, err
}

// judge sets the verdict on a packet that had its turn, and counts it.
func (in *inbound) judge(p *Packet, tally *Counts, later bool, err error) {
	if err == nil {
		tally.OK++
		return
	}
	p.Verdict, p.Err = Undecryptable, err
	switch {
	case p.User == 0:
		tally.UnknownUser++
	case later:
		tally.NoKey++
	default:
		tally.Refused++
	}
}
