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

	unannounced time.Time // when its first packet came, if it has not said how it speaks
	reported    bool

	own    pace // of packets that come from addr
	volume pace // of their bytes, if there is a limit
	strays pace // of packets that come from elsewhere
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

// windowSize is how many packets may overtake one another.
const windowSize = 512

// A window tells packets that were received before by their sequence numbers.
type window struct {
	bits    [windowSize / 64]uint64 // of the numbers up to highest
	highest uint16
	started bool
	retry   uint16 // what must follow for a jump to be believed
	doubt   bool   // a jump was seen
}

// maxJump is by how many packets a sender may be ahead at once.
const maxJump = 3000

// take reports whether a packet is new. A sender that jumps, as one does that
// begins anew, is believed when a second packet follows the first.
//
// https://www.rfc-editor.org/rfc/rfc3550#appendix-A.1
func (w *window) take(seq uint16) bool {
	if !w.started {
		w.restart(seq)
		return true
	}
	d := rtp.SequenceDiff(seq, w.highest)
	switch {
	case d > maxJump || d <= -windowSize:
		if w.doubt && seq == w.retry {
			w.restart(seq)
			return true
		}
		w.doubt, w.retry = true, seq+1
		return false
	case d > 0:
		w.advance(d)
		w.highest = seq
	case w.bits[seq%windowSize/64]&(1<<(seq%64)) != 0:
		return false
	}
	w.bits[seq%windowSize/64] |= 1 << (seq % 64)
	return true
}

// advance forgets the numbers that d more push out.
func (w *window) advance(d int) {
	if d >= windowSize {
		w.bits = [windowSize / 64]uint64{}
		return
	}
	for i := 1; i <= d; i++ {
		n := w.highest + uint16(i)
		w.bits[n%windowSize/64] &^= 1 << (n % 64)
	}
}

func (w *window) restart(seq uint16) {
	*w = window{highest: seq, started: true}
	w.bits[seq%windowSize/64] |= 1 << (seq % 64)
}
