package signaling_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver/relay"
	"github.com/stretchr/testify/require"
)

// packets returns n packets of one sender.
func (c *client) packets(n int) (packets [][]byte) {
	for range n {
		packets = append(packets, c.packet(rtp.Packet{Header: c.rtp.Next(960), Payload: make([]byte, 160)}))
	}
	return packets
}

func TestForwardDoesNotAllocate(t *testing.T) {
	s := newHarness(t, relay.WithPacketRate(1_000_000))
	a := s.call(1)
	a.speak(1)
	for user := range snowflake.ID(4) {
		s.call(user + 2)
	}
	packets := a.packets(201)
	var out relay.Batch
	i, copies := 0, 0
	allocs := testing.AllocsPerRun(200, func() {
		s.relay.Forward(s.now, a.addr, packets[i], &out)
		copies += len(out.Datagrams())
		out.Reset()
		i++
	})
	require.Zero(t, allocs)
	require.Equal(t, 4*len(packets), copies)
}

// BenchmarkForward is one packet of 20 ms of Opus: opened once, sealed for
// each of the others.
func BenchmarkForward(b *testing.B) {
	for _, mode := range rtp.Modes() {
		for _, others := range []int{1, 4, 24} {
			b.Run(fmt.Sprintf("%s/%d", mode, others), func(b *testing.B) { benchmarkForward(b, mode, others) })
		}
	}
}

func benchmarkForward(b *testing.B, mode rtp.Mode, others int) {
	s := newHarness(new(testing.T), relay.WithPacketRate(1_000_000_000))
	for user := range snowflake.ID(1 + others) {
		c := s.join(user + 1)
		c.connect()
		c.identify()
		c.discover()
		c.selectProtocol(mode)
		c.speak(1)
	}
	a := s.clients[0]
	const round = 1000
	packets := a.packets(round)
	var out relay.Batch
	b.ReportAllocs()
	now, i := s.now, 0
	for b.Loop() {
		if i == round {
			b.StopTimer()
			packets, i = a.packets(round), 0
			b.StartTimer()
		}
		now = now.Add(time.Millisecond)
		s.relay.Forward(now, a.addr, packets[i], &out)
		i++
		if len(out.Datagrams()) != others {
			b.Fatal("not forwarded")
		}
		out.Reset()
	}
}
