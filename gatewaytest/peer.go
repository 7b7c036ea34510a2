package gatewaytest

import (
	"net/http"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/gatewaytest/world"
	"github.com/discordpkg/gateway/internal/websocket"
	"github.com/gobwas/ws"
)

// serveGateway upgrades a request and serves the connection to its end.
func (s *Server) serveGateway(w http.ResponseWriter, r *http.Request) {
	status, refused := 0, false
	s.do(func(_ time.Time, w *world.World) { status, refused = w.Refused(r.URL.Path == resumePath) })
	if refused {
		http.Error(w, http.StatusText(status), status)
		return
	}
	conn, early, ok := websocket.Upgrade(w, r)
	if !ok {
		return
	}
	q := r.URL.Query()
	params := world.Params{Version: q.Get("v"), Encoding: q.Get("encoding"), Compress: q.Get("compress")}
	s.do(func(now time.Time, w *world.World) {
		if s.closed {
			_ = conn.Close()
			return
		}
		c := w.Accept(now, params)
		s.peers[c] = websocket.Serve(now, websocket.Options{
			Machine: peer{c}, Conn: conn, Early: early, Limit: command.MaxSize,
			Do:    func(f func(now time.Time)) { s.do(func(now time.Time, _ *world.World) { f(now) }) },
			Mutex: &s.mu, Go: s.running.Go, Stop: s.stop,
			Over: func() { delete(s.peers, c) },
		})
	})
}

// A peer is a [world.Conn] with a socket.
type peer struct{ *world.Conn }

// Ping does not count as a message: Discord does not say that it does.
func (p peer) Ping(time.Time) (answer bool) { return p.Conn.Ping() }

// Pong means nothing to Discord.
func (p peer) Pong(time.Time) {}

// Refuse closes the connection with code.
func (p peer) Refuse(now time.Time, code uint16, why string) {
	p.Conn.Refuse(now, closecode.Type(code), why)
}

// TooLarge closes the connection with 4002.
func (p peer) TooLarge(now time.Time) {
	p.Conn.Refuse(now, closecode.DecodeError, "message of more than 4096 bytes")
}

// Lost tells why nothing is read any more.
func (p peer) Lost(now time.Time, code uint16) { p.Conn.Lost(now, closecode.Type(code)) }

// Throttle is what faults do to what is written.
func (p peer) Throttle() (cut int, pause time.Duration) {
	t := p.Conn.Throttle()
	return t.Cut, t.Pause
}

// Next returns the next frame to send.
func (p peer) Next() (f websocket.Frame, ok bool) {
	next, ok := p.Conn.Next()
	switch f.Data = next.Data; next.Kind {
	case world.FrameText:
		f.Op = ws.OpText
	case world.FrameBinary:
		f.Op = ws.OpBinary
	case world.FrameClose:
		f.Op = ws.OpClose
	case world.FrameCut:
		f.Cut = true
	}
	return f, ok
}
