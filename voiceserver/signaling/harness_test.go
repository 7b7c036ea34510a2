package signaling_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver/relay"
	"github.com/discordpkg/gateway/voiceserver/signaling"
	"github.com/stretchr/testify/require"
)

const (
	guild   snowflake.ID = 100
	channel snowflake.ID = 200
)

var (
	epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	port  = netip.MustParseAddrPort("192.0.2.1:5000")
)

// A harness runs scenarios: a core, its relay, clients, and a clock.
type harness struct {
	t       testing.TB
	core    *signaling.Server
	relay   *relay.Relay
	now     time.Time
	clients []*client
	batch   relay.Batch
}

// newHarness takes options of both machines.
func newHarness(t testing.TB, options ...any) *harness {
	s := &harness{t: t, now: epoch}
	s.core, s.relay = machines(t, append([]any{signaling.WithRandom(rand.NewChaCha8([32]byte{1})), signaling.WithoutE2EE()}, options...)...)
	return s
}

func machines(t testing.TB, options ...any) (*signaling.Server, *relay.Relay) {
	var rules []signaling.Option
	var audio []relay.Option
	for _, o := range options {
		switch o := o.(type) {
		case signaling.Option:
			rules = append(rules, o)
		case relay.Option:
			audio = append(audio, o)
		default:
			t.Fatalf("an option of type %T", o)
		}
	}
	core, err := signaling.New([]netip.AddrPort{port}, rules...)
	require.NoError(t, err)
	r, err := relay.New(audio...)
	require.NoError(t, err)
	return core, r
}

// A client is one on raw bytes.
type client struct {
	*harness
	member signaling.Member
	token  string
	conn   *signaling.Conn
	addr   netip.AddrPort
	plain  bool // it does not offer end-to-end encryption

	inbox []message
	seq   int // of the last numbered message, -1 for none
	close closecode.Voice
	cut   bool

	ready  gateway.VoiceReady
	key    gateway.VoiceKey
	opener *rtp.Opener
	sealer *rtp.Sealer
	rtp    rtp.Stream
	heard  []rtp.Packet
	dave   *dave.Session // nil: no end-to-end encryption
	others [][]byte      // datagrams that are not RTP
}

// A message is one that a client got.
type message struct {
	op     opcode.Voice
	data   string
	seq    int // -1 for none
	binary bool
}

// join makes a user a member of the channel.
func (s *harness) join(user snowflake.ID) *client { return s.joinIn(user, channel) }

func (s *harness) joinIn(user, channel snowflake.ID) *client {
	m := signaling.Member{Guild: guild, Channel: channel, User: user, SessionID: fmt.Sprintf("session-%d", user)}
	token, err := s.core.Join(s.now, m)
	require.NoError(s.t, err)
	c := &client{harness: s, member: m, token: token, seq: -1, addr: netip.AddrPortFrom(netip.MustParseAddr("198.51.100.7"), uint16(1000+user))}
	s.clients = append(s.clients, c)
	return c
}

// call makes a user a member who talks.
func (s *harness) call(user snowflake.ID) *client { return s.callIn(user, channel) }

func (s *harness) callIn(user, channel snowflake.ID) *client {
	c := s.joinIn(user, channel)
	c.connect()
	c.identify()
	c.discover()
	c.selectProtocol(rtp.AES256GCM)
	return c
}

func (c *client) connect() {
	c.conn = c.core.Accept(c.now, "8")
	c.close, c.cut = 0, false
	c.settle()
}

func (c *client) send(format string, args ...any) {
	c.conn.Receive(c.now, fmt.Appendf(nil, format, args...), false)
	c.settle()
}

func (c *client) sendBinary(op opcode.Voice, payload string) {
	c.conn.Receive(c.now, append([]byte{byte(op)}, payload...), true)
	c.settle()
}

func (c *client) identify() {
	version := 1
	if c.plain {
		version = 0
	}
	c.send(`{"op":0,"d":{"server_id":"%d","user_id":"%d","session_id":"%s","token":"%s","max_dave_protocol_version":%d}}`,
		c.member.Guild, c.member.User, c.member.SessionID, c.token, version)
}

