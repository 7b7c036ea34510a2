package gatewayshard

import (
	"io"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/internal/deadline"
	"github.com/discordpkg/gateway/lifecycle"
	"github.com/discordpkg/gateway/opcode"
)

// Timeouts are the deadlines of a connection, on one timer: no goroutine waits.
type timeouts struct {
	timer   alarm
	echo    time.Time // by when Discord must have answered our close frame
	excused bool      // nothing was read when the last heartbeat was sent
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
	refused := c.mayLogIn()
	s.mu.Lock()
	c.timer.at = time.Time{}
	now := time.Now()
	if c.err == nil && !c.over {
		err := refused
		if err == nil {
			err = c.expire(now)
		}
		if err != nil {
			c.end(err)
		}
	}
	slow, starting := c.slow(now), !c.active
	c.settle(now)
	s.mu.Unlock()
	c.flush()
	if starting {
		s.tellPhase()
	}
	if slow != nil {
		s.logSlow(slow)
	}
}

// expire does what is due at now. An error ends the connection. The caller holds mu.
func (c *connection) expire(now time.Time) error {
	switch {
	case deadline.Due(c.echo, now):
		return ErrClosed
	case c.state.Closed():
		return nil
	}
	if err := c.overdue(now); err != nil {
		_ = c.state.WriteRestartClose(closeWriter{c})
		return err
	}
	busy := c.unread()
	// While a handler runs nobody reads, and silence means nothing; nor does it
	// when the handler returned only just before the next heartbeat.
	if c.heard.Swap(false) || busy || c.excused {
		c.state.Alive()
	}
	next := c.state.NextDeadline()
	if deadline.Due(next, now) {
		c.excused = busy
	}
	return c.state.HandleTimeout(now, messageWriter{c}, closeWriter{c})
}

// overdue returns the error of a handshake that takes too long.
func (c *connection) overdue(now time.Time) error {
	if c.active || c.closing {
		return nil
	}
	life := c.shard.life
	life.HandleTimeout(now, c.traffic())
	if d := life.Decision(); d.Do == lifecycle.ShardLeave {
		return &LostError{d.Err}
	}
	return nil
}

// traffic is what came in. The caller holds mu.
func (c *connection) traffic() lifecycle.Traffic {
	return lifecycle.Traffic{Bytes: c.bytesIn.Load(), Events: c.shard.stats.Events, Busy: c.duty.Load() != reading}
}

// settle follows the state after each call to it: the handshake and the next
// deadline. It reports whether the connection has become active. The caller
// holds mu.
func (c *connection) settle(now time.Time) (active bool) {
	var handshake time.Time
	if !c.active && !c.over {
		active = c.proceed(now)
		if !c.closing {
			handshake = c.shard.life.NextDeadline()
		}
	}
	if c.over {
		return active
	}
	if c.err != nil {
		c.timer.set(c.look)
		return active
	}
	next := c.state.NextDeadline()
	for _, at := range [...]time.Time{handshake, c.echo, c.look} {
		if next.IsZero() || !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	c.timer.set(next)
	return active
}

// settleAfter is settle after a message. An event on an active connection moves no
// deadline, so that it costs nothing here. The caller holds mu.
func (c *connection) settleAfter(p *gateway.GatewayPayload, err error, now time.Time) (active bool) {
	if c.active && err == nil && p.Op == opcode.Dispatch && len(c.pending) == 0 {
		return false
	}
	return c.settle(now)
}

// proceed tells the machine how far the handshake is.
func (c *connection) proceed(now time.Time) (active bool) {
	s := c.shard
	before := s.life.Phase()
	s.life.Observe(now, c.state, c.traffic())
	after := s.life.Phase()
	if before < lifecycle.ShardAuthenticating && after >= lifecycle.ShardAuthenticating {
		c.loggedIn.Store(true)
		if c.resumes = c.state.HaveSessionID(); !c.resumes {
			s.stats.Identifies++
			s.shared.identified(now, s.id)
		}
	}
	c.active = after == lifecycle.ShardActive
	if c.active {
		s.announceActive()
	}
	if c.active && c.resumes {
		s.stats.Resumes++
	}
	return c.active
}

// report hands the results of the connection to the shard, and returns why its
// session was given up, if it was. The caller holds mu.
func (c *connection) report() (givenUp lifecycle.ShardReason) {
	s := c.shard
	_ = c.state.Close() // what inflates is large, and no longer needed
	s.stats.BytesIn += c.bytesIn.Load()
	s.stats.Missed += uint64(c.state.Missed())
	s.stats.LastError = c.err
	if code := closeCode(c.err); code != closecode.HeartbeatAckNotReceived && code != 0 {
		s.stats.LastClose = code
	}
	now := time.Now()
	if !c.looping {
		_ = s.life.Stop(now, c.err)
		return lifecycle.NoReason
	}
	session, _ := c.state.Session()
	_ = s.life.Ended(now, lifecycle.End{Err: c.err, Session: session, Seq: c.state.SequenceNumber(),
		Traffic: c.traffic(), Own: c.closing || c.left})
	if session.ID == "" || s.life.Session().ID != "" {
		return lifecycle.NoReason
	}
	s.state.InvalidateSession(io.Discard)
	why := s.life.Decision().Why
	if why == lifecycle.BecauseSessionDead || why == lifecycle.BecauseSessionUnreadable {
		s.stats.Abandoned++
		return why
	}
	return lifecycle.NoReason
}
