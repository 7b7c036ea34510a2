package signaling_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/lvsp"
	"github.com/discordpkg/gateway/voiceserver/relay"
	"github.com/discordpkg/gateway/voiceserver/signaling"
	"github.com/stretchr/testify/require"
)

func TestModes(t *testing.T) {
	s := newHarness(t, signaling.WithModes("aead_xchacha20_poly1305_rtpsize"))
	c := s.join(1)
	c.connect()
	c.identify()
	require.Equal(t, []string{"aead_xchacha20_poly1305_rtpsize"}, c.ready.Modes)
	c.selectProtocol(rtp.AES256GCM)
	require.EqualValues(t, 4016, c.close)
}

func TestMessageSize(t *testing.T) {
	s := newHarness(t, signaling.WithMessageSize(4096))
	c := s.call(1)
	c.send(`{"op":3,"d":{"t":1},"x":"%04060d"}`, 0)
	require.Zero(t, c.close)
	c.send(`{"op":3,"d":{"t":1},"x":"%04096d"}`, 0)
	require.EqualValues(t, 4002, c.close)
}

func TestRecord(t *testing.T) {
	for keep, want := range map[int]int{0: 0, 3: 3} {
		s := newHarness(t, signaling.WithRecord(keep))
		for range 5 {
			c := s.join(1)
			c.connect()
			c.send(`{"op":99}`)
			s.advance(time.Second)
		}
		require.Len(t, s.core.Violations(), want)
		require.Equal(t, 5, s.core.Stats().Violations)
		for i, v := range s.core.Violations() {
			require.Equal(t, epoch.Add(time.Duration(2+i)*time.Second), v.At, "the last of them")
		}
	}
}

// A value that makes no sense is an error that names the option, and is not
// taken for another value.
func TestBadOptions(t *testing.T) {
	ports := []netip.AddrPort{port}
	for name, option := range map[string]signaling.Option{
		"WithHeartbeat":    signaling.WithHeartbeat(0, time.Second),
		"WithHeartbeat: i": signaling.WithHeartbeat(time.Second, -1),
		"WithLoginTimeout": signaling.WithLoginTimeout(0),
		"WithSessionLife":  signaling.WithSessionLife(-1),
		"WithMessageRate":  signaling.WithMessageRate(0),
		"WithMessageSize":  signaling.WithMessageSize(4095),
		"WithReplay":       signaling.WithReplay(1<<15+1, 0),
		"WithReplay: -1":   signaling.WithReplay(-1, 0),
		"WithReplay: 0":    signaling.WithReplay(0, -1),
		"WithChannelSize":  signaling.WithChannelSize(0),
		"WithModes":        signaling.WithModes("xsalsa20_poly1305"),
		"WithModes: []":    signaling.WithModes(),
		"WithDelivery":     signaling.WithDelivery(nil),
		"WithRandom":       signaling.WithRandom(nil),
		"WithRecord":       signaling.WithRecord(-1),
		"WithTokenKey":     signaling.WithTokenKey(lvsp.TokenKey{}, 0),
	} {
		_, err := signaling.New(ports, option)
		require.ErrorContains(t, err, "signaling: "+name)
	}
	_, err := signaling.New(nil)
	require.Error(t, err)
	for name, option := range map[string]relay.Option{
		"WithPacketRate": relay.WithPacketRate(0),
		"WithNonces":     relay.WithNonces(0),
	} {
		_, err := relay.New(option)
		require.ErrorContains(t, err, "relay: "+name)
	}
}
