// Package websocket serves one websocket connection from the server's end: it
// moves frames between a socket and a pure machine.
//
// The rules are the same for every server of this repository. A client's frames
// are masked, its messages may be fragmented, are joined, and have a largest
// size. A ping is answered; of many at once only the last. A close frame is
// answered with its code; one that is not allowed on the wire is a breach of
// the protocol, as a frame that is malformed is. A breach ends the connection
// with code 1002, and the reason of a close frame that is not UTF-8 with 1007.
// After a close frame the client has 2 s to close the connection.
//
// https://www.rfc-editor.org/rfc/rfc6455#section-5
package websocket

import (
	"io"
	"net"
	"sync"
	"time"

	"github.com/discordpkg/gateway/internal/alarm"
	"github.com/discordpkg/gateway/internal/deadline"
	"github.com/discordpkg/gateway/internal/frame"
	"github.com/gobwas/ws"
)

// Codes of close frames.
//
// https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
const (
	ProtocolError uint16 = 1002
	Abnormal      uint16 = 1006 // never on the wire: the connection broke
	InvalidText   uint16 = 1007
)

// CloseWait is how long a client has to answer a close frame.
const CloseWait = 2 * time.Second

const (
	writeTimeout = 10 * time.Second
	maxBatch     = 64 << 10 // about how many bytes are taken from the machine at once
)

// A Machine is the server's end of one connection. Its methods are called with
// the owner's mutex held, see [Options.Do].
type Machine interface {
	// Receive takes a message of text or bytes. It must not keep msg.
	Receive(now time.Time, msg []byte, binary bool)

	// Ping reports whether a ping of the client is to be answered, Pong takes
	// one.
	Ping(now time.Time) (answer bool)
	Pong(now time.Time)

	// Refuse closes the connection because the client broke websocket's rules.
	// TooLarge closes it because of a message over the limit.
	Refuse(now time.Time, code uint16, why string)
	TooLarge(now time.Time)

	// Lost tells that the connection is over: the client closed it with code,
	// or it broke, which is [Abnormal]. It may come after the end.
	Lost(now time.Time, code uint16)

	// Closed reports whether the machine is done: the last frame has been asked
	// for, or is to come.
	Closed() bool

	// Next returns the next frame to send, false while there is none.
	Next() (Frame, bool)

	HandleTimeout(now time.Time)
	NextDeadline() time.Time
}

// A Frame is what a machine wants done. The last one is a close frame or a cut.
type Frame struct {
	Op   ws.OpCode
	Data []byte // is not changed
	Cut  bool   // no frame: break the connection
}

// A Throttle is a [Machine] with a bad network on its way to the client.
type Throttle interface {
	// Throttle returns after how many bytes the connection breaks, negative for
	// never, and the pause after each byte.
	Throttle() (cut int, pause time.Duration)

	// Wrote tells that so many bytes are written.
	Wrote(bytes int)
}

// Options say how a connection is served.
type Options struct {
	Machine Machine
	Conn    net.Conn
	Source  io.Reader // of the client's bytes, Conn if nil; an error that wraps frame.ErrTooLarge is a message over the limit
	Early   []byte    // bytes of the client that were read with the handshake
	Limit   int       // size of the largest message in bytes

	// Do runs f with the owner's mutex held, and lets connections that have got
	// something to send [Conn.Follow]. Mutex is that mutex alone.
	Do    func(f func(now time.Time))
	Mutex sync.Locker

	// Go runs f in a goroutine that the owner waits for. Stop is closed when the
	// owner does not wait any longer for slow writes; it may be nil.
	Go   func(f func())
	Stop <-chan struct{}

	// Ended is called once when nothing is read any more, without the mutex, and
	// Over once with it when the connection is not used any more. Either may be
	// nil.
	Ended func()
	Over  func()

	PingEvery time.Duration // how often the client is pinged, zero for never
}

// A Conn is a connection that is being served.
type Conn struct {
	Options
	in   *frame.Reader
	wake chan struct{} // something to write
	done chan struct{} // reading has ended

	// Guarded by the owner's mutex.
	alarm   *alarm.Alarm
	pingAt  time.Time
	control []byte // frame of a pong or a ping, the last one only
	bye     []byte // frame of the answer to a close frame
	broken  bool   // the client broke the rules: what it sends is not parsed any more
}

// Serve begins to serve a connection. The caller holds the owner's mutex.
func Serve(now time.Time, o Options) *Conn {
	if o.Source == nil {
		o.Source = o.Conn
	}
	_ = o.Conn.SetDeadline(time.Time{})
	c := &Conn{
		Options: o,
		in:      frame.NewReader(o.Source, ws.StateServerSide, o.Limit, o.Early),
		wake:    make(chan struct{}, 1),
		done:    make(chan struct{}),
	}
	c.alarm = alarm.New(c.timeout)
	if o.PingEvery > 0 {
		c.pingAt = now.Add(o.PingEvery)
	}
	c.rearm(now)
	o.Go(c.write)
	o.Go(c.read)
	return c
}

// Follow looks for frames to send and for another deadline. The caller holds
// the owner's mutex.
func (c *Conn) Follow(now time.Time) {
	c.rearm(now)
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// rearm follows the deadline of the machine.
func (c *Conn) rearm(now time.Time) {
	if c.over() {
		return
	}
	c.alarm.Set(now, deadline.Earliest(c.Machine.NextDeadline(), c.pingAt))
}

// over reports whether reading has ended.
func (c *Conn) over() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

func (c *Conn) timeout() {
	c.Do(func(now time.Time) {
		c.alarm.Rang()
		if c.over() {
			return
		}
		c.Machine.HandleTimeout(now)
		if deadline.Due(c.pingAt, now) {
			c.pingAt = now.Add(c.PingEvery)
			c.control = frame.AppendServer(c.control[:0], ws.OpPing, nil)
			c.Follow(now)
		}
		c.rearm(now)
	})
}
