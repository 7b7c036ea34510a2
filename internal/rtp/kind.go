package rtp

// A Kind is what a datagram of a voice connection can be.
type Kind uint8

const (
	KindUnknown           Kind = iota // drop it
	KindRTP                           // media, see [Opener]
	KindRTCP                          // reports about media
	KindDiscoveryRequest              // see [ParseDiscoveryRequest]
	KindDiscoveryResponse             // see [Discovery.Handle]
	KindKeepalive                     // see [Keepalive.Handle]
)

var kindNames = [...]string{"unknown", "RTP", "RTCP", "discovery request", "discovery response", "keepalive"}

// String names the kind for logs.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[KindUnknown]
}

// minSealed is the size of the shortest packet that can be encrypted.
const minSealed = fixedSize + Overhead

// KindOf tells datagrams apart, those that a client receives as well as those
// that a server does. It looks at the length and the first bytes only: that a
// datagram is of a kind does not mean that it is a good one.
func KindOf(datagram []byte) Kind {
	switch {
	// First, because the first byte of a keepalive counts through all values,
	// those of a packet among them. No packet is as short.
	case len(datagram) == KeepaliveSize:
		return KindKeepalive
	case len(datagram) == DiscoverySize && datagram[0] == 0:
		switch discoveryType(datagram) {
		case discoveryRequest:
			return KindDiscoveryRequest
		case discoveryResponse:
			return KindDiscoveryResponse
		}
	case len(datagram) < KeepaliveSize || datagram[0]>>versionShift != Version:
	case isRTCP(datagram):
		return KindRTCP
	case len(datagram) >= minSealed:
		return KindRTP
	}
	return KindUnknown
}

// isRTCP tells by the second byte, which in RTCP is a packet type and in RTP
// the marker and a payload type. It needs two bytes.
func isRTCP(b []byte) bool { return b[1]&markerBit != 0 && likeRTCP(b[1]&typeMask) }

// likeRTCP reports whether a payload type makes a packet with a marker look
// like RTCP, whose packet types are 200 to 207: "payload types in the range
// 64-95 SHOULD NOT be used" where both share a port.
//
// https://www.rfc-editor.org/rfc/rfc5761#section-4
func likeRTCP(payloadType uint8) bool {
	return payloadType >= 200-markerBit && payloadType <= 207-markerBit
}
