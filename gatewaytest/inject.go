package gatewaytest

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/discordpkg/gateway/internal/phase"
	"github.com/discordpkg/gateway/opcode"
)

// ErrNoConnection reports a fault for a session that nobody is connected to.
var ErrNoConnection = errors.New("gatewaytest: session has no connection")

// errUnknownFault reports a fault of no known kind.
var errUnknownFault = errors.New("gatewaytest: unknown fault")

// An armedFault waits for its number of dispatches.
type armedFault struct {
	Fault
	at int // of Conn.dispatched
}

// Inject makes something go wrong on the connection of a session.
func (w *World) Inject(now time.Time, sessionID string, f Fault) error {
	if err := f.onConnection(); err != nil {
		return err
	}
	s := w.sessions[sessionID]
	if s == nil || s.conn == nil {
		return fmt.Errorf("%w: %q", ErrNoConnection, sessionID)
	}
	s.conn.arm(now, f)
	return nil
}

// onConnection returns an error unless f can happen to a connection.
func (f Fault) onConnection() error {
	if !f.known() || f.refuses() {
		return fmt.Errorf("%w: %q on a connection", errUnknownFault, f.Kind)
	}
	return nil
}

// InjectNext makes something go wrong on each of the next n connections, one
// fault for each: a connection takes the oldest fault that waits.
func (w *World) InjectNext(f Fault, n int) error {
	if !f.known() {
		return fmt.Errorf("%w: %q", errUnknownFault, f.Kind)
	}
	for range n {
		w.nextFaults = append(w.nextFaults, f.withDefaults())
	}
	return nil
}

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
