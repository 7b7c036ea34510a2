package signaling_test

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver/relay"
	"github.com/discordpkg/gateway/voiceserver/signaling"
	"github.com/stretchr/testify/require"
)

// FuzzConn lets two members of a call say anything: the server must go on, and
// tell the other one nothing that is not well formed. A message is a byte that
// tells whose it is and of what kind, two bytes of length, and the message.
func FuzzConn(f *testing.F) {
	for _, seed := range []string{
		"\x00\x00\x0b{\"op\":3,\"d\":", "\x01\x00\x02\x1a\x01", "\x00\x00\x15{\"op\":5,\"d\":{\"speaking\":1}}",
		"\x00\x00\x10{\"op\":7,\"d\":null}\x00\x00\x10{\"op\":0,\"d\":null}\x03\x00\x03\x1cab",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		s := newHarness(t, withFake(nil))
		cast := []*client{s.call(1), s.call(2)}
		for len(script) >= 3 {
			c := cast[script[0]&1]
			n := min(int(binary.BigEndian.Uint16(script[1:])), len(script)-3)
			c.conn.Receive(s.now, script[3:3+n], script[0]&2 != 0)
			if script[0]&4 != 0 {
				s.advance(time.Duration(script[0]) * 100 * time.Millisecond)
			}
			script = script[3+n:]
			s.settle() // reads what everybody is told as JSON
		}
		stats := s.core.Stats()
		require.LessOrEqual(t, stats.Sessions, 2)
		require.LessOrEqual(t, stats.Open, 2)
	})
}

// FuzzRelay sends any datagram from any of three addresses: what is not made
// with a key is heard by nobody, and at most one answer comes of it, to where
// it came from, that is no larger.
func FuzzRelay(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8}, uint8(0))
	f.Add(rtp.AppendDiscoveryRequest(nil, 1), uint8(1))
	f.Add(append([]byte{0x90, 0x78, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1}, make([]byte, 40)...), uint8(2))
	f.Add(append([]byte{0x80, 200, 0, 1}, make([]byte, 40)...), uint8(0))
	f.Fuzz(func(t *testing.T, datagram []byte, from uint8) {
		s := newHarness(t)
		a, b := s.call(1), s.call(2)
		addr := []netip.AddrPort{a.addr, b.addr, mustAddr("203.0.113.66:6")}[from%3]
		if len(datagram) >= 12 && from&4 != 0 { // a sender that exists
			binary.BigEndian.PutUint32(datagram[8:], a.ready.SSRC)
		}
		var out relay.Batch
		size := len(datagram)
		s.relay.Forward(s.now, addr, datagram, &out)
		require.Zero(t, s.relay.Stats().Forwarded)
		require.LessOrEqual(t, len(out.Datagrams()), 1)
		for _, d := range out.Datagrams() {
			require.Equal(t, addr, d.To)
			require.LessOrEqual(t, len(d.Data), size)
		}
	})
}

// Random members come, speak, lose their connections, are moved and removed:
// at every moment everybody who is connected knows exactly who else is there.
func TestMembershipModel(t *testing.T) {
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 5))
		s := newHarness(t, signaling.WithMessageRate(100_000))
		cast := make([]*client, 8)
		knows := make([]map[string]bool, 8)
		for range 150 {
			i := rng.IntN(len(cast))
			switch c := cast[i]; {
			case c == nil || c.close != 0:
				s.clients = remove(s.clients, c)
				cast[i], knows[i] = s.callIn(snowflake.ID(i+1), channel+snowflake.ID(rng.IntN(2))), map[string]bool{}
			case rng.IntN(6) == 0:
				s.core.Leave(s.now, guild, c.member.User)
				s.settle()
			case rng.IntN(4) == 0:
				c.lose()
				s.wait(time.Duration(rng.IntN(5)) * time.Second)
				c.connect()
				c.resume()
			default:
				c.speak(rng.IntN(2))
			}
			s.wait(time.Second)
			check(t, cast, knows)
		}
	}
}

func remove(list []*client, c *client) (kept []*client) {
	for _, o := range list {
		if o != c {
			kept = append(kept, o)
		}
	}
	return kept
}

// check follows what each client was told.
func check(t *testing.T, cast []*client, knows []map[string]bool) {
	for i, c := range cast {
		if c == nil || c.close != 0 {
			continue
		}
		follow(t, c, knows[i])
		want := map[string]bool{}
		for j, o := range cast {
			if j != i && o != nil && o.close == 0 && o.member.Channel == c.member.Channel {
				want[o.member.User.String()] = true
			}
		}
		require.Equal(t, want, knows[i], "user %d", i+1)
	}
}
