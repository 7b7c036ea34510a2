package voiceshard

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/internal/frame"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/opcode"
)

const (
	guild   Snowflake = 41771983423143937
	lobby   Snowflake = 127121515262115840
	cellar  Snowflake = 127121515262115841
	bot     Snowflake = 104694319306248192
	other   Snowflake = 104694319306248193
	theHost           = "voice.example:443"
)

// A discord is a main gateway and its voice servers, in virtual time and
// scripted by the test.
type discord struct {
	t     *testing.T
	voice *Voice

	mu       sync.Mutex
	commands []command.VoiceState
	answer   func(v command.VoiceState) // default: introduce
	servers  map[string]*server         // by endpoint
	sessions int
	refuse   func(endpoint string) error // dialing fails
}

// run starts a test in virtual time.
func run(t *testing.T, test func(t *testing.T, d *discord), options ...Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &discord{t: t, servers: make(map[string]*server)}
		d.answer = d.introduce
		d.server(theHost)
		d.voice = New(GatewayFunc(d.update), bot, append([]Option{
			WithNetDial(d.dial), WithMediaDial(d.dialMedia),
			WithStateOptions(gateway.WithVoiceJitter(func() float64 { return 0.5 })),
		}, options...)...)
		defer d.end()
		test(t, d)
	})
}

// end closes everything, so that a test which fails does so quietly.
func (d *discord) end() {
	d.onCommand(nil)
	if err := d.voice.Close(d.t.Context()); err != nil {
		d.t.Error(err)
	}
	for _, s := range d.servers {
		s.close()
	}
	synctest.Wait()
}

// server returns the voice server at an endpoint.
func (d *discord) server(endpoint string) *server {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.servers[endpoint]
	if s == nil {
		s = &server{d: d, endpoint: endpoint, ssrc: 1000 * uint32(len(d.servers)+1), addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(len(d.servers) + 1)}), 50000)}
		s.handle = s.serve
		d.servers[endpoint] = s
	}
	return s
}

// update is the command of the main gateway.
func (d *discord) update(_ context.Context, v command.VoiceState) error {
	d.mu.Lock()
	d.commands = append(d.commands, v)
	answer := d.answer
	d.mu.Unlock()
	if answer != nil {
		answer(v)
	}
	return nil
}

func (d *discord) sent() []command.VoiceState {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]command.VoiceState(nil), d.commands...)
}

// onCommand replaces the answer to commands.
func (d *discord) onCommand(answer func(v command.VoiceState)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answer = answer
}

// onDial makes dialing fail.
func (d *discord) onDial(refuse func(endpoint string) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refuse = refuse
}

// introduce answers as Discord does.
func (d *discord) introduce(v command.VoiceState) {
	d.mu.Lock()
	d.sessions++
	session, token := fmt.Sprintf("session-%d", d.sessions), fmt.Sprintf("token-%d", d.sessions)
	d.mu.Unlock()
	if v.ChannelID == 0 {
		d.state(0, session)
		return
	}
	d.state(v.ChannelID, session)
	d.named(theHost, token)
}

// state says where the bot is.
func (d *discord) state(channel Snowflake, session string) {
	data, _ := json.Marshal(map[string]any{"guild_id": guild, "user_id": bot, "channel_id": channel, "session_id": session})
	d.voice.HandleEvent(event.VoiceStateUpdate, data)
}

// named says which voice server it is; empty: none.
func (d *discord) named(endpoint, token string) {
	m := map[string]any{"guild_id": guild, "token": token, "endpoint": nil}
	if endpoint != "" {
		d.server(endpoint)
		m["endpoint"] = "ws://" + endpoint
	}
	data, _ := json.Marshal(m)
	d.voice.HandleEvent(event.VoiceServerUpdate, data)
}

// join joins the lobby.
func (d *discord) join() *Session {
	d.t.Helper()
	s, err := d.voice.Join(d.t.Context(), guild, lobby)
	require.NoError(d.t, err)
	return s
}

func (d *discord) dial(_ context.Context, _, addr string) (net.Conn, error) {
	d.mu.Lock()
	s, refuse := d.servers[addr], d.refuse
	d.mu.Unlock()
	if refuse != nil {
		if err := refuse(addr); err != nil {
			return nil, err
		}
	}
	if s == nil {
		return nil, errors.New("no such host")
	}
	ours, theirs := net.Pipe()
	go s.accept(theirs)
	return ours, nil
}

func (d *discord) dialMedia(_ context.Context, addr netip.AddrPort) (net.Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.servers {
		if s.addr == addr {
			ours, theirs := net.Pipe()
			s.mu.Lock()
			s.media = append(s.media, theirs)
			s.mu.Unlock()
			go s.serveMedia(theirs)
			return ours, nil
		}
	}
	return nil, errors.New("no such address")
}

