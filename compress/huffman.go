package compress

import (
	"math/bits"
	"sync"
)

// An entry of a decoding table says what the next bits of the input mean:
//
//	bits 0-7    how many bits the symbol takes, its extra bits included
//	bits 8-11   how many of them are the code (of a link: the width of the second table)
//	bits 13-15  entryEnd, entryLink, entryOther
//	bits 16-30  the literal, the base of a length or distance, or where the second table begins
//	bit  31     entryLiteral
const (
	entryLiteral = 1 << 31
	entryOther   = 1 << 15 // neither a literal, nor a length, nor a distance
	entryLink    = 1 << 14 // with entryOther: the code goes on in a second table
	entryEnd     = 1 << 13 // with entryOther: end of block; alone, entryOther is a code that must not occur
)

const (
	maxCodeLen = 15 // RFC 1951, section 3.2.7
	preBits    = 7
	litBits    = 9
	distBits   = 8

	// The second tables of 288 codes of up to 15 bits end before entry 854 with 9 bits in the first table,
	// those of 32 codes before entry 402 with 8 bits in the first. The powers of two spare bounds checks.
	litSize  = 1 << 10
	distSize = 1 << 9
)

// tables decode the symbols of one deflate block.
type tables struct {
	lit  [litSize]uint32
	dist [distSize]uint32
}

// lengths counts codes by their length.
type lengths [maxCodeLen + 1]int

// build fills table for the canonical Huffman code with the given lengths; values holds the entry of each symbol,
// less its code. It reports false for lengths that make no code. A code may be incomplete in one case only,
// which zlib allows as well: it has one symbol of one bit, or none.
func build(table []uint32, tableBits int, lens []uint8, values []uint32) bool {
	var count, offset lengths
	for _, l := range lens {
		count[l&maxCodeLen]++
	}
	longest, space, symbols := 0, 0, 0
	for l := 1; l <= maxCodeLen; l++ {
		offset[l] = symbols
		symbols += count[l]
		space = space<<1 + count[l]
		if count[l] > 0 {
			longest = l
		}
	}
	var sorted [512]uint16 // by length; 288 are used, the power of two spares bounds checks
	for sym, l := range lens {
		if l > 0 {
			at := &offset[l&maxCodeLen]
			sorted[*at&511] = uint16(sym)
			*at++
		}
	}
	if space != 1<<maxCodeLen {
		return space < 1<<maxCodeLen && longest <= 1 && buildSingle(table[:1<<tableBits], count[1], values[sorted[0]])
	}
	code, used := buildFirst(table, tableBits, sorted[:], &count, values)
	return longest <= tableBits || buildSecond(table, tableBits, sorted[used:], &count, values, code)
}

// buildSingle fills table for a code of at most one symbol, of one bit.
func buildSingle(table []uint32, symbols int, value uint32) bool {
	for i := range table {
		table[i] = entryOther | 1<<8 | 1
		if symbols == 1 && i&1 == 0 {
			table[i] = value + (1<<8 | 1)
		}
	}
	return true
}

// buildFirst fills the first table with the codes that fit, doubling it for each bit of length.
// It returns the next code, its bits reversed as in the stream, and how many symbols it used.
func buildFirst(table []uint32, tableBits int, sorted []uint16, count *lengths, values []uint32) (code uint, used int) {
	for l := 1; ; l++ {
		step := uint32(l)<<8 | uint32(l)
		for range count[l] {
			table[code] = values[sorted[used]] + step
			used++
			code = nextCode(code, l)
		}
		if l == tableBits {
			return code, used
		}
		copy(table[1<<l:2<<l], table[:1<<l])
	}
}

// buildSecond fills the second tables with the codes longer than tableBits.
func buildSecond(table []uint32, tableBits int, sorted []uint16, count *lengths, values []uint32, code uint) bool {
	mask := uint(1)<<tableBits - 1
	prefix, begin, end := mask+1, 0, 1<<tableBits
	for l := tableBits + 1; l <= maxCodeLen; l++ {
		step := uint32(l-tableBits)<<8 | uint32(l-tableBits)
		for left := count[l]; left > 0; left-- {
			if code&mask != prefix {
				prefix, begin = code&mask, end
				width := secondWidth(left, l, tableBits, count)
				if end += 1 << width; end > len(table) {
					return false
				}
				table[prefix] = entryOther | entryLink | uint32(begin)<<16 | uint32(width)<<8 | uint32(tableBits)
			}
			for i := begin + int(code>>tableBits); i < end; i += 1 << (l - tableBits) {
				table[i] = values[sorted[0]] + step
			}
			sorted = sorted[1:]
			code = nextCode(code, l)
		}
	}
	return true
}

// secondWidth is the width of the table that begins with a code of l bits, of which left are to come.
func secondWidth(left, l, tableBits int, count *lengths) int {
	width := l - tableBits
	for space := left; space < 1<<width && tableBits+width < maxCodeLen; {
		width++
		space = space<<1 + count[tableBits+width]
	}
	return width
}

// nextCode counts one up from the last code of l bits, whose bits are reversed.
func nextCode(code uint, l int) uint {
	free := code ^ (1<<l - 1)
	if free == 0 {
		return code
	}
	bit := uint(1) << (bits.Len(free) - 1)
	return code&(bit-1) | bit
}

// The entries of all symbols, less their codes: RFC 1951, section 3.2.5.
var (
	preValues  = preSymbols()
	litValues  = litSymbols()
	distValues = distSymbols()
)

func preSymbols() (v [19]uint32) {
	for sym := range v {
		v[sym] = uint32(sym) << 16
	}
	return v
}

func litSymbols() (v [288]uint32) {
	for sym := range 256 {
		v[sym] = entryLiteral | uint32(sym)<<16
	}
	v[256] = entryOther | entryEnd
	base := uint32(3)
	for i := range uint32(28) {
		extra := max(i/4, 1) - 1
		v[257+i] = base<<16 | extra
		base += 1 << extra
	}
	v[285] = 258 << 16
	v[286], v[287] = entryOther, entryOther
	return v
}

func distSymbols() (v [32]uint32) {
	base := uint32(1)
	for i := range uint32(30) {
		extra := max(i/2, 1) - 1
		v[i] = base<<16 | extra
		base += 1 << extra
	}
	v[30], v[31] = entryOther, entryOther
	return v
}

// fixedTables are those of RFC 1951, section 3.2.6.
var fixedTables = sync.OnceValue(func() *tables {
	var lens [288]uint8
	for i := range lens {
		switch {
		case i < 144, i >= 280:
			lens[i] = 8
		case i < 256:
			lens[i] = 9
		default:
			lens[i] = 7
		}
	}
	var dist [32]uint8
	for i := range dist {
		dist[i] = 5
	}
	t := new(tables)
	build(t.lit[:], litBits, lens[:], litValues[:])
	build(t.dist[:], distBits, dist[:], distValues[:])
	return t
})
