package compress

// windowSize is how far back a deflate match may reach: RFC 1951, section 2.
const windowSize = 32 << 10

// A window holds the last bytes of a deflate stream, at most windowSize of them.
// It grows with the stream, and turns into a ring when it is full.
type window struct {
	ring []byte
	next int // where the next byte goes once the ring is full; the oldest byte until then
}

// write remembers the end of p.
func (w *window) write(p []byte) {
	if len(p) >= windowSize {
		w.ring = append(w.ring[:0], p[len(p)-windowSize:]...)
		w.next = 0
		return
	}
	if free := windowSize - len(w.ring); free > 0 {
		n := min(free, len(p))
		w.grow(n)
		w.ring = append(w.ring, p[:n]...)
		p = p[n:]
	}
	for len(p) > 0 {
		n := copy(w.ring[w.next:], p)
		w.next = (w.next + n) % windowSize
		p = p[n:]
	}
}

// grow makes room for n more bytes. The capacity doubles and ends at windowSize exactly.
func (w *window) grow(n int) {
	need := len(w.ring) + n
	if need <= cap(w.ring) {
		return
	}
	ring := make([]byte, len(w.ring), min(max(need, 2*cap(w.ring)), windowSize))
	copy(ring, w.ring)
	w.ring = ring
}

// read copies into dst what begins back bytes before the end of the stream, until dst is full or the stream ends.
// It reports how many bytes it copied; back must be at most len(w.ring).
func (w *window) read(dst []byte, back int) int {
	dst = dst[:min(len(dst), back)]
	from := w.next - back
	if from < 0 {
		from += len(w.ring)
	}
	n := copy(dst, w.ring[from:])
	copy(dst[n:], w.ring)
	return len(dst)
}
