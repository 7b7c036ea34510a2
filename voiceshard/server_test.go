package voiceshard

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/frame"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/opcode"
)

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

	mute       bool // to keepalives
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
			mute := s.mute
			s.mu.Unlock()
			if !mute {
				_, _ = nc.Write(datagram)
			}
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
