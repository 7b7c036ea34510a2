// Package poison finds the event of a shard that ends the process again and
// again, such as one on which a handler runs out of memory, so that it can be set
// aside. Without that, each process has it replayed and dies of it.
//
// A process that dies does not say of what. So a shard whose last two processes died without
// progress saves before each event which one it is, until it is past the replay.
package poison

// enough is the number of deaths without progress from which on a shard is careful.
const enough = 2

// A Mark is what a checkpoint keeps of a shard. The zero Mark is that of an
// orderly end.
type Mark struct {
	// Deaths is how many processes in a row, the one that stores it included,
	// have made no progress, if this one dies now.
	Deaths int

	// Suspect is the sequence number of the event that handlers have or had,
	// zero if that is not known.
	Suspect int64

	// SuspectDeaths is how many processes have died of it, if this one dies now.
	SuspectDeaths int
}

// A Watch is how a shard looks for such an event. The zero Watch never sets
// one aside. It is not safe for concurrent use.
type Watch struct {
	limit   int   // deaths of one event after which it is set aside, not positive: never
	began   int64 // what was acknowledged at the start
	before  Mark  // of the process before
	careful bool
	now     Mark // its Suspect is the event that handlers have
}

// New returns the watch of a process whose shard continues behind an
// acknowledged sequence number. The mark is that of the process before, which
// died if it is not zero. Limit is the number of deaths after which an event is set
// aside; it is at least 3, or not positive for never.
func New(before Mark, acked int64, limit int) Watch {
	w := Watch{limit: limit, began: acked, before: before}
	w.careful = limit > 0 && (before.Deaths >= enough || before.Suspect > acked)
	if before.Suspect <= acked {
		w.before.Suspect, w.before.SuspectDeaths = 0, 0
	}
	return w
}

// Begin returns the watch of a new session whose READY comes behind a sequence
// number. Deaths is how many processes in a row have died before they had stored a session.
func (w *Watch) Begin(before int64, deaths int) Watch {
	next := Watch{limit: w.limit, began: before}
	if w.limit > 0 && deaths >= enough {
		next.careful, next.before.Deaths = true, deaths
	}
	return next
}

// Careful reports whether each event is to be saved before handlers get it.
func (w *Watch) Careful() bool { return w.careful }

// Enter is asked before handlers get an event. Aside says that they must not: the
// event has ended enough processes, as Deaths tells. Save says that the mark is to be stored first.
func (w *Watch) Enter(seq int64) (aside, save bool) {
	if !w.careful || seq <= 0 {
		return false, false
	}
	if seq == w.before.Suspect {
		if w.before.SuspectDeaths >= w.limit {
			return true, false
		}
		w.now = Mark{Suspect: seq, SuspectDeaths: w.before.SuspectDeaths + 1}
		return false, true
	}
	// The processes before have died of an event that they did not name. If
	// this one dies too it is taken for the same.
	w.now = Mark{Suspect: seq, SuspectDeaths: min(w.before.Deaths+1, w.limit)}
	return false, true
}

// Deaths returns how many processes have died of the event that is set aside.
func (w *Watch) Deaths() int { return w.before.SuspectDeaths }

// Leave notes that handlers have returned from an event, or that it was set aside.
func (w *Watch) Leave(seq int64) {
	if w.now.Suspect == seq {
		w.now = Mark{}
	}
	if w.before.Suspect == seq {
		w.before = Mark{}
	}
}

// Past notes that what the processes before can have seen is dealt with: the replay
// has ended, or the session has been stored in the usual way.
func (w *Watch) Past() { w.careful, w.before, w.now = false, Mark{}, Mark{} }

// Mark returns what the next process is told if this one dies now, with what is
// acknowledged.
func (w *Watch) Mark(acked int64) Mark {
	mark := w.now
	if acked <= w.began {
		mark.Deaths = w.before.Deaths + 1
	}
	return mark
}
