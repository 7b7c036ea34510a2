package voiceserver

import (
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/discordpkg/gateway/internal/alarm"
	"github.com/discordpkg/gateway/internal/cellrate"
	"github.com/discordpkg/gateway/internal/frame"
	"github.com/discordpkg/gateway/lvsp"
	"github.com/gobwas/ws"
)

const (
	// strangerBudget is how many bytes a link may send before it has identified
	// itself.
	strangerBudget = 16 << 10

	// lvspPing is how often backends are pinged: some have nothing to say for
	// minutes.
	lvspPing = 45 * time.Second
)

// An lvspLink is the socket of a [lvsp.Link].
type lvspLink struct {
	v    *LVSP
	link *lvsp.Link
	conn net.Conn
	in   *frame.Reader
	wary *wary
	wake chan struct{} // something to write
	done chan struct{} // reading has ended

	// Guarded by the mutex of the LVSP.
	alarm   *alarm.Alarm
	pingAt  time.Time
	pending []byte // control frames
	bye     []byte // the answer to a close frame
}

// errStranger is the end of a link that sends much before it says who it is.
var errStranger = errors.New("voiceserver: too much before IDENTIFY")

// A wary reader does not read much from strangers, nor fast from backends:
// their messages are small, and all of them are parsed under one lock. It is
// used by one goroutine.
type wary struct {
	io.Reader
	known bool
	left  int
	pace  cellrate.Limit // of bytes
}

const (
	lvspRate  = 512 << 10 // bytes per second, more than the limit of messages makes of honest ones
	lvspBurst = 1 << 20   // bytes
	lvspChunk = 64 << 10  // bytes, at most, that are read at once
)

func newWary(r io.Reader) *wary {
	return &wary{Reader: r, left: strangerBudget, pace: cellrate.New(lvspRate, lvspBurst)}
}

// Read returns errStranger when the budget is used up. It waits for a fraction
// of a second when a backend is too fast.
func (w *wary) Read(p []byte) (int, error) {
	limit := lvspChunk
	if !w.known {
		limit = min(w.left, lvspChunk)
	}
	if limit <= 0 {
		return 0, errStranger
	}
	n, err := w.Reader.Read(p[:min(len(p), limit)])
	if !w.known {
		w.left -= n
	}
	for !w.pace.TakeN(time.Now(), n) {
		time.Sleep(lvspChunk * time.Second / lvspRate)
	}
	return n, err
}

