package ratelimit

import "time"

// Discord closes a connection (4008) on which more than CommandLimit messages
// arrive within CommandPeriod.
//
// https://discord.com/developers/docs/events/gateway#rate-limiting
const (
	CommandLimit  = 120
	CommandPeriod = 60 * time.Second
)

// CommandMargin is what [NewCommandWindow] adds to [CommandPeriod]. A client
// knows when it sent a message, Discord counts when it arrived: if the first
// of 120 messages was delayed on its way and the one after them was not, they
// arrive closer together than they were sent. The margin absorbs that much
// change in delay, and costs 1.6 % of the throughput.
const CommandMargin = time.Second

// A Window admits at most a number of messages in any span of time of a given
// length, not only in spans aligned to something (a sliding log). Bursts up to
// the limit pass at once.
//
// Messages are of two kinds: commands, which [Window.Take] admits or refuses,
// and those that are never refused, heartbeats, which [Window.Spend] records.
// [Window.Reserve] keeps room for the latter. A heartbeat that the peer asks for
// is in between, see [Window.Answer].
//
// Time must not run backwards; where it does, it is taken to stand still. A
// Window is not safe for concurrent use. It grows with use, to at most 16
// bytes for each message of the limit.
type Window struct {
	limit    int
	reserved int
	period   time.Duration

	base     time.Time     // what the logs count from
	latest   time.Duration // since base
	commands log
	beats    log // the latest limit of them: more change no decision
}

// NewWindow returns a window of limit messages in any period. Messages that
// are exactly period apart do not share one. Limits below 1 are taken for 1.
func NewWindow(limit int, period time.Duration) *Window {
	return &Window{limit: max(1, limit), period: period}
}

// NewCommandWindow returns the window for what a client sends over one
// connection: [CommandLimit] messages in [CommandPeriod] plus [CommandMargin].
// A server that enforces the limit makes its own, without the margin.
func NewCommandWindow() *Window {
	return NewWindow(CommandLimit, CommandPeriod+CommandMargin)
}

// Reserve keeps room for n heartbeats in each period. Heartbeats use up the
// reserve first and then what is left for commands, so that no period holds
// more messages than the limit as long as it holds at most n heartbeats.
// At least one message is left for commands, whatever n is.
func (w *Window) Reserve(n int) {
	w.reserved = min(max(0, n), w.limit-1)
}

// Take admits one command at now, or returns the time from which on the next
// Take succeeds if nothing is sent until then.
func (w *Window) Take(now time.Time) (retryAt time.Time, ok bool) {
	w.advance(now)
	if w.fits(0, 0) {
		w.commands.push(w.latest, w.limit)
		return time.Time{}, true
	}
	return w.base.Add(w.room()), false
}

// Spend records one heartbeat, or another message that could not wait, at now.
func (w *Window) Spend(now time.Time) {
	w.advance(now)
	w.beats.push(w.latest, w.limit)
}

// Answer admits one heartbeat that the peer asked for at now, or returns the
// time from which on the next Answer succeeds if nothing is sent until then. It
// counts as a command, but may use one place of the reserve: the rest is kept
// for the heartbeats that are due anyway. So one request is answered even after
// a full burst of commands, and a thousand are not.
func (w *Window) Answer(now time.Time) (retryAt time.Time, ok bool) {
	reserved := w.reserved
	w.reserved = max(0, reserved-1)
	retryAt, ok = w.Take(now)
	w.reserved = reserved
	return retryAt, ok
}

// advance moves the clock and forgets what has left the window.
func (w *Window) advance(now time.Time) {
	w.latest = max(w.latest, now.Sub(w.base))
	for w.commands.n > 0 && w.latest-w.commands.at(0) >= w.period {
		w.commands.pop()
	}
	for w.beats.n > 0 && w.latest-w.beats.at(0) >= w.period {
		w.beats.pop()
	}
	// Counting from a recent time keeps the differences small: the first one,
	// from the zero time, may be as large as a Duration can be.
	if w.commands.n == 0 && w.beats.n == 0 && w.base.Add(w.latest).Compare(now) <= 0 {
		w.base, w.latest = now, 0
	}
}

// fits reports whether one more command has room once the oldest c commands
// and the oldest b heartbeats are gone.
func (w *Window) fits(c, b int) bool {
	return w.commands.n-c+max(w.reserved, w.beats.n-b) < w.limit
}

// room returns when the next command fits.
func (w *Window) room() (at time.Duration) {
	for c, b := 0, 0; !w.fits(c, b); {
		if b == w.beats.n || c < w.commands.n && w.commands.at(c) <= w.beats.at(b) {
			at = w.commands.at(c) + w.period
			c++
		} else {
			at = w.beats.at(b) + w.period
			b++
		}
	}
	return at
}
