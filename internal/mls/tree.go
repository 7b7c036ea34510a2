package mls

import (
	"crypto/ecdh"
	"fmt"
	"slices"
)

// A tree is a ratchet tree as an array, with room for a power of two of
// leaves. Its nodes are shared between the trees of epochs and never change:
// a change puts another node in place.
type tree struct{ nodes []node }

// A node is a leaf on an even index, a parent on an odd one, or blank.
type node struct {
	leaf   *leafNode
	parent *parentNode
	hash   *[hashSize]byte // nil until asked for
}

// A parentNode is a node above the leaves, see RFC 9420 section 7.1.
type parentNode struct {
	encryptionKey []byte
	parentHash    []byte
	unmerged      []uint32 // leaves, ascending
	seal          *ecdh.PublicKey
}

func (n *node) blank() bool { return n.leaf == nil && n.parent == nil }

// key returns the encryption key of a node, nil of a blank one.
func (n *node) key() []byte {
	switch {
	case n.leaf != nil:
		return n.leaf.encryptionKey
	case n.parent != nil:
		return n.parent.encryptionKey
	}
	return nil
}

func (n *node) seal() *ecdh.PublicKey {
	if n.leaf != nil {
		return n.leaf.seal
	}
	return n.parent.seal
}

func newTree(first *leafNode) *tree { return &tree{nodes: []node{{leaf: first}}} }

// clone returns a tree that can be changed while t stays as it is.
func (t *tree) clone() *tree { return &tree{nodes: slices.Clone(t.nodes)} }

// leaves is the number of places, blank ones included.
func (t *tree) leaves() int { return (len(t.nodes) + 1) / 2 }

func (t *tree) root() uint32 { return rootOf(t.leaves()) }

// leaf returns the leaf in a place, nil if there is none.
func (t *tree) leaf(place uint32) *leafNode {
	if uint64(place) >= uint64(t.leaves()) {
		return nil
	}
	return t.nodes[2*place].leaf
}

// set puts a leaf into a place.
func (t *tree) set(place uint32, leaf *leafNode) {
	t.nodes[2*place].leaf = leaf
	t.touch(2 * place)
}

// touch forgets the hashes of a node and of all above it.
func (t *tree) touch(x uint32) {
	for root := t.root(); ; x = parent(x) {
		t.nodes[x].hash = nil
		if x == root {
			return
		}
	}
}

// add puts a leaf into the leftmost blank place, makes room if there is none,
// and returns the place.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-12.1.1
func (t *tree) add(leaf *leafNode, from uint32) (uint32, error) {
	place := from
	for int(place) < t.leaves() && t.nodes[2*place].leaf != nil {
		place++
	}
	if int(place) == t.leaves() {
		if t.leaves() == maxLeaves {
			return 0, fmt.Errorf("%w: more than %d members", ErrUnsupported, maxLeaves)
		}
		t.nodes = append(t.nodes, make([]node, len(t.nodes)+1)...)
	}
	for x, root := 2*place, t.root(); x != root; {
		x = parent(x)
		if p := t.nodes[x].parent; p != nil {
			with := *p
			at, _ := slices.BinarySearch(p.unmerged, place)
			with.unmerged = slices.Insert(slices.Clone(p.unmerged), at, place)
			t.nodes[x].parent = &with
		}
	}
	t.set(place, leaf)
	return place, nil
}

// remove blanks a leaf and all nodes above it. Truncate, once all are
// removed, gives back the room.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-12.1.3
func (t *tree) remove(place uint32) {
	t.set(place, nil)
	t.blankAbove(place)
}

// blankAbove blanks the direct path of a leaf.
func (t *tree) blankAbove(place uint32) {
	for x, root := 2*place, t.root(); x != root; {
		x = parent(x)
		t.nodes[x] = node{}
	}
	t.touch(2 * place)
}

// truncate halves the tree for as long as its right half has no leaf.
func (t *tree) truncate() {
	for t.leaves() > 1 {
		for x := len(t.nodes)/2 + 1; x < len(t.nodes); x += 2 {
			if t.nodes[x].leaf != nil {
				return
			}
		}
		t.nodes = t.nodes[:len(t.nodes)/2]
	}
}

// resolution appends the nodes that together reach all members below x: x
// itself and its unmerged leaves, or what its children say if it is blank.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-4.1.1
func (t *tree) resolution(dst []uint32, x uint32) []uint32 {
	switch n := &t.nodes[x]; {
	case n.leaf != nil:
		return append(dst, x)
	case n.parent != nil:
		dst = append(dst, x)
		for _, place := range n.parent.unmerged {
			dst = append(dst, 2*place)
		}
		return dst
	case level(x) == 0:
		return dst
	}
	return t.resolution(t.resolution(dst, left(x)), right(x))
}

// empty reports whether nobody is below x.
func (t *tree) empty(x uint32) bool {
	from, to := span(x)
	for place := from; place < to; place++ {
		if t.nodes[2*place].leaf != nil {
			return false
		}
	}
	return true
}

// A hop is a node on a filtered direct path, with its child off the path.
type hop struct{ node, copath uint32 }

// path returns the filtered direct path of a leaf, from the bottom up: the
// nodes above it whose other child has someone below.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-4.1.2
func (t *tree) path(place uint32) []hop {
	var hops []hop
	for x, root := 2*place, t.root(); x != root; x = parent(x) {
		if s := sibling(x); !t.empty(s) {
			hops = append(hops, hop{parent(x), s})
		}
	}
	return hops
}