// A server is a voice server.
type server struct {
	d        *discord
	endpoint string
	addr     netip.AddrPort
	handle   func(c *client, m gateway.VoiceMessage) // default: serve

	mu      sync.Mutex
	ssrc    uint32
	clients []*client
	media   []net.Conn
	heard   [][]byte     // payloads of audio
	headers []rtp.Header // of them
	nonces  []uint32     // of them
	deaf    bool         // to discovery

	keepalives int
	key        [32]byte
}

// A client is one connection to a voice server.
type client struct {
	s   *server
	nc  net.Conn
	uri string

	mu       sync.Mutex // guards writing, and what follows
	received []gateway.VoiceMessage
	closed   *ws.StatusCode // by the client
	seq      int
}

func (s *server) accept(nc net.Conn) {
	defer nc.Close()
	c := &client{s: s, nc: nc, seq: -1}
	var answer bytes.Buffer
	up := ws.Upgrader{OnRequest: func(uri []byte) error { c.uri = string(uri); return nil }}
	if _, err := up.Upgrade(struct {
		io.Reader
		io.Writer
	}{nc, &answer}); err != nil {
		return
	}
	s.mu.Lock()
	s.clients = append(s.clients, c)
	s.mu.Unlock()
	// Hello comes together with the answer to the handshake.
	answer.Write(frame.AppendServer(nil, ws.OpText, []byte(`{"op":8,"d":{"v":8,"heartbeat_interval":13750}}`)))
	if _, err := nc.Write(answer.Bytes()); err != nil {
		return
	}
	r := frame.NewReader(nc, ws.StateServerSide, 1<<20, nil)
	for {
		op, p, err := r.Next()
		if err != nil {
			return
		}
		switch op {
		case ws.OpClose:
			code, _ := frame.ParseClose(p)
			c.mu.Lock()
			c.closed = (*ws.StatusCode)(&code)
			c.mu.Unlock()
			return
		case ws.OpPong:
			c.take(gateway.VoiceMessage{Op: pong, Data: append([]byte(nil), p...)})
		case ws.OpBinary:
			c.take(gateway.VoiceMessage{Op: opcode.Voice(p[0]), Data: append([]byte(nil), p[1:]...)})
		case ws.OpText:
			var m struct {
				Op opcode.Voice
				D  json.RawMessage
			}
			if json.Unmarshal(p, &m) == nil {
				c.take(gateway.VoiceMessage{Op: m.Op, Data: m.D})
			}
		}
	}
}

// pong is the opcode under which the client's pongs are recorded.
const pong opcode.Voice = 255

func (c *client) take(m gateway.VoiceMessage) {
	c.mu.Lock()
	c.received = append(c.received, m)
	c.mu.Unlock()
	c.s.mu.Lock()
	handle := c.s.handle
	c.s.mu.Unlock()
	handle(c, m)
}

// onMessage replaces what the server does with messages.
func (s *server) onMessage(handle func(c *client, m gateway.VoiceMessage)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handle = handle
}

// serve answers as Discord does.
func (s *server) serve(c *client, m gateway.VoiceMessage) {
	switch m.Op {
	case opcode.VoiceIdentify:
		s.mu.Lock()
		s.ssrc++
		s.key = [32]byte{byte(s.ssrc), 1}
		ssrc := s.ssrc
		s.mu.Unlock()
		c.send(opcode.VoiceReady, fmt.Sprintf(`{"ssrc":%d,"ip":%q,"port":%d,"modes":["aead_aes256_gcm_rtpsize","aead_xchacha20_poly1305_rtpsize","new"]}`, ssrc, s.addr.Addr(), s.addr.Port()))
	case opcode.VoiceSelectProtocol:
		c.describe()
	case opcode.VoiceHeartbeat:
		var h gateway.VoiceHeartbeat
		_ = json.Unmarshal(m.Data, &h)
		c.send(opcode.VoiceHeartbeatACK, fmt.Sprintf(`{"t":%d}`, h.Nonce))
	case opcode.VoiceResume:
		c.send(opcode.VoiceResumed, `null`)
	}
}

// describe sends a Session Description.
func (c *client) describe() {
	c.s.mu.Lock()
	key := make([]int, 32)
	for i, b := range c.s.key {
		key[i] = int(b)
	}
	c.s.mu.Unlock()
	data, _ := json.Marshal(map[string]any{"mode": rtp.AES256GCM, "secret_key": key, "dave_protocol_version": 0})
	c.send(opcode.VoiceSessionDescription, string(data))
}

