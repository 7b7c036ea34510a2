package voiceserver_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/internal/certificate"
	"github.com/discordpkg/gateway/internal/frame"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/voiceserver"
	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"
)

func TestCallOverSockets(t *testing.T) {
	srv := newServer(t, voiceserver.WithPorts(2))
	a, b := dial(t, srv, "ws", 1), dial(t, srv, "wss", 2)
	a.call(rtp.AES256GCM)
	b.call(rtp.XChaCha20Poly1305)
	require.JSONEq(t, `{"user_ids":["2"]}`, string(a.until(opcode.VoiceClientsConnect)))
	for i := range 100 {
		text := fmt.Sprint("frame ", i)
		a.say(text)
		require.Equal(t, text, b.hear())
		b.say(text)
		require.Equal(t, text, a.hear())
	}
	require.True(t, srv.Kick(guild, 2))
	require.EqualValues(t, 4014, b.end())
	require.JSONEq(t, `{"user_id":"2"}`, string(a.until(opcode.VoiceClientDisconnect)))
	stats := srv.Stats()
	require.EqualValues(t, 200, stats.Relay.Forwarded)
	require.Empty(t, srv.Violations())
	require.False(t, srv.Kick(guild, 2))
}

// A client that wants nothing but wss and ?v=8 behind the endpoint.
func TestEndpoint(t *testing.T) {
	srv := newServer(t)
	c := dial(t, srv, "ws", 1)
	for _, path := range []string{"?v=8", "/?v=8", "/voice?v=8&encoding=json"} {
		c.dial("wss://"+srv.Endpoint()+path, srv)
		c.until(opcode.VoiceHello)
	}
	c.dial("wss://"+srv.Endpoint(), srv)
	require.EqualValues(t, 4012, c.end())
	require.NotNil(t, srv.Certificate())
	require.Equal(t, "voice.example:443", newServer(t, voiceserver.WithEndpoint("voice.example:443")).Endpoint())
}

func TestMembership(t *testing.T) {
	srv := newServer(t)
	a := dial(t, srv, "ws", 1)
	a.call(rtp.AES256GCM)
	require.NoError(t, srv.SetState(guild, 1, voiceserver.MemberState{Mute: true}))
	require.True(t, srv.SetBitrate(channel, 64000))
	_, token, err := srv.Move(guild, 1, channel+1)
	require.NoError(t, err)
	require.NotEqual(t, a.token, token)
	require.EqualValues(t, 4014, a.end())
	_, _, err = srv.Move(guild, 7, channel)
	require.ErrorIs(t, err, voiceserver.ErrNoMember)
	_, _, err = srv.Move(guild, 1, 0)
	require.ErrorIs(t, err, voiceserver.ErrMember)
	require.Len(t, srv.Members(channel+1), 1)
	srv.Leave(guild, 1)
	require.Empty(t, srv.Members(channel+1))

	b := dial(t, srv, "ws", 2)
	b.call(rtp.AES256GCM)
	srv.Destroy(guild, channel)
	require.EqualValues(t, 4022, b.end())

	direct := voiceserver.Member{Channel: 9, User: 3, SessionID: "s"}
	_, _, err = srv.Join(direct)
	require.NoError(t, err)
	_, _, err = srv.Move(9, 3, 10)
	require.NoError(t, err)
	require.Empty(t, srv.Members(9))
}

func TestFaults(t *testing.T) {
	srv := newServer(t)
	for _, code := range []closecode.Voice{4006, 4009, 4014, 4015, 4022} {
		a := dial(t, srv, "ws", 1)
		a.call(rtp.AES256GCM)
		require.Equal(t, 1, srv.Faults().Close(1, code))
		require.Equal(t, code, a.end())
	}
	a := dial(t, srv, "wss", 1)
	a.call(rtp.AES256GCM)
	require.Equal(t, 1, srv.Faults().Cut(0))
	require.Zero(t, a.end())

	a, b := dial(t, srv, "ws", 1), dial(t, srv, "ws", 2)
	a.call(rtp.AES256GCM)
	b.call(rtp.AES256GCM)
	srv.Faults().SetNetwork(voiceserver.Network{Delay: time.Millisecond, Duplicate: 1})
	a.say("x")
	require.Equal(t, "x", b.hear())
	require.Equal(t, "x", b.hear())
	require.Equal(t, 1, srv.Faults().Stall(1, time.Millisecond))
	b.send(`{"op":5,"d":{"speaking":5}}`)
	a.until(opcode.VoiceSpeaking)
}

