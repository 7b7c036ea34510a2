package signaling_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver/signaling"
	"github.com/stretchr/testify/require"
)

// Every close code that a client can earn, and what earns it.
func TestCloseCodes(t *testing.T) {
	identify := func(c *client, server, user snowflake.ID, session, token string) {
		c.send(`{"op":0,"d":{"server_id":"%d","user_id":"%d","session_id":"%s","token":"%s"}}`, server, user, session, token)
	}
	for _, tt := range []struct {
		name  string
		after string // hello, ready or active
		code  closecode.Voice
		do    func(c *client)
	}{
		{"an opcode that does not exist", "hello", 4001, func(c *client) { c.send(`{"op":99,"d":null}`) }},
		{"an opcode of the server", "active", 4001, func(c *client) { c.send(`{"op":2,"d":null}`) }},
		{"an opcode that does not exist, binary", "active", 4001, func(c *client) { c.sendBinary(200, "") }},
		{"no JSON", "hello", 4002, func(c *client) { c.send(`{"op":3`) }},
		{"no opcode", "hello", 4002, func(c *client) { c.send(`{"d":null}`) }},
		{"a large opcode", "hello", 4002, func(c *client) { c.send(`{"op":256,"d":null}`) }},
		{"an empty binary message", "hello", 4002, func(c *client) { c.conn.Receive(c.now, nil, true); c.settle() }},
		{"a key package as text", "active", 4002, func(c *client) { c.send(`{"op":26,"d":null}`) }},
		{"a heartbeat as binary", "active", 4002, func(c *client) { c.sendBinary(3, "{}") }},
		{"identify without an object", "hello", 4002, func(c *client) { c.send(`{"op":0,"d":[]}`) }},
		{"resume without an object", "hello", 4002, func(c *client) { c.send(`{"op":7,"d":7}`) }},
		{"select protocol without an object", "ready", 4002, func(c *client) { c.send(`{"op":1,"d":"udp"}`) }},
		{"speaking without an object", "ready", 4002, func(c *client) { c.send(`{"op":5,"d":true}`) }},
		{"a heartbeat without a nonce", "active", 4002, func(c *client) { c.send(`{"op":3,"d":{}}`) }},
		{"a heartbeat without a number", "active", 4002, func(c *client) { c.send(`{"op":3,"d":{"t":"x"}}`) }},
		{"a large message before identify", "hello", 4002, func(c *client) { c.send(`{"op":3,"d":{"t":1},"x":"%04096d"}`, 0) }},
		{"a large message", "active", 4002, func(c *client) { c.send(`{"op":3,"d":{"t":1},"x":"%0262144d"}`, 0) }},
		{"speaking before identify", "hello", 4003, func(c *client) { c.send(`{"op":5,"d":{}}`) }},
		{"select protocol before identify", "hello", 4003, func(c *client) { c.selectProtocol(rtp.AES256GCM) }},
		{"nothing for ten seconds", "hello", 4003, func(c *client) { c.advance(10 * time.Second) }},
		{"no token", "hello", 4004, func(c *client) { identify(c, guild, 1, "session-1", "") }},
		{"a wrong token", "hello", 4004, func(c *client) { identify(c, guild, 1, "session-1", "00112233445566778899aabbccddeeff") }},
		{"the token of another user", "hello", 4004, func(c *client) { identify(c, guild, 2, "session-1", c.token) }},
		{"resume with a wrong token", "hello", 4004, func(c *client) { c.token += "0"; c.resume() }},
		{"identify twice", "ready", 4005, func(c *client) { c.identify() }},
		{"resume in the middle", "active", 4005, func(c *client) { c.resume() }},
		{"another session", "hello", 4006, func(c *client) { identify(c, guild, 1, "session-2", c.token) }},
		{"resume without a session", "hello", 4006, func(c *client) { c.resume() }},
		{"no heartbeats", "active", 4009, func(c *client) { c.advance(13750*time.Millisecond + 20*time.Second) }},
		{"no heartbeats before select", "ready", 4009, func(c *client) { c.advance(time.Minute) }},
		{"another server", "hello", 4011, func(c *client) { identify(c, 7, 1, "session-1", c.token) }},
		{"resume on another server", "hello", 4011, func(c *client) { c.member.Guild = 7; c.resume() }},
		{"a protocol that does not exist", "ready", 4012, func(c *client) { c.send(`{"op":1,"d":{"protocol":"webrtc","data":{}}}`) }},
		{"no member any more", "active", 4014, func(c *client) { c.core.Leave(c.now, guild, 1); c.settle() }},
		{"another channel", "active", 4014, func(c *client) {
			m := c.member
			m.Channel++
			_, err := c.core.Join(c.now, m)
			require.NoError(c.t, err)
			c.settle()
		}},
		{"the server goes away", "active", 4015, func(c *client) { require.Equal(c.t, 1, c.core.Close(c.now, 0, 4015)); c.settle() }},
		{"an encryption mode that does not exist", "ready", 4016, func(c *client) { c.selectProtocol("xsalsa20_poly1305") }},
		{"no address", "ready", 4020, func(c *client) {
			c.send(`{"op":1,"d":{"protocol":"udp","data":{"address":"localhost","port":1,"mode":"aead_aes256_gcm_rtpsize"}}}`)
		}},
		{"no port", "ready", 4020, func(c *client) {
			c.send(`{"op":1,"d":{"protocol":"udp","data":{"address":"127.0.0.1","port":0,"mode":"aead_aes256_gcm_rtpsize"}}}`)
		}},
		{"the SSRC of another", "active", 4020, func(c *client) { c.send(`{"op":5,"d":{"speaking":1,"ssrc":%d}}`, c.ready.SSRC+1) }},
		{"audio without speaking", "active", 4020, func(c *client) {
			for range 101 {
				c.say("x")
				c.advance(20 * time.Millisecond)
				for _, r := range c.relay.Reports() {
					c.core.HandleReport(c.now, r)
				}
			}
			c.settle()
		}},
		{"120 messages in a minute, and one", "active", 4021, func(c *client) {
			for range 119 { // identify and select protocol count
				c.beat()
			}
		}},
		{"120 pings in a minute, and one", "active", 4021, func(c *client) {
			for range 118 {
				require.True(c.t, c.conn.Ping(c.now))
			}
			require.False(c.t, c.conn.Ping(c.now))
			require.False(c.t, c.conn.Ping(c.now))
			c.settle()
		}},
		{"no channel any more", "active", 4022, func(c *client) { c.core.Destroy(c.now, guild, channel); c.settle() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newHarness(t)
			c := s.join(1)
			c.connect()
			if tt.after != "hello" {
				c.identify()
			}
			if tt.after == "active" {
				c.discover()
				c.selectProtocol(rtp.AES256GCM)
			}
			require.Zero(t, c.close)
			tt.do(c)
			require.Equal(t, tt.code, c.close)
			code, why, closed := c.conn.Closed()
			require.True(t, closed)
			require.Equal(t, tt.code, code)
			require.NotEmpty(t, why)
			require.Equal(t, 1, s.core.Stats().Closes[tt.code])
			require.Zero(t, s.core.Stats().Open)
			c.conn.Receive(s.now, []byte(`{"op":3,"d":{"t":1}}`), false)
			c.conn.HandleTimeout(s.now.Add(time.Hour))
			c.conn.Lost(s.now, 1006)
			_, more := c.conn.Next()
			require.False(t, more, "nothing after the close frame")
			require.True(t, c.conn.NextDeadline().IsZero())
		})
	}
}