// send writes a text message.
func (c *client) send(op opcode.Voice, data string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.write(ws.OpText, fmt.Appendf(nil, `{"op":%d,"d":%s}`, op, data))
}

// number writes a text message with a sequence number.
func (c *client) number(op opcode.Voice, data string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seq = (c.seq + 1) & 0xffff
	c.write(ws.OpText, fmt.Appendf(nil, `{"op":%d,"seq":%d,"d":%s}`, op, c.seq, data))
}

func (c *client) write(op ws.OpCode, p []byte) {
	_, _ = c.nc.Write(frame.AppendServer(nil, op, p))
}

// close closes the connection with a code; zero: without a word.
func (c *client) close(code int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if code != 0 {
		c.write(ws.OpClose, ws.NewCloseFrameBody(ws.StatusCode(code), ""))
	}
	_ = c.nc.Close()
}

// all returns what the client sent, of one opcode.
func (c *client) all(op opcode.Voice) (data []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.received {
		if m.Op == op {
			data = append(data, string(m.Data))
		}
	}
	return data
}

// count returns how many connections there were.
func (s *server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.clients)
}

// last returns the last connection.
func (s *server) last() *client {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.clients) == 0 {
		return nil
	}
	return s.clients[len(s.clients)-1]
}

func (s *server) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.clients {
		_ = c.nc.Close()
	}
	for _, m := range s.media {
		_ = m.Close()
	}
}

// serveMedia answers datagrams as Discord does.
func (s *server) serveMedia(nc net.Conn) {
	defer nc.Close()
	buf := make([]byte, 8<<10)
	for {
		n, err := nc.Read(buf)
		if err != nil {
			return
		}
		datagram := buf[:n]
		switch rtp.KindOf(datagram) {
		case rtp.KindDiscoveryRequest:
			ssrc, _ := rtp.ParseDiscoveryRequest(datagram)
			s.mu.Lock()
			deaf := s.deaf
			s.mu.Unlock()
			if !deaf {
				_, _ = nc.Write(rtp.AppendDiscoveryResponse(nil, ssrc, netip.MustParseAddrPort("203.0.113.7:4000")))
			}
		case rtp.KindKeepalive:
			s.mu.Lock()
			s.keepalives++
			s.mu.Unlock()
			_, _ = nc.Write(datagram)
		case rtp.KindRTP:
			s.listen(datagram)
		}
	}
}

// listen records audio.
func (s *server) listen(datagram []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	opener, err := rtp.NewOpener(rtp.AES256GCM, s.key[:])
	if err != nil {
		return
	}
	plain, err := opener.Open(append([]byte(nil), datagram...))
	if err != nil {
		s.heard = append(s.heard, []byte("forged"))
		s.headers = append(s.headers, rtp.Header{})
		return
	}
	var p rtp.Packet
	if err := p.Unmarshal(plain); err == nil {
		s.heard = append(s.heard, append([]byte(nil), p.Payload...))
		s.headers = append(s.headers, p.Header)
		s.nonces = append(s.nonces, binary.BigEndian.Uint32(datagram[len(datagram)-4:]))
	}
}

func (s *server) audio() ([][]byte, []rtp.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([][]byte(nil), s.heard...), append([]rtp.Header(nil), s.headers...)
}

// say sends audio to the client.
func (s *server) say(p rtp.Packet) {
	s.mu.Lock()
	key, media := s.key, s.media[len(s.media)-1]
	s.mu.Unlock()
	sealer, err := rtp.NewSealer(rtp.AES256GCM, key[:], rtp.Nonces{Next: uint32(p.Sequence) + 1<<31, Left: 1})
	require.NoError(s.d.t, err)
	if p.PayloadType == 0 {
		p.PayloadType = rtp.PayloadTypeOpus
	}
	b := make([]byte, p.Size(), p.Size()+rtp.Overhead)
	_, err = p.MarshalTo(b)
	require.NoError(s.d.t, err)
	b, err = sealer.Seal(b)
	require.NoError(s.d.t, err)
	_, err = media.Write(b)
	require.NoError(s.d.t, err)
	synctest.Wait()
}

// throw sends a datagram to the client as it is.
func (s *server) throw(b []byte) {
	s.mu.Lock()
	media := s.media[len(s.media)-1]
	s.mu.Unlock()
	_, err := media.Write(b)
	require.NoError(s.d.t, err)
	synctest.Wait()
}

// opus returns an Opus packet of 20 ms that says n.
func opus(n int) []byte { return append([]byte{0xfc}, fmt.Sprint(n)...) }

// sleep lets virtual time pass.
func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
