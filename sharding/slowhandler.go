package sharding

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// handlerPatience is how long Close and Reshard wait for a handler.
	handlerPatience = 10 * time.Second

	defaultHandlerLimit = 30 * time.Second

	// looks is how often a handler is looked at within its limit: it is
	// found to be slow at most this part of the limit too late.
	looks = 8
)

// A watch is what the goroutine that looks for slow handlers knows of a member.
// There is no clock or timer for each event: it compares counters.
type watch struct {
	busy  uint64    // of the member, when it was looked at last
	since time.Time // when that was seen first
	told  bool

	slow atomic.Uint64 // handlers that ran too long
}

// startWatch looks for handlers that run too long. It returns a function that ends that.
func (g *Group) startWatch() (stop func()) {
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		limit := g.config.Shard.HandlerLimit
		ticker := time.NewTicker(limit/looks + 1)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case now := <-ticker.C:
				g.eachMember(func(m *member) { m.look(now, limit) })
			}
		}
	})
	return func() {
		close(done)
		watching.Wait()
	}
}

// look logs the handler of the member if it runs too long, once.
func (m *member) look(now time.Time, limit time.Duration) {
	w := &m.watch
	busy := m.busy.Load()
	if busy != w.busy {
		w.busy, w.since, w.told = busy, now, false
		return
	}
	if w.told || busy%2 == 0 || now.Sub(w.since) < limit {
		return
	}
	w.told = true
	w.slow.Add(1)
	m.mu.Lock()
	e := m.handling
	m.mu.Unlock()
	m.gen.group.log.Warn("handler is still running", "shard", uint(e.Shard), "session", e.Session, "seq", e.Seq,
		"event", string(e.Name), "limit", limit)
}

// handling reports whether a handler runs.
func (g *Group) handling() (running bool) {
	g.eachMember(func(m *member) { running = running || m.busy.Load()%2 == 1 })
	return running
}

func (gen *generation) handling() bool {
	for _, m := range gen.all() {
		if m.busy.Load()%2 == 1 {
			return true
		}
	}
	return false
}

func (g *Group) eachMember(f func(*member)) {
	g.mu.Lock()
	generations := g.generations
	g.mu.Unlock()
	for _, gen := range generations {
		for _, m := range gen.all() {
			f(m)
		}
	}
}
