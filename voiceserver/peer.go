package voiceserver

import (
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/internal/alarm"
	"github.com/discordpkg/gateway/internal/frame"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver/signaling"
	"github.com/gobwas/ws"
)

const (
	closeWait    = 2 * time.Second // for the answer to a close frame
	writeTimeout = 10 * time.Second

	closeProtocol closecode.Voice = 1002 // RFC 6455, section 7.4.1
	closeAbnormal closecode.Voice = 1006
)

// A peer is the socket of a [signaling.Conn].
type peer struct {
	srv  *Server
	c    *signaling.Conn
	conn net.Conn
	in   *frame.Reader
	wake chan struct{} // something to write
	done chan struct{} // reading has ended

	// Guarded by the server's mutex.
	alarm *alarm.Alarm
	pong  []byte // frame of the answer to the last ping
	bye   []byte // frame of the answer to a close frame
}

// serveVoice upgrades a request and serves the connection to its end.
func (s *Server) serveVoice(w http.ResponseWriter, r *http.Request) {
	if s.crowded() {
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return
	}
	// Without a function for negotiation every extension is declined.
	conn, rw, _, err := ws.UpgradeHTTP(r, w)
	if err != nil { // the upgrader has answered
		if conn != nil {
			_ = conn.Close()
		}
		return
	}
	var early []byte
	if n := rw.Reader.Buffered(); n > 0 {
		early, _ = rw.Reader.Peek(n)
	}
	p := &peer{
		srv: s, conn: conn,
		in:   frame.NewReader(conn, ws.StateServerSide, s.rules.MessageSize(), early),
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	_ = conn.SetDeadline(time.Time{})
	if !s.register(p, r.URL.Query().Get("v")) {
		_ = conn.Close()
	}
}

func (s *Server) crowded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.full()
}

// full reports whether nobody else is let in. The caller holds the mutex.
func (s *Server) full() bool {
	return s.closed || s.draining || s.rules.Open() >= s.cfg.connections
}

func (s *Server) register(p *peer, version string) (ok bool) {
	s.do(func(now time.Time, v *signaling.Server) {
		if ok = !s.full(); !ok { // since the request came
			return
		}
		p.c = v.Accept(now, version)
		p.alarm = alarm.New(p.timeout)
		s.peers[p.c] = p
		p.alarm.Set(now, p.c.NextDeadline())
		s.running.Go(p.write) // before Close can wait for them
		s.running.Go(p.read)
	})
	return ok
}

func (p *peer) timeout() {
	p.srv.do(func(now time.Time, _ *signaling.Server) {
		p.alarm.Rang()
		p.c.HandleTimeout(now)
		p.alarm.Set(now, p.c.NextDeadline())
	})
}

func (p *peer) wakeUp() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// read serves what the client sends until the connection ends.
func (p *peer) read() {
	code := p.readFrames()
	var user snowflake.ID
	var ended closecode.Voice
	var why string
	p.srv.do(func(now time.Time, _ *signaling.Server) {
		p.c.Lost(now, code)
		p.alarm.Stop()
		user = p.c.User()
		ended, why, _ = p.c.Closed()
	})
	p.srv.cfg.logger.Info("voice connection over", "conn", p.c.ID(), "user", user, "code", int(ended), "why", why)
	p.in.Close()
	close(p.done)
	if code == closeAbnormal {
		_ = p.conn.Close() // otherwise the writer does, behind the answer
	}
}

// readFrames returns the code of the client's close frame, or 1006.
func (p *peer) readFrames() closecode.Voice {
	for {
		op, data, err := p.in.Next()
		var broken *frame.ProtocolError
		switch {
		case errors.Is(err, frame.ErrTooLarge):
			return p.refuse(closecode.VoiceDecodeError, "message is too large")
		case errors.As(err, &broken):
			return p.refuse(closeProtocol, broken.Error())
		case err != nil:
			return closeAbnormal
		case op == ws.OpClose:
			return p.answerClose(data)
		case op == ws.OpPing:
			p.answerPing(data)
		case op == ws.OpPong:
		default:
			p.srv.do(func(now time.Time, _ *signaling.Server) {
				p.c.Receive(now, data, op == ws.OpBinary)
				p.alarm.Set(now, p.c.NextDeadline())
			})
		}
	}
}

// refuse closes a connection whose client does not speak websocket properly,
// or too much at once, and waits until it has seen why.
func (p *peer) refuse(code closecode.Voice, why string) closecode.Voice {
	p.srv.do(func(now time.Time, _ *signaling.Server) { p.c.Refuse(now, code, why) })
	_, _ = io.Copy(io.Discard, p.conn)
	return code
}

// answerPing keeps the last answer only: others are not waited for.
func (p *peer) answerPing(data []byte) {
	p.srv.do(func(now time.Time, _ *signaling.Server) {
		if p.c.Ping(now) {
			p.pong = frame.AppendServer(p.pong[:0], ws.OpPong, data)
			p.wakeUp()
		}
	})
}

// answerClose returns the code of the client's close frame, and echoes it.
func (p *peer) answerClose(data []byte) closecode.Voice {
	code, _ := frame.ParseClose(data)
	if len(data) < 2 {
		data = nil
	}
	p.srv.do(func(time.Time, *signaling.Server) {
		if !p.closed() {
			p.bye = frame.AppendServer(nil, ws.OpClose, data[:min(len(data), 2)])
		}
	})
	return closecode.Voice(code)
}

func (p *peer) closed() bool {
	_, _, closed := p.c.Closed()
	return closed
}

// write sends what the machine wants sent until the connection ends.
func (p *peer) write() {
	defer p.srv.do(func(time.Time, *signaling.Server) {
		delete(p.srv.peers, p.c)
		p.srv.left()
	})
	defer p.conn.Close()
	for {
		data, end := p.next(nil)
		if len(data) > 0 && p.send(data) != nil || end == signaling.FrameCut {
			return
		}
		if end == signaling.FrameClose {
			_ = p.conn.SetReadDeadline(time.Now().Add(closeWait))
			<-p.done
			return
		}
		if len(data) > 0 {
			continue
		}
		select {
		case <-p.wake:
		case <-p.done:
			if data, _ = p.next(nil); len(data) > 0 { // the answer to a close frame
				_ = p.send(data)
			}
			return
		}
	}
}

// maxBatch is about how many bytes are taken from the machine at once.
const maxBatch = 64 << 10

// next takes frames from the machine. End is [signaling.FrameClose] or [signaling.FrameCut] if
// that is the last there is.
func (p *peer) next(data []byte) (_ []byte, end signaling.FrameKind) {
	p.srv.mu.Lock()
	defer p.srv.mu.Unlock()
	data = append(data, p.pong...)
	p.pong = p.pong[:0]
	for len(data) < maxBatch && end == 0 {
		f, ok := p.c.Next()
		if !ok {
			break
		}
		switch f.Kind {
		case signaling.FrameText:
			data = frame.AppendServer(data, ws.OpText, f.Data)
		case signaling.FrameBinary:
			data = frame.AppendServer(data, ws.OpBinary, f.Data)
		case signaling.FrameClose:
			data, end = frame.AppendServer(data, ws.OpClose, f.Data), signaling.FrameClose
		case signaling.FrameCut:
			end = signaling.FrameCut
		}
	}
	if p.bye != nil && end == 0 {
		data, end, p.bye = append(data, p.bye...), signaling.FrameClose, nil
	}
	return data, end
}

func (p *peer) send(data []byte) error {
	_ = p.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := p.conn.Write(data)
	return err
}
