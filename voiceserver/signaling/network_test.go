package signaling_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/discordpkg/gateway/voiceserver/relay"
	"github.com/stretchr/testify/require"
)

// stream sends 1000 packets over a bad network, and returns what is heard.
func stream(t *testing.T, n relay.Network) (s *harness, heard []string, padded int) {
	s = newHarness(t, relay.WithSeed(7))
	a, b := s.call(1), s.call(2)
	s.relay.SetNetwork(n, 2)
	for i := range 1000 {
		a.say(fmt.Sprintf("%04d", i))
		s.advance(20 * time.Millisecond)
		if i%400 == 0 {
			a.beat()
			b.beat()
		}
	}
	s.advance(time.Second)
	for _, p := range b.heard {
		if p.PaddingSize > 0 {
			padded++
		}
	}
	return s, b.heardPayloads(), padded
}

func TestPerfectNetwork(t *testing.T) {
	_, heard, padded := stream(t, relay.Network{})
	require.Len(t, heard, 1000)
	require.True(t, slices.IsSorted(heard))
	require.Zero(t, padded)
}

func TestLoss(t *testing.T) {
	s, heard, _ := stream(t, relay.Network{Loss: 0.1})
	require.InDelta(t, 900, len(heard), 40)
	require.EqualValues(t, 1000-len(heard), s.relay.Stats().Lost)
	_, again, _ := stream(t, relay.Network{Loss: 0.1})
	require.Equal(t, heard, again, "the same seed loses the same")
	_, heard, _ = stream(t, relay.Network{Loss: 1})
	require.Empty(t, heard)
}

func TestDuplicates(t *testing.T) {
	_, heard, _ := stream(t, relay.Network{Duplicate: 0.1})
	require.InDelta(t, 1100, len(heard), 40)
	require.Len(t, slices.Compact(heard), 1000)
}

func TestReorder(t *testing.T) {
	_, heard, _ := stream(t, relay.Network{Reorder: 0.1})
	require.Len(t, heard, 1000)
	require.False(t, slices.IsSorted(heard))
	slices.Sort(heard)
	require.Len(t, slices.Compact(heard), 1000)
}

func TestPadding(t *testing.T) {
	_, heard, padded := stream(t, relay.Network{Padding: 0.5})
	require.Len(t, heard, 1000)
	require.InDelta(t, 500, padded, 60)
}

func TestDelay(t *testing.T) {
	s := newHarness(t)
	a, b := s.call(1), s.call(2)
	s.relay.SetNetwork(relay.Network{Delay: 100 * time.Millisecond, Jitter: 50 * time.Millisecond})
	a.say("x")
	s.advance(100*time.Millisecond - 1)
	require.Empty(t, b.heardPayloads())
	s.advance(50 * time.Millisecond)
	require.Len(t, b.heardPayloads(), 1)

	a.say("for somebody who leaves")
	s.core.Leave(s.now, guild, 2)
	s.settle()
	s.advance(time.Second)
	require.Empty(t, b.heardPayloads())
	require.True(t, s.relay.NextDeadline().IsZero())
	s.relay.SetNetwork(relay.Network{})
}

func TestHeldPacketsAreBounded(t *testing.T) {
	s := newHarness(t, relay.WithPacketRate(1_000_000))
	a := s.call(1)
	s.call(2)
	s.relay.SetNetwork(relay.Network{Delay: time.Second, Padding: 1, Duplicate: 1})
	for range 5000 {
		a.say("x")
	}
	require.EqualValues(t, 8192, s.relay.Stats().Delayed)
	require.EqualValues(t, 10_000-8192, s.relay.Stats().Lost)
}
