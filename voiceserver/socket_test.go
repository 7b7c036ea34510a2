package voiceserver_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/internal/frame"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver"
	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

const (
	guild   snowflake.ID = 100
	channel snowflake.ID = 200
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A caller is a client on sockets.
type caller struct {
	t      *testing.T
	member voiceserver.Member
	token  string

	conn   net.Conn
	in     *frame.Reader
	closed closecode.Voice

	udp    *net.UDPConn
	ready  gateway.VoiceReady
	opener *rtp.Opener
	sealer *rtp.Sealer
	rtp    rtp.Stream
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func newServer(t *testing.T, options ...voiceserver.Option) *voiceserver.Server {
	srv, err := voiceserver.New(options...)
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	return srv
}

// dial opens the websocket of a member.
func dial(t *testing.T, srv *voiceserver.Server, scheme string, user snowflake.ID) *caller {
	t.Helper()
	m := voiceserver.Member{Guild: guild, Channel: channel, User: user, SessionID: fmt.Sprintf("session-%d", user)}
	endpoint, token, err := srv.Join(m)
	require.NoError(t, err)
	c := &caller{t: t, member: m, token: token}
	c.dial(scheme+"://"+endpoint+"/?v=8", srv)
	return c
}

func (c *caller) dial(url string, srv *voiceserver.Server) {
	conn, early, _, err := ws.Dialer{TLSConfig: srv.TLSClientConfig()}.Dial(testContext(c.t), url)
	require.NoError(c.t, err)
	c.conn = conn
	c.in = frame.NewReader(conn, ws.StateClientSide, 1<<20, buffered(early))
	require.NoError(c.t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	c.t.Cleanup(func() { _ = conn.Close() })
}

func buffered(r *bufio.Reader) []byte {
	if r == nil {
		return nil
	}
	b, _ := r.Peek(r.Buffered())
	return b
}

func (c *caller) send(format string, args ...any) {
	_, err := c.conn.Write(frame.AppendClient(nil, ws.OpText, fmt.Appendf(nil, format, args...)))
	require.NoError(c.t, err)
}

// next returns the next message, or false after a close frame or the end.
func (c *caller) next() (op opcode.Voice, data []byte, ok bool) {
	for {
		kind, payload, err := c.in.Next()
		if err != nil {
			return 0, nil, false
		}
		switch kind {
		case ws.OpClose:
			code, _ := frame.ParseClose(payload)
			c.closed = closecode.Voice(code)
			_, _ = c.conn.Write(frame.AppendClient(nil, ws.OpClose, payload[:min(2, len(payload))]))
			return 0, nil, false
		case ws.OpText:
			var m struct {
				Op opcode.Voice
				D  json.RawMessage
			}
			require.NoError(c.t, json.Unmarshal(payload, &m))
			return m.Op, m.D, true
		}
	}
}

// until skips messages up to one with the opcode.
func (c *caller) until(op opcode.Voice) []byte {
	c.t.Helper()
	for {
		got, data, ok := c.next()
		require.True(c.t, ok, "closed with %d before %v", c.closed, op)
		if got == op {
			return data
		}
	}
}

// end reads to the end and returns the close code.
func (c *caller) end() closecode.Voice {
	for {
		if _, _, ok := c.next(); !ok {
			return c.closed
		}
	}
}

// call goes through the whole handshake.
func (c *caller) call(mode rtp.Mode) {
	c.t.Helper()
	c.until(opcode.VoiceHello)
	c.send(`{"op":0,"d":{"server_id":"%d","user_id":"%d","session_id":"%s","token":"%s","max_dave_protocol_version":1}}`,
		c.member.Guild, c.member.User, c.member.SessionID, c.token)
	require.NoError(c.t, json.Unmarshal(c.until(opcode.VoiceReady), &c.ready))
	var err error
	c.udp, err = net.DialUDP("udp", nil, &net.UDPAddr{IP: net.ParseIP(c.ready.IP), Port: int(c.ready.Port)})
	require.NoError(c.t, err)
	c.t.Cleanup(func() { _ = c.udp.Close() })
	require.NoError(c.t, c.udp.SetDeadline(time.Now().Add(30*time.Second)))
	_, err = c.udp.Write(rtp.AppendDiscoveryRequest(nil, c.ready.SSRC))
	require.NoError(c.t, err)
	_, addr, err := rtp.ParseDiscoveryResponse(c.datagram())
	require.NoError(c.t, err)
	c.send(`{"op":1,"d":{"protocol":"udp","data":{"address":"%s","port":%d,"mode":"%s"}}}`, addr.Addr(), addr.Port(), mode)
	var d gateway.VoiceSessionDescription
	require.NoError(c.t, json.Unmarshal(c.until(opcode.VoiceSessionDescription), &d))
	c.opener, err = rtp.NewOpener(rtp.Mode(d.Mode), d.SecretKey[:])
	require.NoError(c.t, err)
	c.sealer, err = rtp.NewSealer(rtp.Mode(d.Mode), d.SecretKey[:], rtp.ClientNonces())
	require.NoError(c.t, err)
	c.rtp = rtp.Stream{SSRC: c.ready.SSRC}
	c.send(`{"op":5,"d":{"speaking":1,"delay":0,"ssrc":%d}}`, c.ready.SSRC)
}

func (c *caller) datagram() []byte {
	c.t.Helper()
	b := make([]byte, 2048)
	n, err := c.udp.Read(b)
	require.NoError(c.t, err)
	return b[:n]
}

func (c *caller) say(payload string) {
	p := rtp.Packet{Header: c.rtp.Next(960), Payload: []byte(payload)}
	b := make([]byte, p.Size()+rtp.Overhead)
	n, err := p.MarshalTo(b)
	require.NoError(c.t, err)
	sealed, err := c.sealer.Seal(b[:n])
	require.NoError(c.t, err)
	_, err = c.udp.Write(sealed)
	require.NoError(c.t, err)
}

func (c *caller) hear() string {
	c.t.Helper()
	plain, err := c.opener.Open(c.datagram())
	require.NoError(c.t, err)
	var p rtp.Packet
	require.NoError(c.t, p.Unmarshal(plain))
	return string(p.Payload)
}
