package sharding

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/sharding/handover"
)

// A changeover hands over from one generation to the next.
type changeover struct {
	old, next *generation

	mu      sync.Mutex // guards what follows; never held while another lock is taken
	matcher *handover.Matcher
	changed chan struct{} // closed and replaced when a shard may read on
}

func newChangeover(old, next *generation, c ReshardConfig) (*changeover, error) {
	m, err := handover.New(maphash.MakeSeed(), len(next.all()), c.Overlap, c.Hold)
	if err != nil {
		return nil, err
	}
	return &changeover{old: old, next: next, matcher: m, changed: make(chan struct{})}, nil
}

// intercept sees each event before it is handed on. It reports whether it keeps it.
func (c *changeover) intercept(m *member, e Event, guild uint64, announced bool) bool {
	switch m.gen {
	case c.old:
		c.record(e)
		return false
	case c.next:
		return c.hold(m, e, announced && c.told(guild))
	}
	return false
}

// told reports whether the old generation has told of a guild.
func (c *changeover) told(guild uint64) bool {
	m := c.old.member(gateway.DeriveShardID(guild, c.old.total))
	if m == nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.guilds.Told(guild)
}

// record notes that the old generation delivers an event.
func (c *changeover) record(e Event) {
	now := time.Now()
	c.mu.Lock()
	struck := c.matcher.Old(now, handover.Event{Name: e.Name, Data: e.Data})
	if len(struck) > 0 {
		c.notify()
	}
	c.mu.Unlock()
	for _, s := range struck {
		m := c.next.all()[s.Shard]
		m.mu.Lock()
		m.progress.Elsewhere(s.Session, s.Seq)
		m.progress.Unhold()
		m.mu.Unlock()
	}
}

// notify wakes the shards that hold as much as they may. The caller holds mu.
func (c *changeover) notify() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// hold keeps an event of the next generation until it takes over, unless the
// old one has delivered it. It reports whether there is nothing left to do. It
// waits while the shard holds as much as it may.
func (c *changeover) hold(m *member, e Event, known bool) bool {
	m.mu.Lock()
	m.progress.Hold() // before the other generation can strike it
	m.mu.Unlock()
	verdict := c.decide(m, handover.Event{Name: e.Name, Data: e.Data, Known: known, Session: e.Session, Seq: e.Seq})
	if verdict == handover.Hold {
		return true
	}
	m.mu.Lock()
	m.progress.Unhold()
	if verdict == handover.Delivered {
		m.progress.Elsewhere(e.Session, e.Seq)
	}
	m.mu.Unlock()
	return verdict != handover.Deliver
}

func (c *changeover) decide(m *member, e handover.Event) handover.Verdict {
	for {
		c.mu.Lock()
		verdict := c.matcher.New(time.Now(), int(uint(m.id)-c.next.first), e)
		changed := c.changed
		c.mu.Unlock()
		if verdict != handover.Full {
			return verdict
		}
		<-changed
	}
}

// abort gives the handover up: what is held was or will be delivered by the old generation.
func (c *changeover) abort() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.matcher.Abort()
	c.notify()
}

// release lets the next generation deliver what it holds, and then what it receives.
func (c *changeover) release() {
	var releasing sync.WaitGroup
	for i, m := range c.next.all() {
		persist(&releasing, func() {
			for {
				e, ok := c.pop(i)
				if !ok {
					return
				}
				m.handHeld(e)
			}
		})
	}
	releasing.Wait()
}

// pop returns the next event to deliver. When there is none, the shard is live.
func (c *changeover) pop(i int) (handover.Event, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.matcher.Next(i)
	c.notify()
	return e, ok
}

// handHeld brings an event that was held on its way to the handlers.
func (m *member) handHeld(h handover.Event) {
	defer func() {
		m.mu.Lock()
		m.progress.Unhold()
		m.mu.Unlock()
	}()
	e := Event{Shard: m.id, Total: m.gen.total, Name: h.Name, Seq: h.Seq, Session: h.Session, Data: h.Data, member: m}
	if m.queue == nil && m.gen.group.discard.Load() {
		m.leave(e)
	} else {
		m.hand(e)
	}
}

// note keeps account of the guilds that handlers are told of.
func (m *member) note(e Event) (guild uint64, announced bool) {
	switch e.Name {
	case event.Ready, event.GuildCreate, event.GuildDelete:
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.guilds.Note(e.Name, e.Data)
	}
	return 0, false
}