// Timers of connections and of the server work without anybody sending.
func TestDeadlines(t *testing.T) {
	srv := newServer(t, voiceserver.WithHeartbeat(20*time.Millisecond, time.Millisecond), voiceserver.WithLoginTimeout(time.Second))
	a := dial(t, srv, "ws", 1)
	a.call(rtp.AES256GCM)
	require.EqualValues(t, 4009, a.end())
	srv = newServer(t, voiceserver.WithLoginTimeout(20*time.Millisecond), voiceserver.WithSessionLife(20*time.Millisecond))
	b := dial(t, srv, "ws", 1)
	require.EqualValues(t, 4003, b.end())
	b, c := dial(t, srv, "ws", 1), dial(t, srv, "ws", 2)
	c.call(rtp.AES256GCM)
	b.call(rtp.AES256GCM)
	require.NoError(t, b.conn.Close())
	c.until(opcode.VoiceClientDisconnect)
}

func TestWebsocketRules(t *testing.T) {
	for name, tt := range map[string]struct {
		frames []byte
		code   closecode.Voice
	}{
		"not masked": {frame.AppendServer(nil, ws.OpText, []byte(`{}`)), 1002},
		"too large":  {frame.AppendClient(nil, ws.OpText, make([]byte, 5000)), 4002},
		"declared":   {[]byte{0x82, 0xff, 0x7f, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}, 4002},
		"a close":    {frame.AppendClient(nil, ws.OpClose, []byte{0x03, 0xe8}), 1000},
	} {
		t.Run(name, func(t *testing.T) {
			srv := newServer(t)
			c := dial(t, srv, "ws", 1)
			c.until(opcode.VoiceHello)
			_, err := c.conn.Write(tt.frames)
			require.NoError(t, err)
			require.Equal(t, tt.code, c.end())
		})
	}
}

func TestPing(t *testing.T) {
	srv := newServer(t)
	c := dial(t, srv, "ws", 1)
	c.until(opcode.VoiceHello)
	for range 100 { // answers may be left out, but for the last
		_, err := c.conn.Write(append(frame.AppendClient(nil, ws.OpPing, []byte("first")), frame.AppendClient(nil, ws.OpPong, nil)...))
		require.NoError(t, err)
	}
	_, err := c.conn.Write(frame.AppendClient(nil, ws.OpPing, []byte("last")))
	require.NoError(t, err)
	for payload := []byte(nil); string(payload) != "last"; {
		var op ws.OpCode
		op, payload, err = c.in.Next()
		require.NoError(t, err)
		require.Equal(t, ws.OpPong, op)
	}
}

func TestCrowd(t *testing.T) {
	srv := newServer(t, voiceserver.WithMaxConnections(1))
	c := dial(t, srv, "ws", 1)
	c.until(opcode.VoiceHello)
	_, _, _, err := ws.Dial(testContext(t), "ws://"+srv.Endpoint()+"/?v=8")
	require.ErrorIs(t, err, ws.StatusError(503))

	// Those who only connect are turned away too, and let in again later.
	var idle []net.Conn
	for range 300 {
		conn, err := net.Dial("tcp", srv.Endpoint())
		require.NoError(t, err)
		idle = append(idle, conn)
	}
	require.NoError(t, idle[299].SetReadDeadline(time.Now().Add(20*time.Second)))
	_, err = idle[299].Read(make([]byte, 1))
	require.True(t, errors.Is(err, io.EOF) || isReset(err), "%v", err)
	for _, conn := range idle {
		_ = conn.Close()
	}
	require.NoError(t, c.conn.Close())
	require.Eventually(t, func() bool {
		conn, _, _, err := ws.Dial(testContext(t), "ws://"+srv.Endpoint()+"/?v=8")
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, 20*time.Second, time.Millisecond)
}

func isReset(err error) bool {
	var op *net.OpError
	return errors.As(err, &op)
}

func TestNotAWebsocket(t *testing.T) {
	srv := newServer(t)
	for _, request := range []string{"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "\x16\x03\x01\x00\x05hello", "nonsense\r\n\r\n"} {
		conn, err := net.Dial("tcp", srv.Endpoint())
		require.NoError(t, err)
		_, err = conn.Write([]byte(request))
		require.NoError(t, err)
		answer, _ := io.ReadAll(conn)
		require.False(t, bytes.HasPrefix(answer, []byte("HTTP/1.1 101")))
		require.NoError(t, conn.Close())
	}
	require.Zero(t, srv.Stats().Connections)
}

func TestDrain(t *testing.T) {
	srv := newServer(t)
	a := dial(t, srv, "wss", 1)
	a.call(rtp.AES256GCM)
	drained := make(chan error, 1)
	go func() { drained <- srv.Drain(testContext(t)) }()
	require.EqualValues(t, 4015, a.end())
	require.NoError(t, <-drained)
	require.NoError(t, srv.Drain(testContext(t)), "nobody is there")
	_, _, err := srv.Join(voiceserver.Member{Guild: guild, Channel: channel, User: 9, SessionID: "x"})
	require.ErrorIs(t, err, voiceserver.ErrClosed)
	_, _, _, err = ws.Dial(testContext(t), "ws://"+srv.Endpoint()+"/?v=8")
	require.ErrorIs(t, err, ws.StatusError(503))
}

func TestDrainEndsWithContext(t *testing.T) {
	srv := newServer(t)
	c := dial(t, srv, "ws", 1)
	c.until(opcode.VoiceHello)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, srv.Drain(ctx), context.Canceled)
}

