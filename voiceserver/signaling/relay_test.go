package signaling_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver/relay"
	"github.com/stretchr/testify/require"
)

// What the sender made arrives as it was, in either encryption.
func TestForwardKeepsThePacket(t *testing.T) {
	s := newHarness(t)
	a := s.call(1)
	b := s.join(2)
	b.connect()
	b.identify()
	b.discover()
	b.selectProtocol(rtp.XChaCha20Poly1305)
	for name, p := range map[string]rtp.Packet{
		"plain":        {Payload: []byte("opus")},
		"marker":       {Header: rtp.Header{Marker: true}, Payload: []byte("opus")},
		"empty":        {},
		"padding":      {Payload: []byte("opus"), PaddingSize: 200},
		"mere padding": {PaddingSize: 1},
		"extension":    {Header: rtp.Header{Extension: true, ExtensionProfile: 0xbede}, ExtensionBody: []byte("12345678"), Payload: []byte("opus")},
		"sources":      {Header: rtp.Header{CSRCCount: 2, CSRC: [15]uint32{7, 8}}, Payload: []byte("opus")},
		"everything":   {Header: rtp.Header{Marker: true, Extension: true, CSRCCount: 15}, ExtensionBody: []byte("1234"), Payload: []byte("opus"), PaddingSize: 255},
		"a large one":  {Payload: []byte(strings.Repeat("x", 1352))},
	} {
		h := a.rtp.Next(960)
		p.PayloadType, p.Sequence, p.Timestamp, p.SSRC = 120, h.Sequence, h.Timestamp, h.SSRC
		a.datagram(a.addr, a.packet(p))
		require.Len(t, b.heard, 1, name)
		got := b.heard[0]
		require.Equal(t, p.PaddingSize, got.PaddingSize, name)
		p.Padding, p.ExtensionWords = got.Padding, got.ExtensionWords
		require.Equal(t, p.Header, got.Header, name)
		require.Equal(t, string(p.ExtensionBody)+string(p.Payload), string(got.ExtensionBody)+string(got.Payload), name)
		b.heard = nil
	}
}

func TestDroppedDatagrams(t *testing.T) {
	s := newHarness(t)
	a, b := s.call(1), s.call(2)
	c := s.join(3)
	c.connect()
	c.identify()
	packet := func() []byte { return a.packet(rtp.Packet{Header: a.rtp.Next(960), Payload: []byte("opus")}) }
	for _, tt := range []struct {
		name  string
		data  func() []byte
		count func(relay.Stats) uint64
	}{
		{"nothing", func() []byte { return nil }, func(r relay.Stats) uint64 { return r.Unknown }},
		{"garbage", func() []byte { return []byte("GET / HTTP/1.1\r\n") }, func(r relay.Stats) uint64 { return r.Unknown }},
		{"too large", func() []byte { p := packet(); return append(p, make([]byte, 1401-len(p))...) }, func(r relay.Stats) uint64 { return r.TooLarge }},
		{"as large as may be", func() []byte { p := packet(); return append(p, make([]byte, 1400-len(p))...) }, func(r relay.Stats) uint64 { return r.Forged }},
		{"RTCP", func() []byte { return append([]byte{0x80, 200}, make([]byte, 50)...) }, func(r relay.Stats) uint64 { return r.RTCP }},
		{"of an unknown sender", func() []byte { p := packet(); binary.BigEndian.PutUint32(p[8:], 7); return p }, func(r relay.Stats) uint64 { return r.Unknown }},
		{"of a sender without a key", func() []byte { p := packet(); binary.BigEndian.PutUint32(p[8:], c.ready.SSRC); return p }, func(r relay.Stats) uint64 { return r.Unknown }},
		{"in the name of another", func() []byte { p := packet(); binary.BigEndian.PutUint32(p[8:], b.ready.SSRC); return p }, func(r relay.Stats) uint64 { return r.Forged }},
		{"changed", func() []byte { p := packet(); p[20] ^= 1; return p }, func(r relay.Stats) uint64 { return r.Forged }},
		{"changed in the header", func() []byte { p := packet(); p[1] ^= 0x80; return p }, func(r relay.Stats) uint64 { return r.Forged }},
		{"twice", func() []byte { p := packet(); a.datagram(a.addr, p); return p }, func(r relay.Stats) uint64 { return r.Repeated }},
		{"discovery of an unknown source", func() []byte { return rtp.AppendDiscoveryRequest(nil, 7) }, func(r relay.Stats) uint64 { return r.Unknown }},
		{"an answer to discovery", func() []byte { return rtp.AppendDiscoveryResponse(nil, a.ready.SSRC, a.addr) }, func(r relay.Stats) uint64 { return r.Unknown }},
	} {
		data := tt.data()
		b.heard, a.others, b.others, c.others = nil, nil, nil, nil
		before := tt.count(s.relay.Stats())
		s.datagram(a.addr, data)
		require.Equal(t, before+1, tt.count(s.relay.Stats()), tt.name)
		require.Empty(t, b.heard, tt.name)
		require.Empty(t, append(append(a.others, b.others...), c.others...), tt.name)
	}
}