// ServeHTTP upgrades a request to a link with a backend, and serves it to its
// end. The path does not matter.
func (v *LVSP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, rw, _, err := ws.UpgradeHTTP(r, w)
	if err != nil { // the upgrader has answered
		if conn != nil {
			_ = conn.Close()
		}
		return
	}
	_ = conn.SetDeadline(time.Time{})
	var early []byte
	if n := rw.Reader.Buffered(); n > 0 {
		early, _ = rw.Reader.Peek(n)
	}
	l := &lvspLink{
		v: v, conn: conn, wary: newWary(conn),
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	l.in = frame.NewReader(l.wary, ws.StateServerSide, lvsp.MaxMessage, early)
	v.register(l)
}

func (v *LVSP) register(l *lvspLink) {
	v.do(func(now time.Time) {
		if v.closed {
			_ = l.conn.Close()
			return
		}
		l.link = v.machine.Accept(now)
		l.pingAt = now.Add(lvspPing)
		l.alarm = alarm.New(l.timeout)
		v.links[l.link] = l
		l.rearm(now)
		v.running.Go(l.write)
		v.running.Go(l.read)
	})
}

// earlier returns the earlier of two times of which zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// rearm follows the deadline of the machine.
func (l *lvspLink) rearm(now time.Time) {
	l.alarm.Set(now, earlier(l.link.NextDeadline(), l.pingAt))
}

func (l *lvspLink) timeout() {
	l.v.do(func(now time.Time) {
		if l.v.links[l.link] != l {
			return
		}
		l.link.HandleTimeout(now)
		if !now.Before(l.pingAt) {
			l.pingAt = now.Add(lvspPing)
			l.pending = frame.AppendServer(l.pending[:0], ws.OpPing, nil)
			l.wakeUp()
		}
		l.alarm.Rang()
		l.rearm(now)
	})
}

func (l *lvspLink) wakeUp() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// read serves what the backend sends until the link ends.
func (l *lvspLink) read() {
	ended := l.readFrames()
	l.v.do(func(now time.Time) {
		name, dialect, _ := l.link.Backend()
		l.link.Lost(now)
		l.alarm.Stop()
		l.v.srv.cfg.logger.Info("backend link over", "backend", name, "dialect", dialect.String(), "remote", l.conn.RemoteAddr().String())
	})
	l.in.Close()
	close(l.done)
	if !ended {
		_ = l.conn.Close() // otherwise the writer does, behind the close frame
	}
}

// readFrames reports whether the link ended with a close frame.
func (l *lvspLink) readFrames() (ended bool) {
	for {
		op, data, err := l.in.Next()
		var broken *frame.ProtocolError
		switch {
		case errors.Is(err, frame.ErrTooLarge), errors.Is(err, errStranger):
			l.v.do(l.link.TooLarge)
			_, _ = io.Copy(io.Discard, l.conn) // until the backend has seen why
			return true
		case errors.As(err, &broken):
			l.end(ws.NewCloseFrameBody(ws.StatusProtocolError, broken.Error()))
			_, _ = io.Copy(io.Discard, l.conn)
			return true
		case err != nil:
			return false
		case op == ws.OpClose:
			l.end(data[:min(len(data), 2)&^1])
			return true
		case op == ws.OpPing:
			l.answerPing(data)
		case op == ws.OpPong:
			l.v.do(l.link.Alive)
		default:
			l.receive(data)
		}
	}
}

func (l *lvspLink) receive(data []byte) {
	l.v.do(func(now time.Time) {
		before := l.wary.known
		l.link.Receive(now, data)
		name, dialect, ok := l.link.Backend()
		if l.wary.known = ok || before; ok && !before {
			l.v.srv.cfg.logger.Info("backend linked", "backend", name, "dialect", dialect.String(), "remote", l.conn.RemoteAddr().String())
		}
		if !l.link.Closed() {
			l.rearm(now)
		}
	})
}

// answerPing keeps the last answer only: whoever pings faster than it reads
// does not fill our memory.
func (l *lvspLink) answerPing(data []byte) {
	l.v.do(func(time.Time) {
		l.pending = frame.AppendServer(l.pending[:0], ws.OpPong, data)
		l.wakeUp()
	})
}

// end sends a close frame, if the machine does not.
func (l *lvspLink) end(payload []byte) {
	l.v.do(func(time.Time) {
		if !l.link.Closed() {
			l.bye = frame.AppendServer(nil, ws.OpClose, payload)
			l.wakeUp()
		}
	})
}

// write sends what the machine wants sent until the link ends.
func (l *lvspLink) write() {
	defer l.v.do(func(time.Time) {
		delete(l.v.links, l.link)
		l.v.unlinked()
	})
	defer l.conn.Close()
	for {
		data, end := l.next(nil)
		if len(data) > 0 && l.send(data) != nil {
			return
		}
		if end {
			_ = l.conn.SetReadDeadline(time.Now().Add(closeWait))
			<-l.done
			return
		}
		if len(data) > 0 {
			continue
		}
		select {
		case <-l.wake:
		case <-l.done:
			if data, _ = l.next(nil); len(data) > 0 {
				_ = l.send(data)
			}
			return
		}
	}
}

// next takes frames from the machine. End is set after the last there is.
func (l *lvspLink) next(data []byte) (_ []byte, end bool) {
	l.v.mu.Lock()
	defer l.v.mu.Unlock()
	data = append(data, l.pending...)
	l.pending = l.pending[:0]
	for len(data) < maxBatch && !end {
		f, ok := l.link.Next()
		if !ok {
			break
		}
		op := ws.OpText
		if end = f.Kind == lvsp.FrameClose; end {
			op = ws.OpClose
		}
		data = frame.AppendServer(data, op, f.Data)
	}
	if l.bye != nil && !end {
		data, end, l.bye = append(data, l.bye...), true, nil
	}
	return data, end
}

func (l *lvspLink) send(data []byte) error {
	_ = l.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := l.conn.Write(data)
	return err
}
