package sharding

import (
	"context"
	"time"

	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/sharding/internal/poison"
)

// defaultSetAsideAfter is the number of processes that end on an event before it
// is set aside.
const defaultSetAsideAfter = 3

// savePatience is how long a careful shard waits for the store before an event.
const savePatience = 5 * time.Second

// care is what a member knows of events that end processes. The mutex of the member guards it.
type care struct {
	poison.Watch
	fresh bool  // the session was not resumed from a process before
	past  int64 // sequence number of the RESUMED behind which there is no replay, once it came
}

// examine is called before handlers get an event of a shard that is careful. It reports whether they
// must not, because processes end on it, and sees to it that the next
// process knows of it.
func (m *member) examine(ctx context.Context, e Event) (aside bool) {
	m.mu.Lock()
	aside, save := m.care.Enter(e.Seq)
	deaths := m.care.Deaths()
	m.mu.Unlock()
	if save {
		m.gen.group.saveNow(ctx)
	}
	if aside {
		m.setAside(e, deaths)
	}
	return aside
}

// setAside deals with an event without its handlers.
func (m *member) setAside(e Event, deaths int) {
	g := m.gen.group
	m.aside.Add(1)
	g.log.Error("event set aside: processes that handled it have ended, again and again", "shard", uint(e.Shard), "session", e.Session,
		"seq", e.Seq, "event", string(e.Name), "processes", deaths, "data", shortened(e.Data))
	if hook := g.config.Hooks.SetAside; hook != nil {
		hook(e)
	}
	m.acknowledge(e.Session, e.Seq)
	m.left(e)
}

// left notes that an event was dealt with.
func (m *member) left(e Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.care.Leave(e.Seq)
	if e.Name == event.Resumed && e.Seq == m.care.past {
		m.care.Past()
	}
}

// outlived notes that a new session has been stored in the usual way for some time.
func (m *member) outlived() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.care.fresh && m.care.Careful() && m.progress.Acknowledged() > 0 {
		m.care.Past()
	}
}

// maxShown is how much of the data of an event that is set aside is logged, in bytes.
const maxShown = 1 << 10

func shortened(data []byte) string {
	if len(data) > maxShown {
		return string(data[:maxShown]) + "..."
	}
	return string(data)
}

// saveNow is awaitSave without the wait for other changes.
func (g *Group) saveNow(ctx context.Context) {
	g.awaitSaveBy(ctx, savePatience, g.urgent)
}

// deaths returns the number of processes that will have died before each shard had a
// session, for a checkpoint of n shards.
func (gen *generation) deaths(n int, open bool) int {
	if !open || n == len(gen.all()) {
		return 0
	}
	return gen.group.deaths + 1
}
