package voiceserver_test

import (
	"bytes"
	"net"
	"testing"
	"time"

	"github.com/discordpkg/gateway/internal/frame"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/lvsp"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver"
	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"
)

var lvspSecret = bytes.Repeat([]byte("s"), lvsp.MinSecret)

func admit(name string) lvsp.ServerOption {
	return lvsp.WithBackend(lvsp.Backend{Name: name, Secret: sealed(append([]byte(name), lvspSecret...))})
}

// door is a server with a way for backends.
func door(t *testing.T, srv *voiceserver.Server, options ...lvsp.ServerOption) (v *voiceserver.LVSP, addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	v, err = srv.ServeLVSP(l, options...)
	require.NoError(t, err)
	return v, l.Addr().String()
}

// A backend is one on a socket.
type backend struct {
	t    *testing.T
	c    *lvsp.Client
	conn net.Conn
	in   *frame.Reader
	code lvsp.CloseCode // of the close frame that ended the link
}

// wire opens a websocket.
func wire(t *testing.T, scheme, addr string, srv *voiceserver.Server) *backend {
	t.Helper()
	conn, early, _, err := ws.Dialer{TLSConfig: srv.TLSClientConfig()}.Dial(testContext(t), scheme+"://"+addr+"/")
	require.NoError(t, err)
	require.NoError(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	t.Cleanup(func() { _ = conn.Close() })
	return &backend{t: t, conn: conn, in: frame.NewReader(conn, ws.StateClientSide, 1<<20, buffered(early))}
}

// linkUp is wire and what follows, up to READY.
func linkUp(t *testing.T, addr, name string, srv *voiceserver.Server, options ...lvsp.ClientOption) *backend {
	t.Helper()
	b := wire(t, "wss", addr, srv)
	var err error
	b.c, err = lvsp.NewClient(sealed(append([]byte(name), lvspSecret...)), options...)
	require.NoError(t, err)
	b.c.Dialed(time.Now())
	until[lvsp.Connected](b)
	return b
}

func (b *backend) write(op ws.OpCode, data []byte) {
	_, _ = b.conn.Write(frame.AppendClient(nil, op, data))
}

func (b *backend) flush() {
	for f, ok := b.c.Next(); ok; f, ok = b.c.Next() {
		b.write(ws.OpText, f.Data)
	}
}

// until returns the next event of a kind.
func until[E lvsp.Event](b *backend) E {
	b.t.Helper()
	for {
		b.flush()
		for e, ok := b.c.NextEvent(); ok; e, ok = b.c.NextEvent() {
			if e, ok := e.(E); ok {
				return e
			}
		}
		msg, ok := b.next()
		require.True(b.t, ok, "link over, code %v", b.code)
		b.c.Receive(time.Now(), msg)
	}
}

func (b *backend) next() (msg []byte, ok bool) {
	for {
		op, data, err := b.in.Next()
		switch {
		case err != nil:
			return nil, false
		case op == ws.OpText:
			return data, true
		case op == ws.OpClose:
			code, _ := frame.ParseClose(data)
			b.code = lvsp.CloseCode(code)
			b.write(ws.OpClose, data[:2])
			return nil, false
		}
	}
}

// end reads to the end and returns the close code.
func (b *backend) end() lvsp.CloseCode {
	for {
		if _, ok := b.next(); !ok {
			return b.code
		}
	}
}

// join lets a user in, and connects its client.
func (b *backend) join(srv *voiceserver.Server, v lvsp.VoiceState) *caller {
	b.t.Helper()
	require.NoError(b.t, b.c.Join(time.Now(), v))
	e := until[lvsp.StateCreated](b)
	require.Equal(b.t, v.User, e.State.User)
	c := &caller{t: b.t, token: e.Token, member: voiceserver.Member{
		Guild: e.State.Server(), Channel: e.State.Channel, User: v.User, SessionID: e.State.SessionID,
	}}
	c.dial("wss://"+e.Endpoint+"/?v=8", srv)
	c.call(rtp.AES256GCM)
	return c
}

// login shows the token.
func (c *caller) login() {
	c.until(opcode.VoiceHello)
	c.send(`{"op":0,"d":{"server_id":"%d","user_id":"%d","session_id":"%s","token":"%s"}}`,
		c.member.Guild, c.member.User, c.member.SessionID, c.token)
}

func in(user snowflake.ID) lvsp.VoiceState {
	return lvsp.VoiceState{Guild: guild, Channel: channel, User: user}
}

// sealed returns a secret, the zero one if it is too short.
func sealed(b []byte) lvsp.Secret {
	s, _ := lvsp.NewSecret(b)
	return s
}