// Nothing but answers is sent to an address of which nobody knows whose it is.
func TestAddresses(t *testing.T) {
	s := newHarness(t)
	a := s.call(1)
	b := s.join(2)
	b.connect()
	b.identify()
	b.selectProtocol(rtp.AES256GCM) // without discovery
	a.say("1")
	require.Empty(t, b.heardPayloads(), "it may have named somebody else's address")
	require.EqualValues(t, 1, s.relay.Stats().Unconfirmed)
	b.discover()
	a.say("2")
	require.Equal(t, []string{"2"}, b.heardPayloads(), "it is where it says")

	real := b.addr
	b.addr = mustAddr("203.0.113.1:9")
	b.discover()
	a.say("3")
	require.Empty(t, b.heardPayloads(), "anybody can ask in its name")
	b.say("here")
	a.say("4")
	require.Equal(t, []string{"4"}, b.heardPayloads(), "an authentic packet moves it")
	b.addr = real
	b.say("back")
	a.say("5")
	require.Equal(t, []string{"5"}, b.heardPayloads())

	c := s.join(3)
	c.connect()
	c.identify()
	c.addr = mustAddr("[::ffff:198.51.100.77]:7")
	c.discover()
	c.addr = mustAddr("198.51.100.77:7") // the same, as the answer says it
	require.Empty(t, c.others)
	c.discover()
	_, addr, err := rtp.ParseDiscoveryResponse(c.others[0])
	require.NoError(t, err)
	require.Equal(t, c.addr, addr)
	c.selectProtocol(rtp.AES256GCM)
	a.say("6")
	require.Equal(t, []string{"6"}, c.heardPayloads())
}

// A packet that is sent once more from elsewhere does not take the audio there.
func TestReplayDoesNotMove(t *testing.T) {
	s := newHarness(t)
	a, b := s.call(1), s.call(2)
	p := b.packet(rtp.Packet{Header: b.rtp.Next(960), Payload: []byte("opus")})
	s.datagram(b.addr, p)
	s.datagram(mustAddr("203.0.113.66:6"), p)
	a.say("secret")
	require.Equal(t, []string{"secret"}, b.heardPayloads())
}

func TestKeepalive(t *testing.T) {
	s := newHarness(t)
	a := s.call(1)
	a.others = nil
	beat := []byte{1, 2, 3, 4, 5, 6, 7, 8}
	a.datagram(a.addr, beat)
	require.Equal(t, [][]byte{beat}, a.others)
	a.datagram(mustAddr("203.0.113.66:6"), beat)
	require.EqualValues(t, 1, s.relay.Stats().Keepalives, "not to strangers: servers could echo to each other for ever")
	for range 100 {
		a.datagram(a.addr, beat)
	}
	require.EqualValues(t, 21, s.relay.Stats().Keepalives)

	// Two clients behind one socket: one of them leaves.
	b := s.join(2)
	b.addr = a.addr
	b.connect()
	b.identify()
	b.discover()
	b.selectProtocol(rtp.AES256GCM)
	s.core.Leave(s.now, guild, 1)
	s.settle()
	s.advance(time.Second)
	b.datagram(b.addr, beat)
	require.EqualValues(t, 22, s.relay.Stats().Keepalives)
	s.core.Leave(s.now, guild, 2)
	s.settle()
	s.datagram(a.addr, beat)
	require.EqualValues(t, 22, s.relay.Stats().Keepalives)
}

