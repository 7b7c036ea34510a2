package voiceserver

import (
	"net"
	"net/http"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/internal/websocket"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver/signaling"
	"github.com/gobwas/ws"
)

// serveVoice upgrades a request and serves the connection to its end.
func (s *Server) serveVoice(w http.ResponseWriter, r *http.Request) {
	if s.crowded() {
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return
	}
	conn, early, ok := websocket.Upgrade(w, r)
	if !ok {
		return
	}
	s.do(func(now time.Time, v *signaling.Server) {
		if s.full() { // since the request came
			_ = conn.Close()
			return
		}
		c := v.Accept(now, r.URL.Query().Get("v"))
		s.peers[c] = websocket.Serve(now, websocket.Options{
			Machine: &peer{Conn: c, socket: conn}, Conn: conn, Early: early, Limit: v.MessageSize(),
			Do:    func(f func(now time.Time)) { s.do(func(now time.Time, _ *signaling.Server) { f(now) }) },
			Mutex: &s.mu, Go: s.running.Go,
			Ended: func() { s.ended(c) },
			Over: func() {
				delete(s.peers, c)
				s.left()
			},
		})
	})
}

func (s *Server) crowded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.full()
}

// full reports whether no connection is let in any more. The caller holds the
// mutex.
func (s *Server) full() bool {
	return s.over() != nil || s.rules.Open() >= s.cfg.connections
}

// ended logs the end of a connection.
func (s *Server) ended(c *signaling.Conn) {
	var user snowflake.ID
	var code closecode.Voice
	var why string
	s.do(func(time.Time, *signaling.Server) {
		user = c.User()
		code, why, _ = c.Closed()
	})
	s.cfg.logger.Info("voice connection over", "conn", c.ID(), "user", user, "code", int(code), "why", why)
}

// A peer is a [signaling.Conn] with a socket.
type peer struct {
	*signaling.Conn
	socket net.Conn
	known  bool // the client has identified itself
}

// Receive takes a message, and tells the listener when the client is known.
func (p *peer) Receive(now time.Time, msg []byte, binary bool) {
	p.Conn.Receive(now, msg, binary)
	if !p.known && p.User() != 0 {
		p.known = true
		identify(p.socket)
	}
}

// Pong means nothing to Discord.
func (p *peer) Pong(time.Time) {}

// Refuse closes the connection with code.
func (p *peer) Refuse(now time.Time, code uint16, why string) {
	p.Conn.Refuse(now, closecode.Voice(code), why)
}

// TooLarge closes the connection with 4002.
func (p *peer) TooLarge(now time.Time) {
	p.Conn.Refuse(now, closecode.VoiceDecodeError, "message is too large")
}

// Lost tells why nothing is read any more.
func (p *peer) Lost(now time.Time, code uint16) { p.Conn.Lost(now, closecode.Voice(code)) }

// Closed reports whether the connection is done.
func (p *peer) Closed() bool {
	_, _, closed := p.Conn.Closed()
	return closed
}

// Next returns the next frame to send.
func (p *peer) Next() (f websocket.Frame, ok bool) {
	next, ok := p.Conn.Next()
	switch f.Data = next.Data; next.Kind {
	case signaling.FrameText:
		f.Op = ws.OpText
	case signaling.FrameBinary:
		f.Op = ws.OpBinary
	case signaling.FrameClose:
		f.Op = ws.OpClose
	case signaling.FrameCut:
		f.Cut = true
	}
	return f, ok
}
