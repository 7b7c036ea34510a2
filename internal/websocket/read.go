package websocket

import (
	"encoding/binary"
	"errors"
	"io"
	"time"
	"unicode/utf8"

	"github.com/discordpkg/gateway/internal/frame"
	"github.com/gobwas/ws"
)

// read serves what the client sends until the connection ends.
func (c *Conn) read() {
	code := c.readFrames()
	c.Do(func(now time.Time) {
		c.Machine.Lost(now, code)
		c.alarm.Stop()
		close(c.done)
	})
	if c.Ended != nil {
		c.Ended()
	}
	c.in.Close()
	if code == Abnormal {
		_ = c.Conn.Close() // otherwise the writer does, behind the close frame
	}
}

// readFrames returns the code of the client's close frame, or of ours if the
// client broke the rules, or [Abnormal].
func (c *Conn) readFrames() (code uint16) {
	for {
		op, data, err := c.in.Next()
		var broken *frame.ProtocolError
		switch {
		case errors.Is(err, frame.ErrTooLarge):
			c.Do(func(now time.Time) { c.Machine.TooLarge(now); c.broken = true })
			return c.linger(frame.NoStatus)
		case errors.As(err, &broken):
			return c.refuse(ProtocolError, broken.Error())
		case err != nil:
			return Abnormal
		case op == ws.OpClose:
			return c.answerClose(data)
		case op == ws.OpPing:
			c.answerPing(data)
		case op == ws.OpPong:
			c.Do(func(now time.Time) { c.Machine.Pong(now); c.rearm(now) })
		default:
			c.Do(func(now time.Time) { c.Machine.Receive(now, data, op == ws.OpBinary); c.rearm(now) })
		}
	}
}

// refuse ends a connection whose client breaks websocket's rules.
func (c *Conn) refuse(code uint16, why string) uint16 {
	c.Do(func(now time.Time) { c.Machine.Refuse(now, code, why); c.broken = true })
	return c.linger(code)
}

// linger reads on until the client closes the connection, or the writer does
// not wait any longer: bytes that are not read could make TCP throw away the
// close frame.
func (c *Conn) linger(code uint16) uint16 {
	_, _ = io.Copy(io.Discard, c.Conn)
	return code
}

// answerPing keeps the last answer only. A client that pings faster than it
// reads does not fill the memory.
//
// "If an endpoint receives a Ping frame and has not yet sent Pong frame(s) in
// response to previous Ping frame(s), the endpoint MAY elect to send a Pong
// frame for only the most recently processed Ping frame."
// https://www.rfc-editor.org/rfc/rfc6455#section-5.5.3
func (c *Conn) answerPing(data []byte) {
	c.Do(func(now time.Time) {
		if c.Machine.Ping(now) {
			c.control = frame.AppendServer(c.control[:0], ws.OpPong, data)
			c.Follow(now)
		}
	})
}

// answerClose returns the code of the client's close frame, and echoes it.
//
// "When sending a Close frame in response, the endpoint typically echos the
// status code it received."
// https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
func (c *Conn) answerClose(data []byte) uint16 {
	switch code, _ := frame.ParseClose(data); {
	case len(data) == 0:
		c.say(nil)
		return frame.NoStatus
	case len(data) == 1 || !allowed(code):
		return c.refuse(ProtocolError, "close frame with a code that must not be sent")
	case !utf8.Valid(data[2:]):
		return c.refuse(InvalidText, "close frame with a reason that is not UTF-8")
	default:
		c.say(binary.BigEndian.AppendUint16(nil, code))
		return code
	}
}

// say answers a close frame, unless the machine has closed the connection
// already.
func (c *Conn) say(payload []byte) {
	c.Do(func(time.Time) {
		if !c.Machine.Closed() {
			c.bye = frame.AppendServer(nil, ws.OpClose, payload)
		}
	})
}

// allowed reports whether a close frame may have the code.
//
// https://www.rfc-editor.org/rfc/rfc6455#section-7.4
func allowed(code uint16) bool {
	switch {
	case code >= 3000 && code <= 4999:
		return true
	case code >= 1000 && code <= 1014:
		return code != 1004 && code != frame.NoStatus && code != Abnormal
	}
	return false
}