func TestPacketRate(t *testing.T) {
	s := newHarness(t, relay.WithPacketRate(50))
	a, b := s.call(1), s.call(2)
	for range 100 {
		a.say("x")
	}
	require.Len(t, b.heardPayloads(), 26, "half a second's worth at once")
	require.EqualValues(t, 74, s.relay.Stats().Limited)
	for range 100 {
		s.advance(20 * time.Millisecond)
		a.say("x")
	}
	require.Len(t, b.heardPayloads(), 100)

	// Forged packets do not use up what the sender may send.
	for range 1000 {
		p := a.packet(rtp.Packet{Header: a.rtp.Next(960)})
		p[15] ^= 1
		s.datagram(mustAddr("203.0.113.66:6"), p)
	}
	require.EqualValues(t, 21, s.relay.Stats().Forged)
	s.advance(20 * time.Millisecond)
	a.say("still here")
	require.Equal(t, []string{"still here"}, b.heardPayloads())
	for range 100 {
		a.discover()
	}
	require.Less(t, s.relay.Stats().Discoveries, uint64(30))
}

func TestBitrate(t *testing.T) {
	s := newHarness(t)
	a, b := s.call(1), s.call(2)
	require.True(t, s.core.SetBitrate(channel, 64_000))
	s.settle()
	frame := strings.Repeat("x", 64_000/8/50) // of 20 ms
	for range 500 {
		a.say(frame)
		s.advance(20 * time.Millisecond)
	}
	require.Len(t, b.heardPayloads(), 500)
	a.beat()
	b.beat()
	for range 500 {
		a.say(frame + frame)
		s.advance(20 * time.Millisecond)
	}
	require.InDelta(t, 380, len(b.heardPayloads()), 40)
	require.True(t, s.core.SetBitrate(channel, -1))
	s.settle()
	for range 100 {
		a.say(frame + frame)
	}
	require.Len(t, b.heardPayloads(), 100)
}

// A session whose nonces are used up is asked to start again: the same nonce
// is never used twice.
func TestNoncesRunOut(t *testing.T) {
	s := newHarness(t, relay.WithNonces(3))
	a, b := s.call(1), s.call(2)
	a.speak(1)
	for range 5 {
		a.say("x")
	}
	require.Len(t, b.heardPayloads(), 3)
	reports := s.relay.Reports()
	require.Equal(t, []relay.Report{{SSRC: b.ready.SSRC, Kind: relay.ReportWornOut}}, reports)
	require.Empty(t, s.relay.Reports())
	s.core.HandleReport(s.now, reports[0])
	s.core.HandleReport(s.now, reports[0]) // it is late
	s.settle()
	require.EqualValues(t, 4006, b.close)
	b.connect()
	b.identify()
	b.discover()
	b.selectProtocol(rtp.AES256GCM)
	a.say("y")
	require.Equal(t, []string{"y"}, b.heardPayloads())
}

// Speaking may be a little later than the audio it announces.
func TestSpeakingComesLate(t *testing.T) {
	s := newHarness(t)
	a, b := s.call(1), s.call(2)
	for range 101 {
		a.say("x")
		s.advance(20 * time.Millisecond)
	}
	require.Len(t, b.heardPayloads(), 101)
	reports := s.relay.Reports()
	require.Equal(t, []relay.Report{{SSRC: a.ready.SSRC, Kind: relay.ReportUnannounced}}, reports)
	a.speak(1)
	s.core.HandleReport(s.now, reports[0])
	s.settle()
	require.Zero(t, a.close, "they met on the way")
}

func TestUnknownMode(t *testing.T) {
	r, err := relay.New()
	require.NoError(t, err)
	require.Error(t, r.Apply(relay.Route{SSRC: 1, Mode: "rot13"}))
	require.NoError(t, r.Apply(relay.Route{SSRC: 2, Gone: true}))
}

// Many calls on one relay do not hear each other.
func TestCallsAreApart(t *testing.T) {
	s := newHarness(t)
	var all []*client
	for room := range 3 {
		for n := range 3 {
			all = append(all, s.callIn(snowflake.ID(1+10*room+n), snowflake.ID(300+room)))
		}
	}
	for i, c := range all {
		c.say(fmt.Sprint(i))
	}
	for i, c := range all {
		first := i / 3 * 3
		var want []string
		for j := first; j < first+3; j++ {
			if j != i {
				want = append(want, fmt.Sprint(j))
			}
		}
		require.Equal(t, want, c.heardPayloads())
	}
}
