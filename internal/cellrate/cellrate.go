// Package cellrate limits how often something happens, with the generic cell
// rate algorithm: one time is all that it keeps for a limit.
package cellrate

import "time"

// A Limit is one limit. It is a value, and not safe for concurrent use. The
// zero Limit limits nothing.
type Limit struct {
	every time.Duration
	burst time.Duration
	next  time.Time
}

// New returns a limit of perSecond events a second, and of burst at once. Both
// must be positive.
func New(perSecond, burst int) Limit {
	every := time.Second / time.Duration(perSecond)
	return Limit{every: every, burst: every * time.Duration(burst)}
}

// Idle reports whether nothing that happened before now counts any more.
func (l *Limit) Idle(now time.Time) bool { return !now.Before(l.next) }

// Take reports whether it may happen at now, and counts it if so.
func (l *Limit) Take(now time.Time) bool { return l.TakeN(now, 1) }

// TakeN is Take for n at once, of which the last may exceed the limit.
func (l *Limit) TakeN(now time.Time, n int) bool {
	if l.next.Before(now) {
		l.next = now
	}
	if l.next.Sub(now) > l.burst {
		return false
	}
	l.next = l.next.Add(l.every * time.Duration(n))
	return true
}
