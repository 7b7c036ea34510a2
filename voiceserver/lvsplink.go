package voiceserver

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/discordpkg/gateway/internal/cellrate"
	"github.com/discordpkg/gateway/internal/frame"
	"github.com/discordpkg/gateway/internal/websocket"
	"github.com/discordpkg/gateway/lvsp"
	"github.com/gobwas/ws"
)

const (
	// loginBudget is how many bytes a link may send before it has identified
	// itself.
	loginBudget = 16 << 10

	// lvspPing is how often backends are pinged: some have nothing to say for
	// minutes.
	lvspPing = 45 * time.Second
)

// errUnidentified is the end of a link that sends much before IDENTIFY.
var errUnidentified = fmt.Errorf("voiceserver: too much before IDENTIFY: %w", frame.ErrTooLarge)

// A meteredReader does not read much before a backend has identified itself, nor
// fast afterwards: its messages are small, and all of them are parsed under one
// lock. It is used by one goroutine.
type meteredReader struct {
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

func newMeteredReader(r io.Reader) *meteredReader {
	return &meteredReader{Reader: r, left: loginBudget, pace: cellrate.New(lvspRate, lvspBurst)}
}

// Read returns errUnidentified when the budget is used up. It waits for a fraction
// of a second when a backend is too fast.
func (w *meteredReader) Read(p []byte) (int, error) {
	limit := lvspChunk
	if !w.known {
		limit = min(w.left, lvspChunk)
	}
	if limit <= 0 {
		return 0, errUnidentified
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
	conn, early, ok := websocket.Upgrade(w, r)
	if !ok {
		return
	}
	v.do(func(now time.Time) {
		if v.closed {
			_ = conn.Close()
			return
		}
		l := &lvspLink{Link: v.machine.Accept(now), v: v, remote: conn.RemoteAddr(), meter: newMeteredReader(conn), socket: conn}
		v.links[l.Link] = websocket.Serve(now, websocket.Options{
			Machine: l, Conn: conn, Source: l.meter, Early: early, Limit: lvsp.MaxMessage,
			Do: v.do, Mutex: &v.mu, Go: v.running.Go, PingEvery: lvspPing,
			Over: func() {
				delete(v.links, l.Link)
				v.unlinked()
			},
		})
	})
}

// An lvspLink is a [lvsp.Link] with a socket.
type lvspLink struct {
	*lvsp.Link
	v      *LVSP
	remote net.Addr
	meter  *meteredReader
	socket net.Conn
}

// Receive takes a message, binary or not: backends differ.
func (l *lvspLink) Receive(now time.Time, msg []byte, _ bool) {
	l.Link.Receive(now, msg)
	name, dialect, ok := l.Backend()
	if ok && !l.meter.known {
		l.meter.known = true
		identify(l.socket)
		l.v.srv.cfg.logger.Info("backend linked", "backend", name, "dialect", dialect.String(), "remote", l.remote.String())
	}
}

// Ping is always answered. It is bounded by the rate of bytes.
func (l *lvspLink) Ping(time.Time) (answer bool) { return !l.Closed() }

// Pong is a sign of life.
func (l *lvspLink) Pong(now time.Time) { l.Alive(now) }

// Refuse closes the link with code.
func (l *lvspLink) Refuse(now time.Time, code uint16, why string) {
	l.Link.Refuse(now, lvsp.CloseCode(code), why)
}

// Lost logs the end of the link.
func (l *lvspLink) Lost(now time.Time, _ uint16) {
	name, dialect, _ := l.Backend()
	l.Link.Lost(now)
	l.v.srv.cfg.logger.Info("backend link over", "backend", name, "dialect", dialect.String(), "remote", l.remote.String())
}

// Next returns the next frame to send.
func (l *lvspLink) Next() (f websocket.Frame, ok bool) {
	next, ok := l.Link.Next()
	f.Op, f.Data = ws.OpText, next.Data
	if next.Kind == lvsp.FrameClose {
		f.Op = ws.OpClose
	}
	return f, ok
}
