package rtp

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzHeader: what can be read can be written, and is the same again.
func FuzzHeader(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add([]byte(v.Sealed[:min(len(v.Sealed), 100)]))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		given := slices.Clone(b)
		var h Header
		n, err := h.Unmarshal(b)
		require.Equal(t, given, b, "reading changes nothing")
		if err != nil {
			require.Equal(t, Header{}, h)
			return
		}
		require.Equal(t, h.Size(), n)
		if likeRTCP(h.PayloadType) {
			return
		}
		out := make([]byte, n)
		_, err = h.MarshalTo(out)
		require.NoError(t, err)
		require.Equal(t, b[:n], out)
	})
}

// FuzzPacket: the parts of a packet are the whole of it.
func FuzzPacket(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add([]byte(v.Plain[:min(len(v.Plain), 300)]))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var p Packet
		if err := p.Unmarshal(b); err != nil {
			require.Equal(t, Packet{}, p)
			return
		}
		require.Equal(t, len(b), p.Size())
		if likeRTCP(p.PayloadType) {
			return
		}
		out := make([]byte, p.Size())
		_, err := p.MarshalTo(out)
		require.NoError(t, err)
		kept := len(b) - int(p.PaddingSize)
		require.Equal(t, b[:kept], out[:kept], "all but what fills the padding")
		var again Packet
		require.NoError(t, again.Unmarshal(out))
		require.Equal(t, p, again)
	})
}

// FuzzOpen: nothing that was not sealed opens, and what was sealed does.
func FuzzOpen(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add([]byte(v.Sealed[:min(len(v.Sealed), 300)]), uint32(7), v.Mode == AES256GCM)
		f.Add([]byte(v.Plain[:min(len(v.Plain), 300)]), v.Nonce, v.Mode == AES256GCM)
	}
	f.Fuzz(func(t *testing.T, b []byte, nonce uint32, aes bool) {
		mode := XChaCha20Poly1305
		if aes {
			mode = AES256GCM
		}
		o := newOpener(t, mode)
		_, err := o.Open(slices.Clone(b))
		require.Error(t, err)

		s := newSealer(t, mode, Nonces{Next: nonce, Left: 1})
		sealed, err := s.Seal(slices.Clone(b))
		if err != nil {
			require.EqualValues(t, 1, s.Nonces().Left)
			return
		}
		require.Len(t, sealed, len(b)+Overhead)
		require.Equal(t, KindRTP, KindOf(sealed))
		plain, err := o.Open(sealed)
		require.NoError(t, err)
		require.Equal(t, b, plain)
	})
}

// FuzzDiscovery: what parses is an address that another server would send.
func FuzzDiscovery(f *testing.F) {
	f.Add(AppendDiscoveryRequest(nil, testSSRC))
	for _, addr := range []string{"192.0.2.7:50000", "[2001:db8::1]:443", "[::ffff:192.0.2.7]:80"} {
		f.Add(discovered(addr))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if ssrc, err := ParseDiscoveryRequest(b); err == nil {
			require.Equal(t, KindDiscoveryRequest, KindOf(b))
			require.Equal(t, AppendDiscoveryRequest(nil, ssrc)[:addressStart], b[:addressStart])
		}
		ssrc, addr, err := ParseDiscoveryResponse(b)
		if err != nil {
			require.Equal(t, netip.AddrPort{}, addr)
			return
		}
		require.Equal(t, KindDiscoveryResponse, KindOf(b))
		again, same, err := ParseDiscoveryResponse(AppendDiscoveryResponse(nil, ssrc, addr))
		require.NoError(t, err)
		require.Equal(t, ssrc, again)
		require.Equal(t, addr, same)

		var d Discovery
		d.Start(epoch, ssrc, 0, 0)
		require.True(t, d.Handle(b))
		require.Equal(t, addr, d.Addr())
	})
}

// FuzzSamples: a length is a whole number of the shortest frames, and bounded.
func FuzzSamples(f *testing.F) {
	f.Add([]byte("\xf8\xff\xfe"))
	f.Add([]byte("\x83\x30"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := Samples(b)
		if err != nil {
			require.Zero(t, n)
			return
		}
		require.Zero(t, n%120)
		require.Positive(t, n)
		require.LessOrEqual(t, n, MaxSamples)
	})
}
