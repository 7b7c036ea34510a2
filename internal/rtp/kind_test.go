package rtp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestKindOf(t *testing.T) {
	packet := func(first, second byte, size int) []byte {
		b := make([]byte, size)
		b[0], b[1] = first, second
		return b
	}
	request, answer := AppendDiscoveryRequest(nil, 1), discovered("192.0.2.7:50000")
	wrongLength := AppendDiscoveryRequest(nil, 1)
	wrongLength[3]++
	wrongType := AppendDiscoveryRequest(nil, 1)
	wrongType[1] = 3
	for _, tt := range []struct {
		name string
		b    []byte
		want Kind
	}{
		{"nothing", nil, KindUnknown},
		{"one byte", []byte{0x80}, KindUnknown},
		{"audio", packet(0x80, 0x78, 100), KindRTP},
		{"audio of the size of a discovery", packet(0x80, 0x78, DiscoverySize), KindRTP},
		{"audio with everything", packet(0xbf, 0xf8, 100), KindRTP},
		{"the shortest packet", packet(0x80, 0x78, 32), KindRTP},
		{"no room for a tag", packet(0x80, 0x78, 31), KindUnknown},
		{"type 71 and a marker", packet(0x80, 199, 100), KindRTP},
		{"a sender report", packet(0x80, 200, 100), KindRTCP},
		{"extended reports", packet(0x81, 207, 40), KindRTCP},
		{"type 80 and a marker", packet(0x80, 208, 100), KindRTP},
		{"type 72 without a marker", packet(0x80, 72, 100), KindRTP},
		{"a request", request, KindDiscoveryRequest},
		{"an answer", answer, KindDiscoveryResponse},
		{"half an answer", answer[:40], KindUnknown},
		{"a discovery of another length", wrongLength, KindUnknown},
		{"a discovery of another type", wrongType, KindUnknown},
		{"version 1", packet(0x40, 0x78, 100), KindUnknown},
		{"version 3, as DTLS has", packet(0xc0, 0x78, 100), KindUnknown},
		{"seven bytes", packet(0x80, 200, 7), KindUnknown},
	} {
		require.Equal(t, tt.want, KindOf(tt.b), tt.name)
	}
}

// TestEveryKeepaliveIsOne: the low byte of the counter comes first, and is
// 0x80, 0x78 and so on from time to time.
func TestEveryKeepaliveIsOne(t *testing.T) {
	now := epoch
	var k Keepalive
	k.Start(now)
	for range 1 << 16 {
		b := k.HandleTimeout(now, nil)
		if KindOf(b) != KindKeepalive {
			t.Fatalf("%x is taken for %s", b, KindOf(b))
		}
		now = now.Add(KeepaliveInterval)
	}
}

func TestKindString(t *testing.T) {
	require.Equal(t, "RTP", KindRTP.String())
	require.Equal(t, "keepalive", KindKeepalive.String())
	require.Equal(t, "unknown", Kind(200).String())
}

var epoch = time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)