func TestE2EERequired(t *testing.T) {
	s := newHarness(t, signaling.WithE2EERequired())
	c := s.join(1)
	c.connect()
	c.send(`{"op":0,"d":{"server_id":"%d","user_id":"1","session_id":"session-1","token":"%s"}}`, guild, c.token)
	require.EqualValues(t, 4017, c.close)
	c.connect()
	c.identify()
	require.Zero(t, c.close)
}

func TestVersions(t *testing.T) {
	s := newHarness(t)
	for _, version := range []string{"", "3", "9", "10", "x", "a very long version that nobody wants to read in a log"} {
		c := s.join(1)
		c.conn = s.core.Accept(s.now, version)
		s.settle()
		require.EqualValues(t, 4012, c.close, version)
		require.Empty(t, c.take())
	}
	for version := '4'; version <= '8'; version++ {
		c := s.join(1)
		c.conn = s.core.Accept(s.now, string(version))
		s.settle()
		require.Equal(t, []string{fmt.Sprintf(`8 {"v":%c,"heartbeat_interval":13750}`, version)}, c.take())
		if version < '8' {
			c.send(`{"op":3,"d":1501184119561}`)
			require.Equal(t, []string{`6 1501184119561`}, c.take())
		} else {
			c.send(`{"op":3,"d":{"t":1501184119561,"seq_ack":10}}`)
			require.Equal(t, []string{`6 {"t":1501184119561}`}, c.take())
		}
	}
	require.Len(t, s.core.Violations(), 6)
	require.Zero(t, s.core.Violations()[0].User)
}

