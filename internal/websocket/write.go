package websocket

import (
	"errors"
	"net"
	"time"

	"github.com/discordpkg/gateway/internal/frame"
	"github.com/gobwas/ws"
)

// A batch is what is written at once.
type batch struct {
	data  []byte
	pause time.Duration // after each byte
	close bool          // a close frame is the last of it
	cut   bool          // break the connection behind it
	half  bool          // nothing that the client sends is parsed any more
}

// write sends what the machine wants sent until the connection ends.
func (c *Conn) write() {
	defer c.Do(func(time.Time) {
		if c.Over != nil {
			c.Over()
		}
	})
	defer c.Conn.Close()
	for {
		b := c.next()
		if len(b.data) > 0 && c.send(b) != nil || b.cut {
			return
		}
		if b.close {
			if b.half {
				_ = CloseWrite(c.Conn) // the client sees the end behind the close frame, and ends it, too
			}
			_ = c.Conn.SetReadDeadline(time.Now().Add(CloseWait))
			<-c.done
			return
		}
		if len(b.data) > 0 {
			continue
		}
		select {
		case <-c.wake:
		case <-c.done:
			if b = c.next(); len(b.data) > 0 { // the answer to a close frame
				_ = c.send(b)
			}
			return
		}
	}
}

// next takes frames from the machine, and counts down to the cut if one is to
// come.
func (c *Conn) next() (b batch) {
	c.Mutex.Lock()
	defer c.Mutex.Unlock()
	b.data = append(b.data, c.control...)
	c.control = c.control[:0]
	for len(b.data) < maxBatch && !b.close && !b.cut {
		f, ok := c.Machine.Next()
		if !ok {
			break
		}
		if b.cut = f.Cut; !b.cut {
			b.data = frame.AppendServer(b.data, f.Op, f.Data)
			b.close = f.Op == ws.OpClose
		}
	}
	if c.bye != nil && !b.close && !b.cut {
		b.data, b.close, c.bye = append(b.data, c.bye...), true, nil
	}
	c.throttle(&b)
	b.half = c.broken
	return b
}

// CloseWrite closes a connection for writing, if it can be. Connections that
// wrap others have a method of that name for it.
func CloseWrite(conn net.Conn) error {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

func (c *Conn) throttle(b *batch) {
	t, ok := c.Machine.(Throttle)
	if !ok {
		return
	}
	cut, pause := t.Throttle()
	if b.pause = pause; cut >= 0 && len(b.data) >= cut {
		b.data, b.cut, b.close = b.data[:cut], true, false
	}
	t.Wrote(len(b.data))
}

var errOver = errors.New("websocket: connection is over")

func (c *Conn) send(b batch) error {
	if b.pause == 0 {
		_ = c.Conn.SetWriteDeadline(time.Now().Add(writeTimeout))
		_, err := c.Conn.Write(b.data)
		return err
	}
	ticker := time.NewTicker(b.pause)
	defer ticker.Stop()
	for i := range b.data {
		_ = c.Conn.SetWriteDeadline(time.Now().Add(writeTimeout))
		if _, err := c.Conn.Write(b.data[i : i+1]); err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-c.done:
			return errOver
		case <-c.Stop:
			return errOver
		}
	}
	return nil
}
