package relay

import "encoding/binary"

const (
	nonceSize  = 4    // bytes at the end of a packet
	windowSize = 1024 // by how many packets one may be overtaken
)

// A window tells packets that were received before by their nonces, none of
// which may be used twice with one key: senders count upwards from anywhere.
// In which byte order they do the first two packets tell.
//
// https://discord.com/developers/docs/topics/voice-connections#transport-encryption-modes
type window struct {
	bits    [windowSize / 64]uint64 // of the nonces up to highest
	highest uint32
	first   [nonceSize]byte
	seen    packetCount
	little  bool // it counts with the low byte first
}

// A packetCount is how far a window is.
type packetCount uint8

const (
	noPacket packetCount = iota
	onePacket
	manyPackets
)

// take reports whether a packet is new. One that is older than the window
// counts as seen.
func (w *window) take(nonce [nonceSize]byte) bool {
	switch {
	case w.seen == noPacket:
		w.first, w.seen = nonce, onePacket
		return true
	case w.seen == onePacket && nonce == w.first:
		return false
	case w.seen == onePacket:
		w.start(nonce)
	}
	n := number(nonce, w.little)
	d := int32(n - w.highest)
	switch {
	case d > 0:
		w.advance(n, d)
	case d <= -windowSize || w.bits[n%windowSize/64]&(1<<(n%64)) != 0:
		return false
	}
	w.bits[n%windowSize/64] |= 1 << (n % 64)
	return true
}

// start finds out how the sender counts: in the order in which the second
// nonce is closer to the first.
func (w *window) start(second [nonceSize]byte) {
	w.seen = manyPackets
	w.little = distance(w.first, second, true) < distance(w.first, second, false)
	w.highest = number(w.first, w.little)
	w.bits[w.highest%windowSize/64] |= 1 << (w.highest % 64)
}

func distance(a, b [nonceSize]byte, little bool) uint32 {
	d := number(a, little) - number(b, little)
	return min(d, -d)
}

func number(nonce [nonceSize]byte, little bool) uint32 {
	if little {
		return binary.LittleEndian.Uint32(nonce[:])
	}
	return binary.BigEndian.Uint32(nonce[:])
}

// advance forgets the nonces that n, which is d more than the highest, pushes
// out.
func (w *window) advance(n uint32, d int32) {
	if d >= windowSize {
		clear(w.bits[:])
	} else {
		for i := w.highest + 1; i != n+1; i++ {
			w.bits[i%windowSize/64] &^= 1 << (i % 64)
		}
	}
	w.highest = n
}