// Messages of video and statistics are no errors: some clients send them.
func TestUndocumentedOpcodes(t *testing.T) {
	c := newHarness(t).call(1)
	for _, op := range []int{12, 14, 15, 16, 20} {
		c.send(`{"op":%d,"d":{}}`, op)
	}
	c.send(`{"op":23,"d":{"transition_id":0}}`) // the call is not encrypted end to end
	require.Zero(t, c.close)
}

func TestIdentifyReplaces(t *testing.T) {
	s := newHarness(t)
	a, b := s.call(1), s.call(2)
	first, ssrc := *a, a.ready.SSRC
	s.clients = append(s.clients, &first)
	a.connect()
	a.identify()
	require.EqualValues(t, 4014, first.close)
	require.NotEqual(t, ssrc, a.ready.SSRC)
	require.Contains(t, b.take(), `13 {"user_id":"1"}`)
	a.discover()
	a.selectProtocol(rtp.XChaCha20Poly1305)
	require.Equal(t, []string{`11 {"user_ids":["1"]}`}, b.take())
	require.Equal(t, 2, s.core.Stats().Sessions)
}

func TestSelectTwice(t *testing.T) {
	s := newHarness(t)
	a, b := s.call(1), s.call(2)
	b.take()
	first := a.key
	a.addr = mustAddr("198.51.100.9:9")
	a.discover()
	a.selectProtocol(rtp.AES256GCM)
	require.NotEqual(t, first, a.key, "it starts to count nonces anew")
	second := a.key
	b.speak(1)
	b.say("new address")
	require.Equal(t, []string{"new address"}, a.heardPayloads())
	a.selectProtocol(rtp.XChaCha20Poly1305)
	require.NotEqual(t, second, a.key)
	b.say("new key")
	require.Equal(t, []string{"new key"}, a.heardPayloads())
	a.say("both ways")
	require.Equal(t, []string{"both ways"}, b.heardPayloads())
	require.Empty(t, b.take(), "nobody else cares")
}

// Audio and Speaking before one's own turn.
func TestSpeakingBeforeSelect(t *testing.T) {
	s := newHarness(t)
	a := s.call(1)
	a.take()
	b := s.join(2)
	b.connect()
	b.identify()
	b.speak(4)
	require.Empty(t, a.take(), "b is not there yet")
	b.discover()
	b.selectProtocol(rtp.AES256GCM)
	require.Equal(t, []string{`11 {"user_ids":["2"]}`, fmt.Sprintf(`5 {"speaking":4,"delay":0,"ssrc":%d,"user_id":"2"}`, b.ready.SSRC)}, a.take())
}
