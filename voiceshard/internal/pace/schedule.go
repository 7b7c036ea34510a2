package pace

import "time"

// A Schedule says when the next frame of a stream is due. The times are sums of
// the lengths of the frames, so that nothing drifts, however late they are
// used. The zero value has not begun.
type Schedule struct {
	// CatchUp is how late a frame may be and still be followed by the next
	// ones without a pause, until the stream is on time again. After longer
	// stalls the stream goes on later than it would have, by all of the stall
	// but CatchUp.
	CatchUp time.Duration

	due     time.Time
	skipped time.Duration
}

// Start makes the next frame due at a time.
func (s *Schedule) Start(at time.Time) { s.due = at }

// Due returns when the next frame is due.
func (s *Schedule) Due() time.Time { return s.due }

// Advance makes the next frame due the length of this one later.
func (s *Schedule) Advance(length time.Duration) { s.due = s.due.Add(length) }

// CatchUpTo gives up what cannot be made up for any more, and returns how much
// that is, usually nothing. The caller does so before each frame.
func (s *Schedule) CatchUpTo(now time.Time) time.Duration {
	lost := now.Sub(s.due) - s.CatchUp
	if lost <= 0 {
		return 0
	}
	s.due = s.due.Add(lost)
	s.skipped += lost
	return lost
}

// Skipped returns how much has been given up since the zero value.
func (s *Schedule) Skipped() time.Duration { return s.skipped }
