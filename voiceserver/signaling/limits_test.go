package signaling_test

import (
	"testing"

	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/voiceserver/signaling"
	"github.com/stretchr/testify/require"
)

// Messages of text are small; binary ones are as large as MLS needs.
func TestTextIsSmall(t *testing.T) {
	s := newHarness(t, withFake(nil))
	c := s.call(1)
	c.sendBinary(opcode.DAVEKeyPackage, string(make([]byte, 100<<10)))
	require.Zero(t, c.close)
	c.send(`{"op":3,"d":{"t":1},"x":"%04096d"}`, 0)
	require.EqualValues(t, 4002, c.close)
}

// A member that connects again may not send more messages.
func TestMessagesAreCountedPerMember(t *testing.T) {
	s := newHarness(t, signaling.WithMessageRate(20))
	c := s.call(1)
	sent := 0
	for ; c.close != 4021; sent++ {
		require.Less(t, sent, 30)
		if sent%4 == 3 {
			c.lose()
			c.connect()
			c.resume()
		} else {
			c.beat()
		}
	}
	c.connect()
	c.resume()
	require.EqualValues(t, 4021, c.close)
}
