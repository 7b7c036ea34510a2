package gatewaytest

import (
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/gatewaytest/world"
	"github.com/discordpkg/gateway/internal/alarm"
	"github.com/gobwas/ws"
)

const (
	maxInbound   = 64 << 10        // bytes of one frame that are read only to be judged
	closeWait    = 2 * time.Second // for the answer to a close frame
	writeTimeout = 10 * time.Second
	maxPongs     = 16

	protocolError closecode.Type = 1002 // RFC 6455, section 7.4.1
)

// A peer is the socket of a [world.Conn].
type peer struct {
	srv  *Server
	c    *world.Conn
	conn net.Conn
	in   io.Reader
	wake chan struct{} // something to write
	done chan struct{} // reading has ended

	// Guarded by the server's mutex.
	alarm    *alarm.Alarm
	controls []ws.Frame // pongs and the answer to a close frame
}

// serveGateway upgrades a request and serves the connection to its end.
func (s *Server) serveGateway(w http.ResponseWriter, r *http.Request) {
	status, refused := 0, false
	s.do(func(_ time.Time, w *world.World) { status, refused = w.Refused(r.URL.Path == resumePath) })
	if refused {
		http.Error(w, http.StatusText(status), status)
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
	q := r.URL.Query()
	p := &peer{srv: s, conn: conn, in: rw.Reader, wake: make(chan struct{}, 1), done: make(chan struct{})}
	if !s.register(p, world.Params{Version: q.Get("v"), Encoding: q.Get("encoding"), Compress: q.Get("compress")}) {
		_ = conn.Close()
		return
	}
	s.running.Go(p.write)
	s.running.Go(p.read)
}

func (s *Server) register(p *peer, params world.Params) (ok bool) {
	s.do(func(now time.Time, w *world.World) {
		if ok = !s.closed; !ok {
			return
		}
		p.c = w.Accept(now, params)
		p.alarm = alarm.New(p.timeout)
		s.peers[p.c] = p
		p.alarm.Set(now, p.c.NextDeadline())
	})
	return ok
}

func (p *peer) timeout() {
	p.srv.do(func(now time.Time, _ *world.World) {
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
	p.srv.do(func(now time.Time, _ *world.World) {
		p.c.Lost(now, code)
		p.alarm.Stop()
	})
	close(p.done)
	if code == closecode.Abnormal {
		_ = p.conn.Close() // otherwise the writer does, behind the answer
	}
}

// readFrames returns the code of the client's close frame, or 1006.
func (p *peer) readFrames() closecode.Type {
	var msg []byte
	var kind ws.OpCode // of the message that msg belongs to, zero between messages
	for {
		h, err := ws.ReadHeader(p.in)
		if err != nil {
			return closecode.Abnormal
		}
		if err := ws.CheckHeader(h, inboundState(kind)); err != nil {
			p.refuse(protocolError, err.Error())
			_, _ = io.Copy(io.Discard, p.in) // until the client has seen why, or closeWait is over
			return protocolError
		}
		data, err := p.payload(h)
		if err != nil {
			return closecode.Abnormal
		}
		switch {
		case h.OpCode == ws.OpClose:
			return p.answerClose(data)
		case h.OpCode.IsControl():
			p.answerPing(h, data)
			continue
		case h.OpCode != ws.OpContinuation:
			kind, msg = h.OpCode, nil
		}
		if len(msg) <= command.MaxSize {
			msg = append(msg, data...)
		}
		if h.Fin {
			p.receive(msg, kind == ws.OpBinary)
			kind = 0
		}
	}
}

func inboundState(kind ws.OpCode) ws.State {
	s := ws.StateServerSide
	if kind != 0 {
		s |= ws.StateFragmented
	}
	return s
}

// payload reads a frame's payload. What is too large anyway is cut short.
func (p *peer) payload(h ws.Header) ([]byte, error) {
	kept := min(h.Length, maxInbound)
	data := make([]byte, kept)
	if _, err := io.ReadFull(p.in, data); err != nil {
		return nil, err
	}
	if h.Length > kept {
		p.receive(data, h.OpCode == ws.OpBinary) // closes with 4002 before the rest is there
		if _, err := io.CopyN(io.Discard, p.in, h.Length-kept); err != nil {
			return nil, err
		}
	}
	if h.Masked {
		ws.Cipher(data, h.Mask, 0)
	}
	return data, nil
}

func (p *peer) receive(msg []byte, binary bool) {
	p.srv.do(func(now time.Time, _ *world.World) {
		p.c.Receive(now, msg, binary)
		p.alarm.Set(now, p.c.NextDeadline())
	})
}

func (p *peer) answerPing(h ws.Header, data []byte) {
	if h.OpCode != ws.OpPing {
		return
	}
	p.srv.do(func(time.Time, *world.World) {
		if p.c.Ping() && len(p.controls) < maxPongs {
			p.controls = append(p.controls, ws.NewPongFrame(data))
			p.wakeUp()
		}
	})
}

// answerClose returns the code of the client's close frame, and echoes it.
func (p *peer) answerClose(data []byte) closecode.Type {
	code := closecode.NoStatus
	if len(data) >= 2 {
		n, _ := ws.ParseCloseFrameData(data)
		code = closecode.Type(n)
	}
	p.srv.do(func(time.Time, *world.World) {
		if !p.c.Closed() {
			p.controls = append(p.controls, ws.NewCloseFrame(data[:min(len(data), 2)]))
		}
	})
	return code
}

// refuse closes a connection that does not speak websocket properly.
func (p *peer) refuse(code closecode.Type, why string) {
	p.srv.do(func(now time.Time, _ *world.World) { p.c.Refuse(now, code, why) })
}

// A batch is what is written at once.
type batch struct {
	data  []byte
	every time.Duration // pause after each byte
	close bool          // a close frame is the last of it
	cut   bool          // break the connection behind it
}

var errOver = errors.New("gatewaytest: connection is over")

// write sends what the machine wants sent until the connection ends.
func (p *peer) write() {
	defer p.srv.do(func(time.Time, *world.World) { delete(p.srv.peers, p.c) })
	for {
		b := p.next()
		if len(b.data) > 0 && p.send(b) != nil || b.cut {
			_ = p.conn.Close()
			return
		}
		if b.close {
			_ = p.conn.SetReadDeadline(time.Now().Add(closeWait))
			<-p.done
			_ = p.conn.Close()
			return
		}
		if len(b.data) > 0 {
			continue
		}
		select {
		case <-p.wake:
		case <-p.done:
			if b = p.next(); len(b.data) > 0 { // the answer to a close frame
				_ = p.send(b)
			}
			_ = p.conn.Close()
			return
		}
	}
}

// maxBatch is about how many bytes are taken from the machine at once.
const maxBatch = 64 << 10

// next takes frames from the machine. It counts down to the cut, if one is to come.
func (p *peer) next() (b batch) {
	p.srv.mu.Lock()
	defer p.srv.mu.Unlock()
	fault := p.c.Throttle()
	b.every = fault.Pause
	for _, f := range p.controls {
		b.data = appendFrame(b.data, f)
		b.close = b.close || f.Header.OpCode == ws.OpClose
	}
	p.controls = nil
	for len(b.data) < maxBatch && !b.close && !b.cut {
		f, ok := p.c.Next()
		if !ok {
			break
		}
		switch f.Kind {
		case world.FrameText:
			b.data = appendFrame(b.data, ws.NewTextFrame(f.Data))
		case world.FrameBinary:
			b.data = appendFrame(b.data, ws.NewBinaryFrame(f.Data))
		case world.FrameClose:
			b.data, b.close = appendFrame(b.data, ws.NewCloseFrame(f.Data)), true
		case world.FrameCut:
			b.cut = true
		}
	}
	if left := fault.Cut; left >= 0 && len(b.data) >= left {
		b.data, b.cut, b.close = b.data[:left], true, false
	}
	p.c.Wrote(len(b.data))
	return b
}

func appendFrame(b []byte, f ws.Frame) []byte {
	w := appendWriter{b}
	_ = ws.WriteHeader(&w, f.Header) // memory cannot fail, and the header is ours
	return append(w.b, f.Payload...)
}

type appendWriter struct{ b []byte }

func (w *appendWriter) Write(p []byte) (int, error) {
	w.b = append(w.b, p...)
	return len(p), nil
}

func (p *peer) send(b batch) error {
	if b.every == 0 {
		_ = p.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
		_, err := p.conn.Write(b.data)
		return err
	}
	ticker := time.NewTicker(b.every)
	defer ticker.Stop()
	for i := range b.data {
		_ = p.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
		if _, err := p.conn.Write(b.data[i : i+1]); err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-p.done:
			return errOver
		case <-p.srv.stop:
			return errOver
		}
	}
	return nil
}
