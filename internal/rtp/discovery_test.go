package rtp

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const testSSRC = 0x01020304

// discovered is an answer to testSSRC.
func discovered(addr string) []byte {
	return AppendDiscoveryResponse(nil, testSSRC, netip.MustParseAddrPort(addr))
}

// TestDiscoveryOnTheWire spells out the bytes.
func TestDiscoveryOnTheWire(t *testing.T) {
	request := append([]byte{0, 1, 0, 70, 1, 2, 3, 4}, make([]byte, 66)...)
	require.Equal(t, append([]byte("before"), request...), AppendDiscoveryRequest([]byte("before"), testSSRC))

	answer := append([]byte{0, 2, 0, 70, 1, 2, 3, 4}, "192.0.2.7"...)
	answer = append(answer, make([]byte, 64-9)...)
	answer = append(answer, 0xc3, 0x50)
	require.Len(t, answer, DiscoverySize)
	require.Equal(t, append([]byte("before"), answer...),
		AppendDiscoveryResponse([]byte("before"), testSSRC, netip.MustParseAddrPort("192.0.2.7:50000")))

	ssrc, err := ParseDiscoveryRequest(request)
	require.NoError(t, err)
	require.EqualValues(t, testSSRC, ssrc)
	ssrc, addr, err := ParseDiscoveryResponse(answer)
	require.NoError(t, err)
	require.EqualValues(t, testSSRC, ssrc)
	require.Equal(t, "192.0.2.7:50000", addr.String())
}

func TestDiscoveryOverwrites(t *testing.T) {
	dst := bytes.Repeat([]byte{0xff}, DiscoverySize)[:0]
	require.Equal(t, AppendDiscoveryRequest(nil, 5), AppendDiscoveryRequest(dst, 5), "what was in the buffer before")
}

func TestDiscoveryAddresses(t *testing.T) {
	for given, want := range map[string]string{
		"255.255.255.255:65535":                       "255.255.255.255:65535",
		"[2001:db8::1]:443":                           "[2001:db8::1]:443",
		"[::ffff:192.0.2.7]:80":                       "192.0.2.7:80",
		"[fe80::1%eth0]:80":                           "[fe80::1]:80",
		"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:1": "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:1",
	} {
		_, addr, err := ParseDiscoveryResponse(discovered(given))
		require.NoError(t, err, given)
		require.Equal(t, want, addr.String())
	}
	_, _, err := ParseDiscoveryResponse(AppendDiscoveryResponse(nil, 1, netip.AddrPort{}))
	require.ErrorIs(t, err, ErrDiscovery, "a server that knows no address")
}

func TestDiscoveryRefuses(t *testing.T) {
	answer := func(text string, port uint16) []byte {
		b := discovered("192.0.2.7:50000")
		clear(b[addressStart:])
		copy(b[addressStart:addressEnd], text)
		b[72], b[73] = byte(port>>8), byte(port)
		return b
	}
	for name, b := range map[string][]byte{
		"nothing":                   nil,
		"a request":                 AppendDiscoveryRequest(nil, testSSRC),
		"one byte too few":          discovered("192.0.2.7:50000")[:73],
		"one byte too many":         append(discovered("192.0.2.7:50000"), 0),
		"no address":                answer("", 1),
		"a name":                    answer("localhost", 1),
		"space around it":           answer(" 192.0.2.7", 1),
		"an address and a port":     answer("192.0.2.7:1", 1),
		"a zone":                    answer("fe80::1%eth0", 1),
		"no zero byte at the end":   answer(strings.Repeat("1", 64), 1),
		"no zero after an address":  answer("192.0.2.7"+strings.Repeat(" ", 55), 1),
		"a long zone up to the end": answer("fe80::1%"+strings.Repeat("z", 56), 1),
		"port 0":                    answer("192.0.2.7", 0),
	} {
		ssrc, addr, err := ParseDiscoveryResponse(b)
		require.ErrorIs(t, err, ErrDiscovery, name)
		require.Zero(t, ssrc, name)
		require.False(t, addr.IsValid(), name)
	}
	for name, b := range map[string][]byte{
		"nothing":           nil,
		"an answer":         discovered("192.0.2.7:50000"),
		"one byte too few":  AppendDiscoveryRequest(nil, 1)[:73],
		"one byte too many": append(AppendDiscoveryRequest(nil, 1), 0),
	} {
		_, err := ParseDiscoveryRequest(b)
		require.ErrorIs(t, err, ErrDiscovery, name)
	}
}

// TestAddressEndsAtItsZero: trimming space leaves the zeros in, and a server
// may leave anything behind the first one.
func TestAddressEndsAtItsZero(t *testing.T) {
	b := discovered("192.0.2.7:50000")
	copy(b[addressStart+10:addressEnd], bytes.Repeat([]byte("rest"), 20))
	_, addr, err := ParseDiscoveryResponse(b)
	require.NoError(t, err)
	require.Equal(t, "192.0.2.7", addr.Addr().String())
}
