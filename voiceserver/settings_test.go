package voiceserver_test

import (
	"testing"
	"time"

	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/voiceserver"
	"github.com/stretchr/testify/require"
)

func TestModes(t *testing.T) {
	s := newStage(t, voiceserver.WithModes("aead_xchacha20_poly1305_rtpsize", "xsalsa20_poly1305"))
	c := s.join(1)
	c.connect()
	c.identify()
	require.Equal(t, []string{"aead_xchacha20_poly1305_rtpsize"}, c.ready.Modes)
	c.selectProtocol(rtp.AES256GCM)
	require.EqualValues(t, 4016, c.close)
}

func TestMessageSize(t *testing.T) {
	s := newStage(t, voiceserver.WithMessageSize(0))
	c := s.call(1)
	c.send(`{"op":3,"d":{"t":1},"x":"%04060d"}`, 0)
	require.Zero(t, c.close, "4 KiB at least")
	c.send(`{"op":3,"d":{"t":1},"x":"%04096d"}`, 0)
	require.EqualValues(t, 4002, c.close)
}

func TestRecord(t *testing.T) {
	for keep, want := range map[int]int{-1: 0, 0: 0, 3: 3} {
		s := newStage(t, voiceserver.WithRecord(keep))
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

// What a relay notices reaches the core behind sockets too.
func TestReportsOverSockets(t *testing.T) {
	srv := newServer(t, voiceserver.WithNonces(2))
	a, b := dial(t, srv, "ws", 1), dial(t, srv, "ws", 2)
	a.call(rtp.AES256GCM)
	b.call(rtp.AES256GCM)
	for range 3 {
		a.say("x")
	}
	require.EqualValues(t, 4006, b.end())
}
