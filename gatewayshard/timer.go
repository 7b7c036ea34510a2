package gatewayshard

import (
	"fmt"
	"time"

	"github.com/discordpkg/gateway/closecode"
)

// Timeouts are the deadlines of a connection, on one timer: no goroutine waits.
type timeouts struct {
	timer     alarm
	handshake time.Time // by when Discord must have said what is due, zero: nothing is
	echo      time.Time // by when Discord must have answered our close frame
	excused   bool      // nobody read when the last heartbeat was sent
	answered  uint64    // events when the handshake deadline was set, or the session active
}

// An alarm is a timer that remembers what it is set to.
type alarm struct {
	ring func()
	t    *time.Timer
	at   time.Time
}

// set arms the alarm; zero disarms it.
func (a *alarm) set(at time.Time) {
	if at == a.at {
		return
	}
	a.at = at
	switch {
	case at.IsZero():
		a.t.Stop()
	case a.t == nil:
		a.t = time.AfterFunc(time.Until(at), a.ring)
	default:
		a.t.Reset(time.Until(at))
	}
}

func (a *alarm) stop() {
	a.at = time.Time{}
	if a.t != nil {
		a.t.Stop()
	}
}

// tick does what is due. It runs on a goroutine of the timer's.
func (c *connection) tick() {
	s := c.shard
	s.mu.Lock()
	c.timer.at = time.Time{}
	now := time.Now()
	if c.err == nil && !c.over {
		if err := c.expire(now); err != nil {
			c.end(err)
		}
	}
	slow := c.slow(now)
	c.settle(now)
	s.mu.Unlock()
	c.flush()
	if slow != nil {
		s.logSlow(slow)
	}
}

// expire does what is due at now. An error ends the connection. The caller holds mu.
func (c *connection) expire(now time.Time) error {
	switch {
	case due(c.echo, now):
		return ErrClosed
	case c.state.Closed():
		return nil
	case due(c.handshake, now):
		if err := c.overdue(now); err != nil {
			_ = c.state.WriteRestartClose(closeWriter{c})
			return err
		}
	}
	busy := c.unread()
	// While a handler runs nobody reads, and silence means nothing; nor does it
	// when the handler returned only just before the next heartbeat.
	if c.heard.Swap(false) || busy || c.excused {
		c.state.Alive()
	}
	next := c.state.NextDeadline()
	if due(next, now) {
		c.excused = busy
	}
	return c.state.HandleTimeout(now, messageWriter{c}, closeWriter{c})
}

func due(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

// overdue returns the error of a handshake that takes too long, unless there
// was progress: a replay may be long.
func (c *connection) overdue(now time.Time) error {
	if c.stage == Authenticating && (c.shard.stats.Events > c.answered || c.duty.Load() != reading) {
		c.expectAnswer(now)
		return nil
	}
	awaited := "hello"
	if c.stage == Authenticating {
		awaited = "an answer to identify or resume"
	}
	return &LostError{fmt.Errorf("%w: no sign of %s for %v", ErrHandshakeTimeout, awaited, c.shard.config.HandshakeTimeout)}
}

func (c *connection) expectAnswer(now time.Time) {
	c.handshake, c.answered = now.Add(c.shard.config.HandshakeTimeout), c.shard.stats.Events
}

// settle follows the state after each call to it: the stage of the handshake
// and the next deadline. It reports whether the connection has become active.
// The caller holds mu.
func (c *connection) settle(now time.Time) (active bool) {
	if c.stage != Active {
		active = c.proceed(now)
	}
	if c.over {
		return active
	}
	if c.err != nil {
		c.timer.set(c.look)
		return active
	}
	next := c.state.NextDeadline()
	for _, at := range [...]time.Time{c.handshake, c.echo, c.look} {
		if next.IsZero() || !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	c.timer.set(next)
	return active
}

// proceed moves the stage of the handshake on.
func (c *connection) proceed(now time.Time) (active bool) {
	stats := &c.shard.stats
	if c.stage == Connected && !c.state.NextDeadline().IsZero() {
		c.stage, c.handshake = Waiting, time.Time{}
	}
	if c.stage == Waiting && c.state.HaveIdentified() {
		c.stage = Authenticating
		c.expectAnswer(now)
		if c.resumes = c.state.HaveSessionID(); !c.resumes {
			stats.Identifies++
		}
	}
	if c.stage == Authenticating && c.state.Active() {
		c.stage, c.handshake, c.activeAt = Active, time.Time{}, now
		c.answered = stats.Events
		if c.resumes {
			stats.Resumes++
		}
		return true
	}
	return false
}

// outcome is what the next connection must know of the last one. It is zero
// when that did not get as far as READY or RESUMED.
type outcome struct {
	resumed  bool
	progress bool          // an event came after READY or RESUMED
	lasted   time.Duration // from there on
}

// report hands the results of the connection to the shard. The caller holds mu.
func (c *connection) report() {
	s := c.shard
	_ = c.state.Close() // what inflates is large, and no longer needed
	active := c.stage == Active
	if active {
		s.outcome = outcome{c.resumes, s.stats.Events > c.answered, time.Since(c.activeAt)}
	}
	s.avoid = c.resumeURL && !active
	s.stats.BytesIn += c.bytesIn.Load()
	s.stats.Missed += uint64(c.state.Missed())
	s.stats.LastError = c.err
	if code := closeCode(c.err); code != closecode.HeartbeatAckNotReceived && code != 0 {
		s.stats.LastClose = code
	}
}
