package signaling_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/voiceserver/relay"
	"github.com/discordpkg/gateway/voiceserver/signaling"
	"github.com/stretchr/testify/require"
)

// A client that is always a little behind costs what it is behind, not what it
// ever got.
func TestAlwaysBehind(t *testing.T) {
	s := newHarness(t, signaling.WithMessageRate(1<<20))
	a := s.call(1)
	a.beat()
	for range 2000 {
		a.conn.Receive(s.now, []byte(`{"op":3,"d":{"t":1}}`), false)
		a.conn.Receive(s.now, []byte(`{"op":3,"d":{"t":1}}`), false)
		for range 2 {
			_, ok := a.conn.Next()
			require.True(t, ok)
		}
		if s.now == epoch {
			a.conn.Receive(s.now, []byte(`{"op":3,"d":{"t":1}}`), false)
			s.now = s.now.Add(1)
		}
	}
	require.Less(t, a.conn.Queue(), 100)
}

// What a connection that ends may still be sent does not keep it for minutes.
func TestLastWords(t *testing.T) {
	e2ee := &fakeDelivery{}
	s := newHarness(t, signaling.WithMessageRate(1<<20), withFake(e2ee))
	a, b := s.call(1), s.call(2)
	s.core.Stall(s.now, 1, 0)
	payload := fmt.Sprintf("%0200000d", 0)
	b.sendBinary(opcode.DAVEKeyPackage, payload)
	s.core.Close(s.now, 1, 4015)
	f, ok := a.conn.Next()
	require.True(t, ok)
	require.Equal(t, signaling.FrameClose, f.Kind)
	_, ok = a.conn.Next()
	require.False(t, ok)
	a.close = 4015
	a.connect()
	a.resume()
	var got int
	for _, m := range a.take() {
		got += len(m)
	}
	require.Greater(t, got, 200_000, "it comes with the resume")
}

// Errors quote what clients sent, however much that is.
func TestRecordIsBounded(t *testing.T) {
	s := newHarness(t)
	a := s.call(1)
	a.send(`{"op":5,"d":{"speaking":%s}}`, strings.Repeat("9", 200_000))
	require.EqualValues(t, 4002, a.close)
	violations := s.core.Violations()
	require.Len(t, violations, 1)
	require.LessOrEqual(t, len(violations[0].Text), 256)
	_, why, _ := a.conn.Closed()
	require.LessOrEqual(t, len(why), 256)
}

// Those who only connect keep nobody out.
func TestStrangersMakeRoom(t *testing.T) {
	s := newHarness(t)
	a := s.call(1)
	var strangers []*signaling.Conn
	for range 600 {
		strangers = append(strangers, s.core.Accept(s.now, "8"))
		s.core.Accept(s.now, "3")
	}
	for i, c := range strangers {
		_, why, closed := c.Closed()
		require.Equal(t, i < len(strangers)-256, closed, i)
		if closed {
			require.Equal(t, "made room for others", why)
		}
	}
	b := s.call(2)
	require.NotZero(t, b.ready.SSRC)
	require.Zero(t, a.close)
	require.False(t, a.cut)
	require.Equal(t, 2+255, s.core.Stats().Open)
}

// A client is told to start again when its nonces are used up, whatever the
// relay had to say of it before.
func TestReportsOfBothKinds(t *testing.T) {
	s := newHarness(t, relay.WithNonces(3))
	a, b := s.call(1), s.call(2)
	a.speak(1)
	b.say("not announced")
	s.advance(3 * time.Second)
	b.say("not announced")
	require.Equal(t, []relay.Report{{SSRC: b.ready.SSRC, Kind: relay.ReportUnannounced}}, s.relay.Reports())
	b.speak(1) // they meet on the way
	for range 5 {
		a.say("x")
	}
	require.Equal(t, []relay.Report{{SSRC: b.ready.SSRC, Kind: relay.ReportWornOut}}, s.relay.Reports())
}

// Who floods the relay in the name of another keeps that one neither from
// moving nor from finding its address.
func TestFloodInAnothersName(t *testing.T) {
	s := newHarness(t)
	a, b := s.call(1), s.call(2)
	forged := b.packet(rtp.Packet{Header: b.rtp.Next(960), Payload: []byte("opus")})
	forged[len(forged)-1] ^= 1
	for port := range uint16(1000) {
		from := netip.AddrPortFrom(netip.MustParseAddr("203.0.113.66"), 1+port)
		s.datagram(from, slices.Clone(forged))
	}
	require.EqualValues(t, 21, s.relay.Stats().Forged, "work that strangers can make is bounded")
	b.addr = mustAddr("198.51.100.8:7")
	b.discover()
	require.Len(t, b.others, 2, "the second from here")
	b.say("here")
	a.say("there")
	require.Equal(t, []string{"there"}, b.heardPayloads())
	require.Equal(t, []string{"here"}, a.heardPayloads())
}
