// Package progress keeps account of how far the handlers of a shard are in its
// session, so that no checkpoint names an event that was not dealt with.
package progress

// A Mark is what the next process continues an account with.
type Mark struct {
	Session string

	// Acked is the sequence number up to which everything was dealt with.
	Acked int64

	// Seen is that of the last event that a handler was called with.
	Seen int64

	// Open reports that handlers may have seen events later than Seen, but
	// none behind the first RESUMED that is later than Barrier.
	Open    bool
	Barrier int64
}

// An Account is how far the handlers are in a session. The zero Account has no
// session. It is not safe for concurrent use.
type Account struct {
	session string
	handed  int64 // last event meant for the handlers
	seen    int64 // last event that a handler was called with
	acked   int64 // everything up to it is dealt with
	stuck   bool  // an event was left for the next process: acked stays
	held    int   // events that wait outside of what was handed on

	replaySeen int64 // a former process saw this, at least
	replayOpen bool  // and it is not known how much more, up to a RESUMED
	barrier    int64 // which is later than this one
	replayEnd  int64 // last event that was marked as a replay, or was not needed any more
}

// New returns an account that continues from a mark of a former process.
func New(from Mark) Account {
	return Account{
		session: from.Session, handed: from.Acked, acked: from.Acked, seen: from.Seen,
		replaySeen: from.Seen, replayOpen: from.Open, barrier: from.Barrier,
	}
}

// Session returns the id of the session.
func (a *Account) Session() string { return a.session }

// Acknowledged returns the sequence number up to which everything was dealt with.
func (a *Account) Acknowledged() int64 { return a.acked }

// Stuck reports whether an event was left for the next process.
func (a *Account) Stuck() bool { return a.stuck }

// Begin notes the READY of a new session, which has the given sequence number.
// Events that wait outside go on waiting.
func (a *Account) Begin(session string, seq int64) {
	before := max(0, seq-1) // some servers count from zero
	*a = Account{session: session, handed: before, acked: before, held: a.held}
}

// Resumed notes a RESUMED. It reports whether it is the end of a replay: a
// RESUMED is an event of its session, and comes again with the next replay;
// those that do are none. Without a number it always is.
func (a *Account) Resumed(seq int64) (end bool) {
	if end = seq == 0 || seq > a.barrier; end {
		a.replayOpen, a.barrier = false, seq
	}
	return end
}

// Receive notes that the shard has received a wanted event. It returns the
// session, and whether a handler of a former process may have seen the event.
func (a *Account) Receive(seq int64) (session string, replay bool) {
	if replay = a.replayOpen || seq > 0 && seq <= a.replaySeen; replay {
		a.replayEnd = max(a.replayEnd, seq)
	}
	if a.settled() {
		a.acked = max(a.acked, seq-1) // what lies between was not wanted
	}
	return a.session, replay
}

// settled reports whether everything that was received is dealt with.
func (a *Account) settled() bool { return a.acked >= a.handed && !a.stuck && a.held == 0 }

// Hold notes that an event waits outside of what is handed on.
func (a *Account) Hold() { a.held++ }

// Unhold notes that an event does not wait any more.
func (a *Account) Unhold() { a.held-- }

// Elsewhere notes that an event was delivered by other means. Should it come
// again with a replay, that is marked.
func (a *Account) Elsewhere(session string, seq int64) {
	if a.session == session {
		a.replayEnd = max(a.replayEnd, seq)
	}
}

// Hand notes that an event waits for its handler.
func (a *Account) Hand(session string, seq int64) {
	if a.session == session {
		a.handed = max(a.handed, seq)
	}
}

// See notes that a handler is called with an event.
func (a *Account) See(session string, seq int64) {
	if a.session == session {
		a.seen = max(a.seen, seq)
	}
}

// Leave leaves an event and all behind it to the next process.
func (a *Account) Leave(session string) { a.stuck = a.stuck || a.session == session }

// Acknowledge notes that all events up to one were dealt with. It reports
// whether that was news.
func (a *Account) Acknowledge(session string, seq int64) (moved bool) {
	if a.session != session || a.stuck || seq <= a.acked {
		return false
	}
	a.acked = seq
	return true
}

// Idle notes that the shard has received the events up to one, and that all
// which were wanted have been handed on: what lies behind the last of them was
// not wanted, and must not be replayed for ever. It reports whether the mark
// has moved.
func (a *Account) Idle(received int64) (moved bool) {
	if !a.settled() || received <= a.acked {
		return false
	}
	a.acked, a.handed = received, max(a.handed, received)
	return true
}

// Mark returns what the next process continues with. Open says that this one
// goes on.
func (a *Account) Mark(open bool) Mark {
	return Mark{
		Session: a.session, Acked: a.acked, Seen: max(a.seen, a.acked), Barrier: a.barrier,
		// The process before may have seen more than this one has yet.
		Open: open || a.replayOpen || a.acked < a.replayEnd,
	}
}
