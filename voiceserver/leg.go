package voiceserver

import (
	"net/netip"
	"time"

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

	own    pace              // of packets that come from addr
	volume pace              // of their bytes, if there is a limit
	strays [strayPlaces]pace // of packets that come from elsewhere
}

// strayPlaces is how many paces there are for packets from elsewhere: whoever
// floods a client from one place leaves the others to it.
const strayPlaces = 16

// stray returns the pace of a place, which is a host, or a network of IPv6.
func (l *leg) stray(from netip.Addr) *pace {
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

// A pace limits how often something happens, and keeps no more than one time
// for it (the generic cell rate algorithm).
type pace struct {
	every time.Duration
	burst time.Duration
	next  time.Time
}

func newPace(perSecond, burst int) pace {
	every := time.Second / time.Duration(perSecond)
	return pace{every: every, burst: every * time.Duration(burst)}
}

// take reports whether it may happen at now.
func (p *pace) take(now time.Time) bool { return p.takeN(now, 1) }

// takeN is take for n at once.
func (p *pace) takeN(now time.Time, n int) bool {
	if p.next.Before(now) {
		p.next = now
	}
	if p.next.Sub(now) > p.burst {
		return false
	}
	p.next = p.next.Add(p.every * time.Duration(n))
	return true
}

// newVolume limits bytes to half more than a bitrate.
func newVolume(bitrate int) pace {
	return newPace(max(1, min(bitrate, maxBitrate)*3/2/8), max(1, bitrate/8))
}

// maxBitrate is more than any codec makes, in bits per second.
const maxBitrate = 1 << 30
