package jitter

// historySize is for how many packets back it is known whether they came.
const historySize = 128

// A history remembers which of the last packets came. Bit 0 is the newest.
type history [historySize / 64]uint64

// add records the fate that n packets share.
func (h *history) add(came bool, n int) {
	if n >= historySize {
		*h = history{}
	} else {
		h.shift(n)
	}
	if came {
		h[0] |= 1 // packets come one at a time
	}
}

func (h *history) shift(n int) {
	if n >= 64 {
		h[0], h[1] = 0, h[0]
		n -= 64
	}
	h[1] = h[1]<<n | h[0]>>(64-n)
	h[0] <<= n
}

// mark records that the packet that lies back places behind the next one, 1 to
// historySize, has come, and reports whether that is news.
func (h *history) mark(back int) bool {
	word, bit := (back-1)/64, uint64(1)<<((back-1)%64)
	news := h[word]&bit == 0
	h[word] |= bit
	return news
}
