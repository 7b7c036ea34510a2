// Package buffer says how a buffer grows whose contents a peer determines.
//
// One rule holds for what is read, inflated and translated, so that the memory
// of a message can be told in multiples of its limit.
package buffer

// smallest is the capacity in bytes that growing begins with.
const smallest = 1 << 10

// Size returns the capacity of the buffer that replaces one of the capacity
// have and has room for need bytes. Need is at most limit, and so is the result.
//
// Capacities double up to a quarter of the limit, behind which the limit comes
// at once. All buffers of one message together are at most 1.5 times the limit,
// freed or not, and the last two, of which one is copied to the other, are at
// most 1.25 times the limit.
func Size(have, need, limit int) int {
	size := max(need, 2*have, smallest)
	if size > limit/4 {
		return limit
	}
	return size
}

// Grow returns b with room for n more bytes: b itself, or a copy of it that has
// the capacity of [Size]. Both len(b)+n and the capacity of a copy are at most
// limit; the caller has checked the former.
func Grow(b []byte, n, limit int) []byte {
	if n <= cap(b)-len(b) {
		return b
	}
	grown := make([]byte, len(b), Size(cap(b), len(b)+n, limit))
	copy(grown, b)
	return grown
}