func TestClose(t *testing.T) {
	srv := newServer(t)
	a := dial(t, srv, "wss", 1)
	a.call(rtp.AES256GCM)
	srv.Close()
	srv.Close()
	a.end()
	_, _, err := srv.Join(a.member)
	require.ErrorIs(t, err, voiceserver.ErrClosed)
}

// A plainConn is a socket of which nobody knows more than the interface.
type plainConn struct{ net.PacketConn }

func TestOwnSockets(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	u, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := newServer(t, voiceserver.WithListener(l), voiceserver.WithPacketConns(plainConn{u}), voiceserver.WithoutTLS())
	require.Equal(t, l.Addr().String(), srv.Endpoint())
	require.Nil(t, srv.Certificate())
	a, b := dial(t, srv, "ws", 1), dial(t, srv, "ws", 2)
	a.call(rtp.AES256GCM)
	b.call(rtp.AES256GCM)
	require.Equal(t, u.LocalAddr().(*net.UDPAddr).Port, int(a.ready.Port))
	a.say("x")
	require.Equal(t, "x", b.hear())
}

func TestOwnTLS(t *testing.T) {
	pair, parsed, err := certificate.SelfSigned("test", time.Now())
	require.NoError(t, err)
	strict := newServer(t, voiceserver.WithTLS(&tls.Config{Certificates: []tls.Certificate{pair}}))
	_, _, _, err = ws.Dial(testContext(t), "ws://"+strict.Endpoint()+"/?v=8")
	require.Error(t, err)
	both := newServer(t, voiceserver.WithCertificate(pair, parsed))
	require.Equal(t, parsed, both.Certificate())
	for _, srv := range []*voiceserver.Server{strict, both} {
		conn, _, _, err := ws.Dialer{TLSConfig: both.TLSClientConfig()}.Dial(testContext(t), "wss://"+srv.Endpoint()+"/?v=8")
		require.NoError(t, err)
		require.NoError(t, conn.Close())
	}
}

func TestListen(t *testing.T) {
	srv, err := voiceserver.Listen(":0", voiceserver.WithAddress(net.IPv4(127, 0, 0, 1)))
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	a, b := dial(t, srv, "wss", 1), dial(t, srv, "wss", 2)
	a.call(rtp.AES256GCM)
	b.call(rtp.AES256GCM)
	require.Equal(t, "127.0.0.1", a.ready.IP)
	a.say("x")
	require.Equal(t, "x", b.hear())
	_, err = voiceserver.Listen("nowhere.invalid:0")
	require.Error(t, err)
	_, err = voiceserver.New(voiceserver.WithPacketConns(noAddress{}))
	require.Error(t, err)
}

// A value that makes no sense is an error that names the option. The listener
// and the sockets are the server's all the same: they are closed.
func TestBadOptions(t *testing.T) {
	for name, option := range map[string]voiceserver.Option{
		"voiceserver: WithPacketConns":    voiceserver.WithPacketConns(),
		"voiceserver: WithPorts":          voiceserver.WithPorts(0),
		"voiceserver: WithPorts: 257":     voiceserver.WithPorts(257),
		"voiceserver: WithEndpoint":       voiceserver.WithEndpoint(""),
		"voiceserver: WithAddress":        voiceserver.WithAddress(nil),
		"voiceserver: WithTLS":            voiceserver.WithTLS(nil),
		"voiceserver: WithMaxConnections": voiceserver.WithMaxConnections(0),
		"voiceserver: WithLogger":         voiceserver.WithLogger(nil),
		"voiceserver: WithAddressLimits":  voiceserver.WithAddressLimits(-1, 0),
		"voiceserver: WithCapacity":       voiceserver.WithCapacity(0),
		"signaling: WithHeartbeat":        voiceserver.WithHeartbeat(0, 0),
		"relay: WithPacketRate":           voiceserver.WithPacketRate(0),
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		_, err = voiceserver.New(voiceserver.WithListener(l), option)
		require.ErrorContains(t, err, name)
		require.ErrorIs(t, l.Close(), net.ErrClosed)
	}
}

type noAddress struct{ net.PacketConn }

func (noAddress) LocalAddr() net.Addr { return &net.UnixAddr{Name: "x"} }
func (noAddress) Close() error        { return nil }

func TestLog(t *testing.T) {
	var mu sync.Mutex
	var text bytes.Buffer
	srv := newServer(t, voiceserver.WithLogger(slog.New(slog.NewTextHandler(writerFunc(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return text.Write(p)
	}), nil))))
	c := dial(t, srv, "ws", 1)
	c.until(opcode.VoiceHello)
	c.send(`{"op":0,"d":{"token":"secret"}}`)
	require.EqualValues(t, 4004, c.end())
	srv.Close()
	require.Contains(t, text.String(), `code=4004 why="unknown token"`)
	require.NotContains(t, text.String(), "secret")
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
