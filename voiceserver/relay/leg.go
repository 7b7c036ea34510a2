package relay

import (
	"net/netip"
	"time"

	"github.com/discordpkg/gateway/internal/cellrate"
	"github.com/discordpkg/gateway/internal/rtp"
)

// A leg is the audio of one client, both ways.
type leg struct {
	Route
	call   *call // nil before a protocol is selected
	opener *rtp.Opener
	sealer *rtp.Sealer
	seen   window

	addr      netip.AddrPort // where it sends from, if confirmed
	confirmed bool
	asked     netip.AddrPort // where its last IP discovery came from

	unannounced time.Time  // when its first packet came, if it has not said how it speaks
	reported    ReportKind // the last one

	own    cellrate.Limit              // of packets that come from addr
	volume cellrate.Limit              // of their bytes, if there is a limit
	strays [strayPlaces]cellrate.Limit // of packets that come from elsewhere
}

// strayPlaces is how many limits there are for packets from elsewhere: a flood
// from one place uses up one of them.
const strayPlaces = 16

// stray returns the limit of a place, which is a host, or a network of IPv6.
func (l *leg) stray(from netip.Addr) *cellrate.Limit {
	b := from.As16()
	place := b[:]
	if !from.Is4() {
		place = b[:8]
	}
	h := uint32(2166136261) // FNV-1a
	for _, c := range place {
		h = (h ^ uint32(c)) * 16777619
	}
	return &l.strays[h>>16%strayPlaces]
}

// A call is a channel with audio.
type call struct {
	legs []*leg
}

// newVolume limits bytes to half more than a bitrate.
func newVolume(bitrate int) cellrate.Limit {
	return cellrate.New(max(1, min(bitrate, maxBitrate)*3/2/8), max(1, bitrate/8))
}

// maxBitrate is more than any codec makes, in bits per second.
const maxBitrate = 1 << 30
