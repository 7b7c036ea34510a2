package world

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/discordpkg/gateway/internal/phase"
	"github.com/discordpkg/gateway/opcode"
)

// ErrNoConnection reports a fault for a session whose client is not connected.
var ErrNoConnection = errors.New("world: session has no connection")

// errUnknownFault reports a fault of no known kind.
var errUnknownFault = errors.New("world: unknown fault")

// An armedFault waits for its number of dispatches.
type armedFault struct {
	Fault
	at int // of Conn.dispatched
}

// Inject makes something go wrong on the connection of a session.
func (w *World) Inject(now time.Time, sessionID string, f Fault) error {
	if err := f.Valid(false); err != nil {
		return err
	}
	s := w.sessions[sessionID]
	if s == nil || s.conn == nil {
		return fmt.Errorf("%w: %q", ErrNoConnection, sessionID)
	}
	s.conn.arm(now, f)
	return nil
}

// Inject makes something go wrong on the connection.
func (c *Conn) Inject(now time.Time, f Fault) error {
	if err := f.Valid(false); err != nil {
		return err
	}
	if !c.Closed() {
		c.arm(now, f)
	}
	return nil
}

// Valid returns an error unless f is of a known kind and, if it is to happen
// to a connection that is there, one that can.
func (f Fault) Valid(onDial bool) error {
	switch {
	case !f.known():
		return fmt.Errorf("%w: %q", errUnknownFault, f.Kind)
	case f.OnDial() && !onDial:
		return fmt.Errorf("%w: %q on a connection", errUnknownFault, f.Kind)
	}
	return nil
}

// InjectNext makes something go wrong on each of the next n connections, one
// fault for each: a connection takes the oldest fault that waits.
func (w *World) InjectNext(f Fault, n int) error {
	if err := f.Valid(true); err != nil {
		return err
	}
	for range n {
		w.nextFaults = append(w.nextFaults, f.withDefaults())
	}
	return nil
}

// ForgetFaults forgets the faults that wait for connections to come.
func (w *World) ForgetFaults() { w.nextFaults = nil }

// Refused reports whether the next dial is to be refused, and with which HTTP
// status. Resume tells whether it is one of the resume URL.
func (w *World) Refused(resume bool) (status int, refused bool) {
	f, ok := w.takeFault(func(f Fault) bool { return f.Kind == Refuse || f.Kind == DeadResume && resume })
	if ok {
		w.stats.Faults++
	}
	return f.Status, ok
}

// takeFault removes the oldest fault that fits.
func (w *World) takeFault(fits func(Fault) bool) (Fault, bool) {
	for i, f := range w.nextFaults {
		if fits(f) {
			w.nextFaults = append(w.nextFaults[:i:i], w.nextFaults[i+1:]...)
			return f, true
		}
	}
	return Fault{}, false
}

// A Throttle is what faults do to the bytes that the socket's owner writes.
type Throttle struct {
	Cut   int           // break the connection after so many bytes more, frame headers included; negative: no cut
	Pause time.Duration // after each byte
}

// Throttle returns what is to happen to the bytes of the connection.
func (c *Conn) Throttle() Throttle { return Throttle{Cut: c.cutAfter, Pause: c.dripInterval} }

// Wrote tells that so many bytes of frames were written, which counts down to a
// cut.
func (c *Conn) Wrote(bytes int) {
	if c.cutAfter >= 0 {
		c.cutAfter = max(0, c.cutAfter-bytes)
	}
}

// arm lets f happen, now or later.
func (c *Conn) arm(now time.Time, f Fault) {
	f = f.withDefaults()
	if f.Kind == Cut {
		c.w.stats.Faults++
		if f.After == 0 {
			c.cut(now)
			return
		}
		c.cutAfter = f.After
		c.wake()
		return
	}
	c.faults = append(c.faults, armedFault{f, c.dispatched + f.After})
	c.fireFaults(now)
}

func (c *Conn) fireFaults(now time.Time) {
	for i := 0; i < len(c.faults); {
		f := c.faults[i]
		if c.dispatched < f.at {
			i++
			continue
		}
		c.faults = append(c.faults[:i], c.faults[i+1:]...)
		c.w.stats.Faults++
		c.fire(now, f.Fault)
	}
}

func (c *Conn) fire(now time.Time, f Fault) {
	switch f.Kind {
	case Stall:
		c.stall(now, f.For)
	case Zombie:
		c.zombie = true
	case Reconnect:
		c.control(now, opcode.Reconnect, nil)
	case InvalidSession:
		c.invalidate(now, f.Resumable)
	case Close:
		c.close(now, f.Code, f.Reason)
	case Garbage:
		c.queue(Frame{Kind: FrameText, Data: f.Data})
	case Giant:
		c.send(now, giant(f.Size))
	case Drip:
		c.dripInterval = f.Every
	}
}

func (c *Conn) stall(now time.Time, d time.Duration) {
	c.stalled, c.stallEnds = true, time.Time{}
	if d > 0 {
		c.stallEnds = now.Add(d)
	}
	c.wake() // there is a new deadline
}

// invalidate takes the session away from a connection that stays open.
//
// https://discord.com/developers/docs/events/gateway-events#invalid-session
func (c *Conn) invalidate(now time.Time, resumable bool) {
	s := c.session
	c.detach(now)
	if s != nil && !resumable {
		c.w.drop(s, endedByFault)
	}
	c.w.stats.Invalid++
	c.control(now, opcode.InvalidSession, strconv.AppendBool(nil, resumable))
	if !c.Closed() {
		c.phase, c.dismissed = phase.Identify, true
	}
}

// giant returns a dispatch of size bytes without a sequence number.
func giant(size int) []byte {
	const head, tail = `{"t":"GATEWAYTEST_GIANT","s":null,"op":0,"d":"`, `"}`
	b := append(make([]byte, 0, max(size, len(head)+len(tail))), head...)
	b = append(b, bytes.Repeat([]byte{'x'}, max(0, size-len(head)-len(tail)))...)
	return append(b, tail...)
}