func (c *client) resume() {
	c.send(`{"op":7,"d":{"server_id":"%d","session_id":"%s","token":"%s","seq_ack":%d}}`, c.member.Guild, c.member.SessionID, c.token, c.seq)
}

func (c *client) beat() { c.send(`{"op":3,"d":{"t":7,"seq_ack":%d}}`, c.seq) }

func (c *client) speak(flags int) {
	c.send(`{"op":5,"d":{"speaking":%d,"delay":0,"ssrc":%d}}`, flags, c.ready.SSRC)
}

func (c *client) selectProtocol(mode rtp.Mode) {
	c.send(`{"op":1,"d":{"protocol":"udp","data":{"address":"%s","port":%d,"mode":"%s"}}}`, c.addr.Addr(), c.addr.Port(), mode)
}

// discover asks for the client's address.
func (c *client) discover() {
	c.datagram(c.addr, rtp.AppendDiscoveryRequest(nil, c.ready.SSRC))
}

// packet returns a sealed packet.
func (c *client) packet(p rtp.Packet) []byte {
	b := make([]byte, p.Size()+rtp.Overhead)
	n, err := p.MarshalTo(b)
	require.NoError(c.t, err)
	sealed, err := c.sealer.Seal(b[:n])
	require.NoError(c.t, err)
	return sealed
}

// say sends an Opus frame.
func (c *client) say(payload string) {
	c.datagram(c.addr, c.packet(rtp.Packet{Header: c.rtp.Next(960), Payload: []byte(payload)}))
}

// heardPayloads returns what the client heard since the last call.
func (c *client) heardPayloads() (payloads []string) {
	for _, p := range c.heard {
		payloads = append(payloads, string(p.Payload))
	}
	c.heard = nil
	return payloads
}

// take returns the messages that came since the last call, as "op data".
func (c *client) take() (got []string) {
	for _, m := range c.inbox {
		got = append(got, fmt.Sprintf("%d %s", m.op, m.data))
	}
	c.inbox = nil
	return got
}

// datagram sends one to the relay and delivers what comes of it.
func (s *harness) datagram(from netip.AddrPort, data []byte) {
	s.relay.Forward(s.now, from, append([]byte(nil), data...), &s.batch)
	s.deliver()
}

func (s *harness) deliver() {
	for _, d := range s.batch.Datagrams() {
		for _, c := range s.clients {
			if c.addr == d.To {
				c.arrive(append([]byte(nil), d.Data...))
			}
		}
	}
	s.batch.Reset()
}

func (c *client) arrive(data []byte) {
	if rtp.KindOf(data) != rtp.KindRTP {
		c.others = append(c.others, data)
		return
	}
	plain, err := c.opener.Open(data)
	require.NoError(c.t, err)
	var p rtp.Packet
	require.NoError(c.t, p.Unmarshal(plain))
	c.heard = append(c.heard, p)
}

// settle delivers frames and routes.
func (s *harness) settle() {
	for again := true; again; {
		again = false
		for _, r := range s.core.Routes() {
			require.NoError(s.t, s.relay.Apply(r))
		}
		s.core.Ready()
		for _, c := range s.clients {
			for c.conn != nil {
				f, ok := c.conn.Next()
				if !ok {
					break
				}
				again = true
				c.frame(f)
			}
		}
	}
}

func (c *client) frame(f signaling.Frame) {
	m := message{seq: -1}
	switch f.Kind {
	case signaling.FrameCut:
		c.cut = true
		return
	case signaling.FrameClose:
		c.close, _ = f.CloseCode()
		return
	case signaling.FrameBinary:
		m = message{opcode.Voice(f.Data[2]), string(f.Data[3:]), int(binary.BigEndian.Uint16(f.Data)), true}
	case signaling.FrameText:
		var text struct {
			Op  opcode.Voice    `json:"op"`
			D   json.RawMessage `json:"d"`
			Seq *int            `json:"seq"`
		}
		require.NoError(c.t, json.Unmarshal(f.Data, &text))
		m.op, m.data = text.Op, string(text.D)
		if text.Seq != nil {
			m.seq = *text.Seq
		}
	}
	if m.seq >= 0 {
		c.seq = m.seq
	}
	c.inbox = append(c.inbox, m)
	c.note(m)
	if c.dave != nil {
		c.encrypt(m)
	}
}

