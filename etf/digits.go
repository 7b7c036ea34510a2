package etf

import (
	"encoding/binary"
	"math/bits"
	"strconv"
)

// decimals holds the digits of each number below 1000 in the lower bytes, and
// how many there are in the highest.
var decimals = func() (all [1000]uint32) {
	for v := range all {
		text := strconv.AppendInt(nil, int64(v), 10)
		all[v] = uint32(len(text)) << 24
		for i, digit := range text {
			all[v] |= uint32(digit) << (8 * i)
		}
	}
	return all
}()

// room is what the longest number takes that is written here, and more than that.
const room = 24

// writeID writes v, from 1e16 up to below 1e19, as a JSON string with a comma
// behind it, and returns their length.
func writeID(out *[room]byte, v uint64) int {
	first := decimals[v/1e16%1000]
	out[0] = '"'
	binary.LittleEndian.PutUint32(out[1:], first)
	n := 1 + first>>24&3
	v %= 1e16
	binary.LittleEndian.PutUint64(out[n:], eightDigits(v/1e8))
	binary.LittleEndian.PutUint64(out[n+8:], eightDigits(v%1e8))
	binary.LittleEndian.PutUint16(out[n+16:], '"'|','<<8)
	return int(n) + 18
}

// writeNatural writes v < 1e16 as a number with a comma behind it, and returns
// their length.
func writeNatural(out *[room]byte, v uint64) int {
	if v < uint64(len(decimals)) {
		number := decimals[v]
		binary.LittleEndian.PutUint32(out[:], number)
		n := number >> 24 & 3
		out[n] = ','
		return int(n) + 1
	}
	first, more := v, false
	if v >= 1e8 {
		first, more = v/1e8, true
	}
	digits := eightDigits(first)
	zeros := uint(bits.TrailingZeros64(digits&0x0f0f0f0f_0f0f0f0f)) / 8
	binary.LittleEndian.PutUint64(out[:], digits>>(8*zeros))
	n := (8 - zeros) & 15
	if more {
		binary.LittleEndian.PutUint64(out[n:], eightDigits(v%1e8))
		n += 8
	}
	out[n] = ','
	return int(n) + 1
}

// eightDigits returns the decimal digits of v < 1e8 as bytes, the first one
// lowest. It splits v into halves, these into pairs and these into digits, all
// parts of one kind by one multiplication with a reciprocal.
func eightDigits(v uint64) uint64 {
	const (
		perHundred = 10486 // 2^20 / 100, exact enough for v < 10000
		perTen     = 103   // 2^10 / 10, exact enough for v < 100
	)
	halves := v/10000 | v%10000<<32
	upper := halves * perHundred >> 20 & 0x0000007f_0000007f
	pairs := upper | (halves-100*upper)<<16
	tens := pairs * perTen >> 10 & 0x000f000f_000f000f
	return 0x30303030_30303030 + (tens | (pairs-10*tens)<<8)
}
