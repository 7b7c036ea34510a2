// Package handover compares what two generations of shards receive while a bot
// changes its shard count, so that each event is delivered once.
//
// Both generations are connected for a while, and receive the same events, in
// sessions and orders of their own. A [Matcher] takes two events for the same
// if they have the same name and the same data, byte for byte. What both have
// received is forgotten at once; what remains is the events that one of them
// is behind with.
//
// The old generation goes on delivering ([Matcher.Old]). What the new one
// receives ([Matcher.New]) is held, in its order, until the old one has delivered it
// too, or has ended. Then [Matcher.Next] gives out what is left.
//
// It is a pure machine: no clock, lock or goroutine. Times come in.
package handover

import (
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"github.com/discordpkg/gateway/event"
)

// An Event is one dispatch.
type Event struct {
	Name event.Type
	Data []byte // compared byte for byte

	// Known reports that handlers have been told what the event says, see
	// [Guilds]. The new generation drops it.
	Known bool

	// Session and Seq are for the caller: a Matcher does not look at them.
	Session string
	Seq     int64
}

// A Verdict says what to do with an event of the new generation.
type Verdict uint8

const (
	// Deliver it: the shard holds nothing any more.
	Deliver Verdict = iota

	// Hold it: the Matcher has made a copy, and gives it out by [Matcher.Next].
	Hold

	// Delivered reports that the old generation has delivered it.
	Delivered

	// Drop it: it says nothing that handlers want to know.
	Drop

	// Full reports that the shard holds as much as it may. Do not read on, and
	// ask again when the Matcher has changed.
	Full
)

func (v Verdict) String() string {
	names := [...]string{"deliver", "hold", "delivered", "drop", "full"}
	if int(v) < len(names) {
		return names[v]
	}
	return "unknown"
}

// A Struck is an event that was held and is not any more, because the old
// generation has delivered it.
type Struck struct {
	Shard   int
	Session string
	Seq     int64
}

// A Matcher compares two generations. It is not safe for concurrent use. Its
// methods that take a time want times that do not fall.
type Matcher struct {
	seed    maphash.Seed
	overlap time.Duration // after which the other copy of an event does not come any more
	limit   int

	shards    []shard           // of the new generation
	delivered map[uint64]copies // by the old one
	held      map[uint64][]*held
	swept     time.Time
	over      bool
}

// Copies are deliveries of equal events by the old generation that the new one
// has not received.
type copies struct {
	n    int
	last time.Time
}

// A held event waits in the new generation.
type held struct {
	Event
	shard int
	key   uint64
	gone  bool // the old generation has delivered it
}

// A shard of the new generation.
type shard struct {
	waiting []*held
	count   int  // of those that are not gone
	live    bool // nothing is held any more
}

// New returns a Matcher for a new generation of so many shards. Each holds at
// most limit events. A delivery whose other copy has not come after overlap is
// forgotten. The seed is that of the hash by which events are compared: a
// random one, for events are made by strangers.
func New(seed maphash.Seed, shards int, overlap time.Duration, limit int) (*Matcher, error) {
	if shards < 1 || limit < 1 || overlap <= 0 {
		return nil, fmt.Errorf("handover: %d shards that hold %d events and overlap for %v", shards, limit, overlap)
	}
	return &Matcher{
		seed: seed, overlap: overlap, limit: limit, shards: make([]shard, shards),
		delivered: make(map[uint64]copies), held: make(map[uint64][]*held),
	}, nil
}

// Size returns how many events are held, and how many deliveries wait for their
// other copy.
func (m *Matcher) Size() (held, delivered int) {
	for i := range m.shards {
		held += m.shards[i].count
	}
	return held, len(m.delivered)
}

func (m *Matcher) key(e Event) uint64 {
	var sum maphash.Hash
	sum.SetSeed(m.seed)
	_, _ = sum.WriteString(string(e.Name))
	_ = sum.WriteByte(0)
	_, _ = sum.Write(e.Data)
	return sum.Sum64()
}

// ofSession reports whether an event is about the session itself.
func ofSession(name event.Type) bool { return name == event.Ready || name == event.Resumed }