// encrypt tells the end-to-end encryption of a message, and the server what it
// answers.
func (c *client) encrypt(m message) {
	switch {
	case m.op.DAVE(), m.op == opcode.VoiceSessionDescription, m.op == opcode.VoiceClientsConnect, m.op == opcode.VoiceClientDisconnect, m.op == opcode.VoiceResumed:
	default:
		return
	}
	replies, err := c.dave.HandleVoice(c.now, gateway.VoiceMessage{Op: m.op, Data: []byte(m.data), Seq: m.seq})
	require.NoError(c.t, err)
	for _, r := range replies {
		if r.Op.Binary() {
			c.conn.Receive(c.now, append([]byte{byte(r.Op)}, r.Data...), true)
		} else {
			c.conn.Receive(c.now, fmt.Appendf(nil, `{"op":%d,"d":%s}`, r.Op, r.Data), false)
		}
	}
}

// note remembers what the client needs later.
func (c *client) note(m message) {
	switch m.op {
	case opcode.VoiceReady:
		c.ready = gateway.VoiceReady{}
		require.NoError(c.t, json.Unmarshal([]byte(m.data), &c.ready))
		c.rtp = rtp.Stream{SSRC: c.ready.SSRC, Sequence: 65530, Timestamp: 5}
	case opcode.VoiceSessionDescription:
		var d gateway.VoiceSessionDescription
		require.NoError(c.t, json.Unmarshal([]byte(m.data), &d))
		if d.SecretKey == c.key {
			return
		}
		c.key = d.SecretKey
		var err error
		c.opener, err = rtp.NewOpener(rtp.Mode(d.Mode), c.key[:])
		require.NoError(c.t, err)
		c.sealer, err = rtp.NewSealer(rtp.Mode(d.Mode), c.key[:], rtp.ClientNonces())
		require.NoError(c.t, err)
	}
}

// advance moves the clock, and stops at every deadline on the way.
func (s *harness) advance(by time.Duration) {
	end := s.now.Add(by)
	for {
		next := end
		earlier := func(at time.Time) {
			if !at.IsZero() && at.Before(next) {
				next = at
			}
		}
		earlier(s.core.NextDeadline())
		earlier(s.relay.NextDeadline())
		for _, c := range s.clients {
			if c.conn != nil {
				earlier(c.conn.NextDeadline())
			}
		}
		s.now = next
		for _, c := range s.clients {
			if c.conn != nil {
				c.conn.HandleTimeout(s.now)
			}
		}
		s.core.HandleTimeout(s.now)
		s.relay.HandleTimeout(s.now, &s.batch)
		s.settle()
		s.deliver()
		if !next.Before(end) {
			return
		}
	}
}

// wait is advance with heartbeats.
func (s *harness) wait(d time.Duration) {
	for d > 0 {
		step := min(d, 10*time.Second)
		s.advance(step)
		d -= step
		for _, c := range s.clients {
			if c.conn != nil {
				c.beat()
			}
		}
	}
}

func mustAddr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// follow applies what a client was told about others to what it knows.
func follow(t *testing.T, c *client, knows map[string]bool) {
	for _, m := range c.inbox {
		var d struct {
			UserIDs []string `json:"user_ids"`
			UserID  string   `json:"user_id"`
		}
		if m.op == opcode.VoiceClientsConnect || m.op == opcode.VoiceClientDisconnect {
			require.NoError(t, json.Unmarshal([]byte(m.data), &d))
		}
		for _, id := range d.UserIDs {
			require.False(t, knows[id], "user %s came twice", id)
			knows[id] = true
		}
		if m.op == opcode.VoiceClientDisconnect {
			require.True(t, knows[d.UserID], "user %s left twice", d.UserID)
			delete(knows, d.UserID)
		}
	}
	c.inbox = nil
}
