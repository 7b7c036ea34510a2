// Package deadline is the arithmetic of deadlines of which the zero time means
// never. It has no clock: time is always an argument.
package deadline

import "time"

// Earliest returns the earliest of times that is not zero, zero if there is none.
func Earliest(times ...time.Time) time.Time {
	var first time.Time
	for _, at := range times {
		if first.IsZero() || !at.IsZero() && at.Before(first) {
			first = at
		}
	}
	return first
}

// Due reports whether at has come at now. Zero never comes.
func Due(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

// Latest returns the latest of times, zero if there is none: what is due only
// when everything is.
func Latest(times ...time.Time) time.Time {
	var last time.Time
	for _, at := range times {
		if at.After(last) {
			last = at
		}
	}
	return last
}