// toAll reports whether every shard receives an event of the kind, however many they are.
func toAll(name event.Type) bool { return name == event.UserUpdate }

// Old notes that the old generation delivers an event. It returns the events
// that need not be held any more: the caller may read on in their shards.
func (m *Matcher) Old(now time.Time, e Event) []Struck {
	if m.over || ofSession(e.Name) {
		return nil
	}
	m.sweep(now)
	key := m.key(e)
	var struck []Struck
	if waiting := m.held[key]; len(waiting) > 0 {
		n := 1
		if toAll(e.Name) {
			n = len(waiting)
		}
		for _, w := range waiting[:n] {
			struck = append(struck, m.strike(w))
		}
		if m.held[key] = waiting[n:]; len(waiting) == n {
			delete(m.held, key)
		}
		if !toAll(e.Name) {
			return struck
		}
	}
	m.delivered[key] = copies{m.delivered[key].n + 1, now}
	return struck
}

func (m *Matcher) strike(w *held) Struck {
	w.gone, w.Data = true, nil
	s := &m.shards[w.shard]
	s.count--
	if len(s.waiting) > 2*s.count+keepStruck {
		s.waiting = slices.DeleteFunc(s.waiting, func(w *held) bool { return w.gone })
	}
	return Struck{w.shard, w.Session, w.Seq}
}

// keepStruck is how many struck events a shard keeps in its list at least: they
// are removed many at a time.
const keepStruck = 64

// sweep forgets deliveries that have no copy: those from before the new
// generation had a session.
func (m *Matcher) sweep(now time.Time) {
	if now.Sub(m.swept) < m.overlap {
		return
	}
	m.swept = now
	for key, c := range m.delivered {
		if now.Sub(c.last) > m.overlap {
			delete(m.delivered, key)
		}
	}
}

// New decides about an event that a shard of the new generation has received,
// shards being counted from zero.
func (m *Matcher) New(now time.Time, i int, e Event) Verdict {
	s := &m.shards[i]
	switch {
	case m.over, e.Name == event.Resumed && !s.live:
		return Drop
	case m.match(now, e):
		return Delivered
	case e.Known:
		return Drop
	case s.live:
		return Deliver
	case s.count >= m.limit:
		return Full
	}
	w := &held{Event: e, shard: i, key: m.key(e)}
	w.Data = append([]byte(nil), e.Data...)
	s.waiting = append(s.waiting, w)
	s.count++
	if !ofSession(e.Name) {
		m.held[w.key] = append(m.held[w.key], w)
	}
	return Hold
}

// match reports whether the old generation has delivered the event.
func (m *Matcher) match(now time.Time, e Event) bool {
	if ofSession(e.Name) {
		return false
	}
	key := m.key(e)
	c, ok := m.delivered[key]
	switch {
	case !ok:
		return false
	case now.Sub(c.last) > m.overlap:
		delete(m.delivered, key)
		return false
	case toAll(e.Name):
		return true
	}
	if c.n--; c.n == 0 {
		delete(m.delivered, key)
	} else {
		m.delivered[key] = c
	}
	return true
}

// Next gives out the next event that a shard holds, once the old generation has
// ended. When there is none it reports false, and from then on what the shard
// receives is delivered, unless the old generation has done so.
func (m *Matcher) Next(i int) (Event, bool) {
	s := &m.shards[i]
	for len(s.waiting) > 0 {
		w := s.waiting[0]
		s.waiting = s.waiting[1:]
		if !w.gone {
			s.count--
			m.forget(w)
			return w.Event, true
		}
	}
	s.live, s.waiting = true, nil
	return Event{}, false
}

// forget takes an event from the index.
func (m *Matcher) forget(w *held) {
	waiting := m.held[w.key]
	for i, other := range waiting {
		if other == w {
			waiting = append(waiting[:i:i], waiting[i+1:]...)
			break
		}
	}
	if m.held[w.key] = waiting; len(waiting) == 0 {
		delete(m.held, w.key)
	}
}

// Abort gives the handover up: what is held was or will be delivered by the old
// generation. Every further event of the new one is to be dropped.
func (m *Matcher) Abort() {
	m.over = true
	m.held, m.delivered = nil, nil
	clear(m.shards)
}
