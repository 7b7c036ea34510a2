package dave

import "math"

// maxULEB128 is how many bytes a padded number may have, in an AV1 stream.
//
// https://aomediacodec.github.io/av1-spec/#leb128
const maxULEB128 = 8

// appendULEB128 appends v in the fewest bytes, at most five.
//
// https://daveprotocol.com/#uleb128-encoding
func appendULEB128(dst []byte, v uint32) []byte {
	for ; v >= 0x80; v >>= 7 {
		dst = append(dst, byte(v)|0x80)
	}
	return append(dst, byte(v))
}

// uleb128 returns the number at the front of b and its size in bytes, which is
// zero if there is none that fits 32 bits. It accepts padding.
func uleb128(b []byte) (v uint32, n int) {
	var wide uint64
	for i := range min(len(b), maxULEB128) {
		wide |= uint64(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			if wide > math.MaxUint32 {
				return 0, 0
			}
			return uint32(wide), i + 1
		}
	}
	return 0, 0
}
