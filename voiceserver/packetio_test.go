package voiceserver

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/voiceserver/relay"
	"github.com/stretchr/testify/require"
)

func listenUDP(t testing.TB, network, host string) (*net.UDPConn, netip.AddrPort) {
	t.Helper()
	conn, err := net.ListenUDP(network, &net.UDPAddr{IP: net.ParseIP(host)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetReadBuffer(socketBuffer))
	return conn, conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

// ways are all ways to use a socket.
var ways = map[string]func(*net.UDPConn) packetIO{
	"batched":  func(c *net.UDPConn) packetIO { return newBatched(c) },
	"oneByOne": func(c *net.UDPConn) packetIO { return oneByOne{c} },
	"anyConn":  func(c *net.UDPConn) packetIO { return anyConn{c} },
}

// More datagrams than fit into a batch, one of which cannot be sent, arrive
// whole and in order.
func TestPacketIO(t *testing.T) {
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			from, fromAddr := listenUDP(t, "udp4", "127.0.0.1")
			to, toAddr := listenUDP(t, "udp4", "127.0.0.1")
			var out []relay.Datagram
			for i := range 100 {
				at := toAddr
				if i == 50 {
					at = netip.AddrPortFrom(at.Addr(), 0)
				}
				out = append(out, relay.Datagram{To: at, Data: fmt.Appendf(nil, "datagram %d", i)})
			}
			way(from).send(out)
			in, receiver := newInbox(), way(to)
			require.NoError(t, to.SetReadDeadline(time.Now().Add(20*time.Second)))
			for i := 0; i < 100; {
				n, err := receiver.receive(in)
				require.NoError(t, err)
				for _, d := range in[:n] {
					if i == 50 {
						i++
					}
					require.Equal(t, fmt.Sprint("datagram ", i), string(d.data))
					require.Equal(t, fromAddr, netip.AddrPortFrom(d.from.Addr().Unmap(), d.from.Port()))
					i++
				}
			}
			receiver.close()
			_, err := receiver.receive(in)
			require.ErrorIs(t, err, net.ErrClosed)
			receiver.send(out)
		})
	}
}

func TestPacketIOOf(t *testing.T) {
	v4, _ := listenUDP(t, "udp4", "127.0.0.1")
	require.IsType(t, &batched{}, newPacketIO(v4))
	require.IsType(t, anyConn{}, newPacketIO(struct{ net.PacketConn }{v4}))
	if v6, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv6unspecified}); err == nil {
		defer v6.Close()
		require.IsType(t, oneByOne{}, newPacketIO(v6))
	}
}

// BenchmarkPort is a packet on its way through the sockets: received, opened,
// sealed for four others, and sent.
func BenchmarkPort(b *testing.B) {
	for name, way := range ways {
		b.Run(name, func(b *testing.B) { benchmarkPort(b, way) })
	}
}

func benchmarkPort(b *testing.B, way func(*net.UDPConn) packetIO) {
	socket, at := listenUDP(b, "udp4", "127.0.0.1")
	sender, sendsFrom := listenUDP(b, "udp4", "127.0.0.1")
	audio, err := relay.New(relay.WithPacketRate(1_000_000_000))
	require.NoError(b, err)
	var out relay.Batch
	packets := make([]relay.Datagram, 32)
	var key [rtp.KeySize]byte
	for ssrc := range uint32(5) {
		_, addr := listenUDP(b, "udp4", "127.0.0.1")
		if ssrc == 0 {
			addr = sendsFrom
		}
		require.NoError(b, audio.Apply(relay.Route{SSRC: ssrc, Channel: 1, User: 1, Mode: string(rtp.AES256GCM), Key: key, Named: addr, Announced: true}))
		audio.Forward(time.Now(), addr, rtp.AppendDiscoveryRequest(nil, ssrc), &out) // confirms the address
	}
	sealer, err := rtp.NewSealer(rtp.AES256GCM, key[:], rtp.ClientNonces())
	require.NoError(b, err)
	var stream rtp.Stream
	in, server := newInbox(), way(socket)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		for i := range packets {
			p := rtp.Packet{Header: stream.Next(960), Payload: make([]byte, 160)}
			data := make([]byte, p.Size(), p.Size()+rtp.Overhead)
			_, _ = p.MarshalTo(data)
			data, _ = sealer.Seal(data)
			packets[i] = relay.Datagram{To: at, Data: data}
		}
		oneByOne{sender}.send(packets)
		b.StartTimer()
		for got := 0; got < len(packets); {
			n, err := server.receive(in)
			require.NoError(b, err)
			for _, d := range in[:n] {
				audio.Forward(time.Now(), d.from, d.data, &out)
			}
			server.send(out.Datagrams())
			out.Reset()
			got += n
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(packets)), "ns/packet")
	require.EqualValues(b, 4*len(packets)*b.N, audio.Stats().Forwarded)
}
