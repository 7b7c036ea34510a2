package vorbis

import (
	"errors"
	"math"
)

// checkCodebooks walks the codebooks of the setup header, as far as to know how
// much memory they would take.
//
// https://xiph.org/vorbis/doc/Vorbis_I_spec.html#x1-480003
func checkCodebooks(p []byte) error {
	if len(p) < 8 || string(p[:7]) != "\x05vorbis" {
		return errors.New("the third one is none of codebooks")
	}
	b := &bits{p: p[7:]}
	values := 0
	for range b.read(8) + 1 {
		n, err := b.codebook()
		if err != nil {
			return err
		}
		if values += n; values > maxValues {
			return errClaims
		}
	}
	return nil
}

// bits reads bits, the lowest of a byte first. Behind the end there are zeros.
type bits struct {
	p  []byte
	at int
}

func (b *bits) over() bool { return b.at > 8*len(b.p) }

func (b *bits) read(n int) (v int) {
	for i := range n {
		if k := b.at >> 3; k < len(b.p) {
			v |= int(b.p[k]>>(b.at&7)&1) << i
		}
		b.at++
	}
	return v
}

// codebook walks one codebook, and returns the values that it has.
func (b *bits) codebook() (values int, err error) {
	if b.read(24) != 0x564342 {
		return 0, errors.New("there is no codebook where one should be")
	}
	dimensions, entries := b.read(16), b.read(24)
	if entries < 1 || entries > maxEntries || dimensions < 1 || entries*dimensions > maxValues {
		return 0, errClaims
	}
	b.lengths(entries)
	kind := b.read(4)
	if kind == 0 {
		return 0, b.end()
	}
	b.read(64)
	width := b.read(4) + 1
	b.read(1)
	n := entries * dimensions
	if kind == 1 {
		n = lookupValues(entries, dimensions)
	}
	b.at += n * width
	return entries * dimensions, b.end()
}

// end reports a header that ends too early.
func (b *bits) end() error {
	if b.over() {
		return errClaims
	}
	return nil
}

// lengths walks the lengths of the codewords.
func (b *bits) lengths(entries int) {
	if b.read(1) == 1 { // ordered
		b.read(5)
		for n := 0; n < entries && !b.over(); {
			n += b.read(width(entries - n))
		}
		return
	}
	sparse := b.read(1) == 1
	for range entries {
		if !sparse || b.read(1) == 1 {
			b.at += 5
		}
	}
}

// width is the number of bits of x.
func width(x int) (n int) {
	for ; x > 0; x >>= 1 {
		n++
	}
	return n
}

// lookupValues is the largest number whose power is not over the entries.
func lookupValues(entries, dimensions int) int {
	return int(math.Floor(math.Pow(float64(entries), 1/float64(dimensions))))
}
