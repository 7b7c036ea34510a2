package signaling

import "time"

// Absences are the members who have had a session and have none any more. Who
// does not come back in time is gone: the owner of the server wants to know.
type absences struct {
	watched bool      // else they are not noted
	since   []absence // in the order of time; may hold members who came back
	gone    []Member
}

type absence struct {
	member *member
	at     time.Time
}

func (a absence) stale() bool {
	return a.member.session != nil || !a.member.absent.Equal(a.at)
}

// begin starts the clock for a member whose session ended.
func (a *absences) begin(now time.Time, m *member) {
	if a.watched {
		m.absent = now
		a.since = append(a.since, absence{m, now})
	}
}

// give does not wait for a member.
func (a *absences) give(m *member) {
	if a.watched {
		m.absent = time.Time{}
		a.gone = append(a.gone, m.Member)
	}
}

func (a *absences) next(life time.Duration) time.Time {
	for len(a.since) > 0 && a.since[0].stale() {
		a.since = a.since[1:]
	}
	if len(a.since) == 0 {
		return time.Time{}
	}
	return a.since[0].at.Add(life)
}

func (a *absences) expire(now time.Time, life time.Duration) {
	for at := a.next(life); !at.IsZero() && !now.Before(at); at = a.next(life) {
		a.give(a.since[0].member)
	}
}

// take returns who is gone since the last call. They may have been removed, or
// have come back.
func (a *absences) take() []Member {
	gone := a.gone
	a.gone = nil
	return gone
}
