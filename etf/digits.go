package etf

import (
	"encoding/binary"
	"math/bits"
	"strconv"
)

// appendDecimal is strconv.AppendUint for base ten, faster for the 17 to 20
// digits of a snowflake: it makes eight at a time. Dst must have room for 24.
func appendDecimal(dst []byte, v uint64) []byte {
	if v < 1e16 {
		return strconv.AppendUint(dst, v, 10)
	}
	first := eightDigits(v / 1e16)
	zeros := bits.TrailingZeros64(first&0x0f0f0f0f_0f0f0f0f) / 8
	n := len(dst) + 8 - zeros
	dst = dst[:n+16]
	binary.LittleEndian.PutUint64(dst[n-8+zeros:], first>>(8*zeros))
	v %= 1e16
	binary.LittleEndian.PutUint64(dst[n:], eightDigits(v/1e8))
	binary.LittleEndian.PutUint64(dst[n+8:], eightDigits(v%1e8))
	return dst
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
