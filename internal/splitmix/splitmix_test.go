package splitmix

import (
	"math/bits"
	"testing"
)

// Each bit of the input changes about half of the bits of the hash.
func TestHash(t *testing.T) {
	for bit := range 64 {
		changed := 0
		for n := range uint64(256) {
			changed += bits.OnesCount64(Hash(n, 7) ^ Hash(n^1<<bit, 7))
		}
		if mean := float64(changed) / 256; mean < 24 || mean > 40 {
			t.Errorf("bit %d changes %.1f bits", bit, mean)
		}
	}
	if Hash(1, 2) == Hash(2, 1) {
		t.Error("order does not count")
	}
	if first, second := Hash(1, 2), Hash(1, 2); first != second {
		t.Error("chance counts")
	}
}
