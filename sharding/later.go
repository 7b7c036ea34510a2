package sharding

import "slices"

// Later is what a member knows of events that were read, but not handed to a
// handler: for an [Group.Await] they are still to come. The mutex of the member guards it.
type later struct {
	handed   int64          // sequence number of the last event that a handler was called with
	taken    map[int64]bool // those of events behind it that an Await has returned
	returned []Event        // that an Await had, but did not need
}

// hand notes that a handler is called with an event.
func (l *later) hand(seq int64) {
	if l.handed = seq; len(l.taken) == 0 && len(l.returned) == 0 {
		return
	}
	for earlier := range l.taken {
		if earlier <= seq {
			delete(l.taken, earlier)
		}
	}
	l.returned = slices.DeleteFunc(l.returned, func(e Event) bool { return e.Seq <= seq })
}

// take notes that an Await returns an event. It reports false if one has before.
func (m *member) take(seq int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := &m.later
	if l.taken[seq] {
		return false
	}
	if seq > l.handed {
		if l.taken == nil {
			l.taken = make(map[int64]bool)
		}
		l.taken[seq] = true
	}
	l.returned = slices.DeleteFunc(l.returned, func(e Event) bool { return e.Seq == seq })
	return true
}

func (m *member) isTaken(seq int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.later.taken[seq]
}

// isLater reports whether an event was neither handed to a handler nor returned
// by an Await. One without a number always counts as later.
func (m *member) isLater(seq int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return seq == 0 || seq > m.later.handed && !m.later.taken[seq]
}

// giveBack keeps an event that an Await did not need for the next one.
func (m *member) giveBack(e Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e.Seq > m.later.handed && !m.later.taken[e.Seq] {
		m.later.returned = append(m.later.returned, e)
	}
}

// find returns a copy of the first event that a call waits for and no other has got.
func (m *member) find(w *waiter) (Event, bool) {
	m.mu.Lock()
	all := slices.Clone(m.later.returned)
	m.mu.Unlock()
	all = append(all, m.queue.all()...)
	slices.SortStableFunc(all, func(a, b Event) int { return int(a.Seq - b.Seq) })
	for _, e := range all {
		if !m.isTaken(e.Seq) && w.accepts(e) && m.take(e.Seq) {
			return e.Clone(), true
		}
	}
	return Event{}, false
}
