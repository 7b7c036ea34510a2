package sharding

import (
	"encoding/json"
	"hash/maphash"
	"sync"
	"time"

	"github.com/discordpkg/gateway/event"
)

// A handover compares what two generations receive, so that each event is
// delivered once. What both have received is forgotten at once; what remains is
// the events that one of them is behind with.
type handover struct {
	old, next *generation
	limit     int           // events that a shard may hold
	overlap   time.Duration // after which the other copy of an event does not come any more
	seed      maphash.Seed

	mu        sync.Mutex // guards what follows, and the marked part of members
	changed   *sync.Cond // with mu
	delivered map[uint64]copies
	swept     time.Time
	held      map[uint64][]*heldEvent
	over      bool // the handover is given up
}

// Copies are deliveries of equal events by the old generation that the next
// one has not received.
type copies struct {
	n    int
	last time.Time
}

// A heldEvent waits in the next generation.
type heldEvent struct {
	Event
	key  uint64
	gone bool // the old generation has delivered it
}

// A successor is the part of a member that serves the handover.
type successor struct {
	waiting []*heldEvent
	count   int             // of those that are not gone
	live    bool            // nothing is held any more
	known   map[string]bool // guilds of READY that were not announced yet
}

func newHandover(old, next *generation, c ReshardConfig) *handover {
	h := &handover{
		old: old, next: next, limit: c.Hold, overlap: c.Overlap, seed: maphash.MakeSeed(),
		delivered: make(map[uint64]copies), held: make(map[uint64][]*heldEvent),
	}
	h.changed = sync.NewCond(&h.mu)
	return h
}

// intercept sees each event before it is handed on. It reports whether it keeps it.
func (h *handover) intercept(m *member, e Event) bool {
	switch m.gen {
	case h.old:
		h.record(e)
		return false
	case h.next:
		return h.hold(m, e)
	}
	return false
}

func (h *handover) key(e Event) uint64 {
	var sum maphash.Hash
	sum.SetSeed(h.seed)
	_, _ = sum.WriteString(string(e.Name))
	_ = sum.WriteByte(0)
	_, _ = sum.Write(e.Data)
	return sum.Sum64()
}

// ofSession reports whether an event is about the session itself.
func ofSession(name event.Type) bool { return name == event.Ready || name == event.Resumed }

// toAll reports whether every shard receives an event of the kind, however many they are.
func toAll(name event.Type) bool { return name == event.UserUpdate }

// record notes that the old generation delivers an event.
func (h *handover) record(e Event) {
	if ofSession(e.Name) {
		return
	}
	key, now := h.key(e), time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sweep(now)
	waiting := h.held[key]
	if len(waiting) > 0 {
		n := 1
		if toAll(e.Name) {
			n = len(waiting)
		}
		for _, w := range waiting[:n] {
			h.strike(w)
		}
		if h.held[key] = waiting[n:]; len(waiting) == n {
			delete(h.held, key)
		}
		if !toAll(e.Name) {
			return
		}
	}
	c := h.delivered[key]
	h.delivered[key] = copies{c.n + 1, now}
}

// strike forgets an event that is held. The caller holds mu.
func (h *handover) strike(w *heldEvent) {
	w.gone, w.Data = true, nil
	w.member.elsewhere(w.Event)
	w.member.successor.count--
	w.member.unhold()
	h.changed.Broadcast()
}

// sweep forgets deliveries that have no copy: those from before the next
// generation had a session. The caller holds mu.
func (h *handover) sweep(now time.Time) {
	if now.Sub(h.swept) < h.overlap {
		return
	}
	h.swept = now
	for key, c := range h.delivered {
		if now.Sub(c.last) > h.overlap {
			delete(h.delivered, key)
		}
	}
}

// hold keeps an event of the next generation until it takes over, unless the old one has
// delivered it. It reports whether there is nothing left to do.
func (h *handover) hold(m *member, e Event) bool {
	key := h.key(e)
	h.mu.Lock()
	defer h.mu.Unlock()
	s := &m.successor
	switch {
	case h.over, e.Name == event.Resumed && !s.live:
		return true
	case e.Name == event.Ready && !s.live:
		s.known = guildsOf(e.Data)
	case s.announces(e):
		return true
	case h.match(key, e):
		m.elsewhere(e)
		return true
	}
	for s.count >= h.limit && !s.live && !h.over {
		h.changed.Wait()
		if h.match(key, e) {
			m.elsewhere(e)
			return true
		}
	}
	switch {
	case h.over:
		return true
	case s.live:
		return false
	}
	w := &heldEvent{Event: e.Clone(), key: key}
	s.waiting = append(s.waiting, w)
	s.count++
	m.onHold(1)
	if !ofSession(e.Name) {
		h.held[key] = append(h.held[key], w)
	}
	return true
}

// match reports whether the old generation has delivered the event. The caller holds mu.
func (h *handover) match(key uint64, e Event) bool {
	c, ok := h.delivered[key]
	switch {
	case !ok || ofSession(e.Name):
		return false
	case time.Since(c.last) > h.overlap:
		delete(h.delivered, key)
		return false
	case toAll(e.Name):
		return true
	}
	if c.n--; c.n == 0 {
		delete(h.delivered, key)
	} else {
		h.delivered[key] = c
	}
	return true
}

// abort gives the handover up: what is held was or will be delivered by the old generation.
func (h *handover) abort() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.over = true
	h.changed.Broadcast()
}

// release lets the next generation deliver what it holds, and then what it receives.
func (h *handover) release() {
	var releasing sync.WaitGroup
	for _, m := range h.next.members {
		releasing.Go(func() {
			for {
				w := h.pop(m)
				if w == nil {
					return
				}
				if m.queue == nil && m.gen.group.discard.Load() {
					m.leave(w.Event)
				} else {
					m.hand(w.Event)
				}
				m.unhold()
			}
		})
	}
	releasing.Wait()
}

// pop returns the next event to deliver. When there is none, the shard is live.
func (h *handover) pop(m *member) *heldEvent {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := &m.successor
	for len(s.waiting) > 0 {
		w := s.waiting[0]
		s.waiting = s.waiting[1:]
		if w.gone {
			continue
		}
		s.count--
		h.forget(w)
		h.changed.Broadcast()
		return w
	}
	s.live, s.waiting = true, nil
	h.changed.Broadcast()
	return nil
}

// forget takes an event from the index: nobody else delivers it. The caller holds mu.
func (h *handover) forget(w *heldEvent) {
	waiting := h.held[w.key]
	for i, other := range waiting {
		if other == w {
			h.held[w.key] = append(waiting[:i:i], waiting[i+1:]...)
			break
		}
	}
	if len(h.held[w.key]) == 0 {
		delete(h.held, w.key)
	}
}

// guildsOf returns the guilds that READY lists.
//
// https://discord.com/developers/docs/events/gateway-events#ready
func guildsOf(ready []byte) map[string]bool {
	var r struct {
		Guilds []struct {
			ID string `json:"id"`
		} `json:"guilds"`
	}
	_ = json.Unmarshal(ready, &r) // then no guild is known, and all are announced
	known := make(map[string]bool, len(r.Guilds))
	for _, g := range r.Guilds {
		known[g.ID] = true
	}
	return known
}

// announces reports whether an event is the GUILD_CREATE that follows READY for
// each of its guilds. It does so once for each.
func (s *successor) announces(e Event) bool {
	if e.Name != event.GuildCreate || len(s.known) == 0 {
		return false
	}
	var g struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(e.Data, &g) != nil || !s.known[g.ID] {
		return false
	}
	delete(s.known, g.ID)
	return true
}
