package gatewaytest

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/discordpkg/gateway/internal/frame"
	"github.com/discordpkg/gateway/lvsp"
	"github.com/gobwas/ws"
)

const (
	lvspTimeout = 10 * time.Second // to dial, and to write
	closeWait   = 2 * time.Second  // for the answer to a close frame
)

// dialAll dials again and again until ctx ends, or the voice server does not
// take the secret.
func (v *lvspVoice) dialAll(ctx context.Context) {
	for {
		code, reason := v.dial(ctx)
		v.do(func(now time.Time) { v.client.Lost(now, code, reason) })
		retryAt := v.tell()
		if retryAt.IsZero() {
			v.giveUp()
			return
		}
		timer := time.NewTimer(time.Until(retryAt))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

func (v *lvspVoice) do(f func(now time.Time)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f(time.Now())
}

// dial serves one link to its end, and returns what it ended with.
func (v *lvspVoice) dial(ctx context.Context) (code lvsp.CloseCode, reason string) {
	d := ws.Dialer{NetDial: v.target.NetDial, TLSConfig: v.target.TLS, Timeout: lvspTimeout}
	conn, early, err := frame.Dial(ctx, d, v.target.URL)
	if err != nil {
		return lvsp.AbnormalClosure, err.Error()
	}
	l := &lvspLink{v: v, conn: conn, over: make(chan struct{})}
	l.in = frame.NewReader(conn, ws.StateClientSide, lvsp.MaxMessage, early)
	v.do(v.client.Dialed)
	v.running.Go(l.read)
	l.serve(ctx)
	_ = conn.Close()
	<-l.over
	return l.code, l.reason
}

// An lvspLink is one websocket to the voice server.
type lvspLink struct {
	v    *lvspVoice
	conn net.Conn
	in   *frame.Reader
	over chan struct{} // reading has ended

	code   lvsp.CloseCode // why, after that
	reason string
}

// read serves what the voice server sends until the link ends.
func (l *lvspLink) read() {
	defer close(l.over)
	defer l.in.Close()
	for {
		op, data, err := l.in.Next()
		switch {
		case errors.Is(err, frame.ErrTooLarge):
			l.v.do(l.v.client.TooLarge)
			l.v.wakeUp()
			_, _ = io.Copy(io.Discard, l.conn)
			return
		case err != nil:
			l.code, l.reason = lvsp.AbnormalClosure, err.Error()
			return
		case op == ws.OpClose:
			code, reason := frame.ParseClose(data)
			l.code, l.reason = lvsp.CloseCode(code), reason
			return
		case op == ws.OpPing:
			l.v.do(func(time.Time) { l.v.pong = frame.AppendClient(l.v.pong[:0], ws.OpPong, data) })
		case op == ws.OpText:
			l.v.do(func(now time.Time) { l.v.client.Receive(now, data) })
		}
		l.v.wakeUp()
	}
}

// serve sends and tells until the link ends.
func (l *lvspLink) serve(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		data, end, at := l.next()
		if len(data) > 0 {
			_ = l.conn.SetWriteDeadline(time.Now().Add(lvspTimeout))
			if _, err := l.conn.Write(data); err != nil {
				return
			}
		}
		l.v.tell()
		if end {
			l.linger()
			return
		}
		if !at.IsZero() {
			timer.Reset(time.Until(at))
		}
		select {
		case <-l.v.wake:
		case <-timer.C:
			l.v.do(l.v.client.HandleTimeout)
		case <-ctx.Done():
			return
		case <-l.over:
			return
		}
	}
}

// linger waits for the answer to a close frame.
func (l *lvspLink) linger() {
	_ = l.conn.SetReadDeadline(time.Now().Add(closeWait))
	<-l.over
}

// next takes frames from the machine, and its deadline.
func (l *lvspLink) next() (data []byte, end bool, at time.Time) {
	v := l.v
	v.mu.Lock()
	defer v.mu.Unlock()
	data = append(data, v.pong...)
	v.pong = v.pong[:0]
	for f, ok := v.client.Next(); ok && !end; f, ok = v.client.Next() {
		op := ws.OpText
		if end = f.Kind == lvsp.FrameClose; end {
			op = ws.OpClose
		}
		data = frame.AppendClient(data, op, f.Data)
	}
	return data, end, v.client.NextDeadline()
}
