package heart

import "time"

// A Watchdog is the end of a connection that waits for the beats of its peer.
// The zero Watchdog is stopped.
type Watchdog struct {
	allowed  time.Duration // between beats
	deadline time.Time     // zero while stopped
}

// Start arms the watchdog. The first beat must arrive within interval+grace
// from now, each other one within interval+grace of the one before it. An
// interval that is not positive leaves the watchdog stopped, a grace below
// zero counts as none.
func (w *Watchdog) Start(now time.Time, interval, grace time.Duration) {
	*w = Watchdog{}
	if interval <= 0 {
		return
	}
	w.allowed = interval + max(0, grace)
	w.deadline = now.Add(w.allowed)
}

// Beat records a beat that arrived at now.
func (w *Watchdog) Beat(now time.Time) {
	if next := now.Add(w.allowed); next.After(w.deadline) && !w.deadline.IsZero() {
		w.deadline = next
	}
}

// Deadline returns the time at which the peer counts as gone unless it beats
// before, zero while stopped.
func (w *Watchdog) Deadline() time.Time { return w.deadline }

// Expired reports whether the deadline has passed at now: the gateway closes
// the connection with [closecode.SessionTimedOut].
//
// [closecode.SessionTimedOut]: https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes
func (w *Watchdog) Expired(now time.Time) bool {
	return !w.deadline.IsZero() && !now.Before(w.deadline)
}

// Stop disarms the watchdog.
func (w *Watchdog) Stop() { *w = Watchdog{} }
