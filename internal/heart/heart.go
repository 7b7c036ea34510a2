// Package heart is the arithmetic of heartbeats, for both ends of a
// connection: [Heart] beats and notices when nothing answers, [Watchdog]
// notices when nothing beats. It has no clock: time is always an argument.
package heart

import "time"

// maxUnanswered is how many beats are remembered while they wait for an answer.
const maxUnanswered = 4

// A Heart is the heartbeat of one connection, the end that beats.
// The zero Heart is stopped.
type Heart struct {
	interval time.Duration
	next     time.Time // zero while stopped
	alive    bool      // something arrived since the last beat
	latency  time.Duration

	unanswered [maxUnanswered]time.Time // when they were sent, oldest first
	n          int
}

// Start arms the timer, and forgets what was before. The first beat is due
// after jitter*interval, the next ones an interval apart. A jitter outside of
// [0, 1] is taken for the nearer end; an interval that is not positive leaves
// the heart stopped.
//
// https://discord.com/developers/docs/events/gateway#heartbeat-interval
func (h *Heart) Start(now time.Time, interval time.Duration, jitter float64) {
	*h = Heart{}
	if interval <= 0 {
		return
	}
	share := float64(interval) * min(max(0, jitter), 1)
	// At least 1 ns later, so that next is not zero even if now is.
	h.interval, h.next = interval, now.Add(min(max(1, time.Duration(share)), interval))
}

// Next returns the time at which the next beat is due, zero while stopped.
func (h *Heart) Next() time.Time { return h.next }

// Due reports whether a beat must be sent at now, and whether the connection
// is dead: a beat is due, the last one is unanswered, and nothing at all
// arrived since it was sent. Traffic counts as life because the answer may
// wait behind a large message. The caller must have read what has arrived.
func (h *Heart) Due(now time.Time) (due, dead bool) {
	if h.next.IsZero() || now.Before(h.next) {
		return false, false
	}
	return true, h.n > 0 && !h.alive
}

// Sent records a beat at now, due or asked for by the peer, and rearms the
// timer. Beats that are a little late do not move the ones after them. After
// one that is early, or later than an eighth of the interval, the next comes a
// full interval from now: missed beats are not made up for.
func (h *Heart) Sent(now time.Time) {
	if h.n == maxUnanswered {
		h.forget(1)
	}
	h.unanswered[h.n] = now
	h.n++
	h.alive = false
	if h.next.IsZero() {
		return
	}
	from := now
	if late := now.Sub(h.next); late >= 0 && late <= h.interval/8 {
		from = h.next
	}
	h.next = from.Add(h.interval)
}

// Acked records an answer that arrived at now. Answers name no beat, but they
// come in the order of the beats: it belongs to the oldest one unanswered. A
// beat older than an interval is given up if a younger one waits too, else one
// answer that never came would shift all measurements after it.
func (h *Heart) Acked(now time.Time) {
	for h.n > 1 && now.Sub(h.unanswered[0]) > h.interval {
		h.forget(1)
	}
	if h.n > 0 {
		h.latency = max(0, now.Sub(h.unanswered[0]))
		h.forget(1)
	}
}

// forget drops the oldest k unanswered beats.
func (h *Heart) forget(k int) {
	h.n = copy(h.unanswered[:], h.unanswered[k:h.n])
}

// Alive records that the peer sent anything at all.
func (h *Heart) Alive() { h.alive = true }

// Latency returns the time from the beat answered last to its answer, zero
// before the first answer.
func (h *Heart) Latency() time.Duration { return h.latency }

// Stop disarms the timer. The latency stays.
func (h *Heart) Stop() { h.next = time.Time{} }
