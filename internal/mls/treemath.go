package mls

import "math/bits"

// A ratchet tree is an array: leaf i is node 2i, a node on level k is the
// parent of the two nodes whose index differs from its own in the bits below
// k. A tree has a power of two of leaves.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#appendix-C

// level of a node: leaves are on level 0.
func level(x uint32) int { return bits.TrailingZeros32(^x) }

// rootOf a tree with so many leaves.
func rootOf(leaves int) uint32 { return uint32(leaves - 1) }

// left and right child of a node above the leaves.
func left(x uint32) uint32  { return x ^ 1<<(level(x)-1) }
func right(x uint32) uint32 { return x ^ 3<<(level(x)-1) }

// parent of a node that is not the root.
func parent(x uint32) uint32 {
	k := level(x)
	return (x | 1<<k) &^ (1 << (k + 1))
}

// sibling of a node that is not the root.
func sibling(x uint32) uint32 { return x ^ 2<<level(x) }

// span returns the first leaf below a node and the one after the last.
func span(x uint32) (from, to uint32) {
	half := uint32(1)<<level(x) - 1
	return (x - half) / 2, (x+half)/2 + 1
}

// below reports whether a leaf is in the subtree of a node.
func below(x, leaf uint32) bool {
	from, to := span(x)
	return from <= leaf && leaf < to
}

// commonAncestor of two leaves is the lowest node above both.
func commonAncestor(a, b uint32) uint32 {
	k := bits.Len32(a ^ b)
	return a>>k<<(k+1) | (1<<k - 1)
}
