package rtp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
)

// DiscoverySize is the size in bytes of a discovery request, and of a response.
//
// https://discord.com/developers/docs/topics/voice-connections#ip-discovery
const DiscoverySize = 74

const (
	discoveryRequest  = 1
	discoveryResponse = 2
	discoveryLength   = DiscoverySize - 4 // without type and length

	addressStart = 8
	addressEnd   = 72
)

// ErrDiscovery says that a datagram is no discovery message, or one that does
// not say what it should.
var ErrDiscovery = errors.New("rtp: malformed IP discovery")

// AppendDiscoveryRequest appends the question of a client for the address that
// its datagrams come from.
func AppendDiscoveryRequest(dst []byte, ssrc uint32) []byte {
	return appendDiscovery(dst, discoveryRequest, ssrc)
}

// AppendDiscoveryResponse appends the answer of a server. The zone of an
// address, which means nothing to others, is left out.
func AppendDiscoveryResponse(dst []byte, ssrc uint32, addr netip.AddrPort) []byte {
	start := len(dst)
	dst = appendDiscovery(dst, discoveryResponse, ssrc)
	b := dst[start:]
	addr.Addr().Unmap().WithZone("").AppendTo(b[addressStart:addressStart])
	binary.BigEndian.PutUint16(b[addressEnd:], addr.Port())
	return dst
}

func appendDiscovery(dst []byte, kind uint16, ssrc uint32) []byte {
	dst = binary.BigEndian.AppendUint16(dst, kind)
	dst = binary.BigEndian.AppendUint16(dst, discoveryLength)
	dst = binary.BigEndian.AppendUint32(dst, ssrc)
	var rest [DiscoverySize - addressStart]byte
	return append(dst, rest[:]...)
}

// discoveryType returns the type of a discovery message, 0 if b is none.
func discoveryType(b []byte) uint16 {
	if len(b) != DiscoverySize || binary.BigEndian.Uint16(b[2:]) != discoveryLength {
		return 0
	}
	return binary.BigEndian.Uint16(b)
}

// ParseDiscoveryRequest returns the SSRC of a client that asks. What stands in
// the place of the answer is ignored. The error is [ErrDiscovery].
func ParseDiscoveryRequest(b []byte) (ssrc uint32, err error) {
	if discoveryType(b) != discoveryRequest {
		return 0, ErrDiscovery
	}
	return binary.BigEndian.Uint32(b[4:]), nil
}

// ParseDiscoveryResponse returns what a server answered: the SSRC that asked
// and the address that it asked from. The error is [ErrDiscovery], also for an
// address without the zero byte that ends it, with a zone, or that is none, and
// for port 0.
func ParseDiscoveryResponse(b []byte) (ssrc uint32, addr netip.AddrPort, err error) {
	if discoveryType(b) != discoveryResponse {
		return 0, netip.AddrPort{}, ErrDiscovery
	}
	text, _, ended := bytes.Cut(b[addressStart:addressEnd], []byte{0})
	ip, err := netip.ParseAddr(string(text))
	port := binary.BigEndian.Uint16(b[addressEnd:])
	if !ended || err != nil || ip.Zone() != "" || port == 0 {
		return 0, netip.AddrPort{}, ErrDiscovery
	}
	return binary.BigEndian.Uint32(b[4:]), netip.AddrPortFrom(ip.Unmap(), port), nil
}
