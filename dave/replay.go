package dave

// replaySize is how many nonces behind the newest are told apart. In ten
// seconds, after which keys are gone, a sender of sound and two videos makes
// 1700 frames.
const replaySize = 2048

// A replayWindow knows which nonces were used. The first one is the floor:
// what was sent before it is never accepted.
//
// https://daveprotocol.com/#truncated-synchronization-nonce
type replayWindow struct {
	newest uint64
	used   [replaySize / 64]uint64 // bit n%replaySize stands for nonce n
	open   bool
}

// fresh reports whether n may be used.
func (w *replayWindow) fresh(n uint64) bool {
	if !w.open || n > w.newest {
		return true
	}
	return w.newest-n < replaySize && w.used[n/64%uint64(len(w.used))]&(1<<(n%64)) == 0
}

// use records n, which is fresh.
func (w *replayWindow) use(n uint64) {
	switch {
	case !w.open:
		for i := range w.used {
			w.used[i] = ^uint64(0)
		}
		w.newest, w.open = n, true
	case n > w.newest:
		for i := range min(n-w.newest, replaySize) {
			w.clear(n - i)
		}
		w.newest = n
	}
	w.used[n/64%uint64(len(w.used))] |= 1 << (n % 64)
}

func (w *replayWindow) clear(n uint64) { w.used[n/64%uint64(len(w.used))] &^= 1 << (n % 64) }
