package mls

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
)

// Kinds of nodes on the wire.
const (
	kindLeaf   = 1
	kindParent = 2
)

// hash returns the tree hash of a node, which it remembers.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-7.8
func (t *tree) hash(x uint32) *[hashSize]byte {
	n := &t.nodes[x]
	if n.hash == nil {
		h := t.hashWithout(x, nil)
		n.hash = &h
	}
	return n.hash
}

// hashWithout is the tree hash of a node in a tree where some leaves,
// ascending, are blank and nowhere unmerged.
func (t *tree) hashWithout(x uint32, without []uint32) [hashSize]byte {
	n := &t.nodes[x]
	if level(x) == 0 {
		leaf := n.leaf
		if contains(without, x/2) {
			leaf = nil
		}
		return leafHash(x/2, leaf)
	}
	return parentNodeHash(n.parent, without, t.childHash(left(x), without), t.childHash(right(x), without))
}

func (t *tree) childHash(x uint32, without []uint32) *[hashSize]byte {
	from, to := span(x)
	if i, _ := slices.BinarySearch(without, from); i == len(without) || without[i] >= to {
		return t.hash(x)
	}
	h := t.hashWithout(x, without)
	return &h
}

// contains looks a leaf up in an ascending list.
func contains(list []uint32, place uint32) bool {
	_, found := slices.BinarySearch(list, place)
	return found
}

func leafHash(place uint32, leaf *leafNode) [hashSize]byte {
	in := make([]byte, 0, 512)
	in = appendU32(append(in, kindLeaf), place)
	if leaf == nil {
		return sha256.Sum256(append(in, 0))
	}
	return sha256.Sum256(append(append(in, 1), leaf.raw...))
}

func parentNodeHash(p *parentNode, without []uint32, left, right *[hashSize]byte) [hashSize]byte {
	in := make([]byte, 0, 512)
	in = append(in, kindParent)
	if p == nil {
		in = append(in, 0)
	} else {
		in = p.appendTo(append(in, 1), without)
	}
	return sha256.Sum256(appendVector(appendVector(in, left[:]), right[:]))
}

// appendTo appends a ParentNode without some of its unmerged leaves.
func (p *parentNode) appendTo(dst []byte, without []uint32) []byte {
	dst = appendVector(dst, p.encryptionKey)
	dst = appendVector(dst, p.parentHash)
	unmerged := p.unmerged
	if len(without) > 0 {
		unmerged = slices.DeleteFunc(slices.Clone(unmerged), func(place uint32) bool { return contains(without, place) })
	}
	dst = appendSize(dst, 4*len(unmerged))
	for _, place := range unmerged {
		dst = appendU32(dst, place)
	}
	return dst
}

// parentHash is the parent hash of a parent node with a given copath child.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-7.9
func (t *tree) parentHash(p *parentNode, copath uint32) []byte {
	in := make([]byte, 0, 160)
	in = appendVector(in, p.encryptionKey)
	in = appendVector(in, p.parentHash)
	in = appendVector(in, t.childHash(copath, p.unmerged)[:])
	sum := sha256.Sum256(in)
	return sum[:]
}

// checkParentHashes wants each parent node to have exactly one descendant
// that was set in the same update path.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-7.9.2
func (t *tree) checkParentHashes() error {
	var scratch []uint32
	for x := 1; x < len(t.nodes); x += 2 {
		x := uint32(x)
		p := t.nodes[x].parent
		if p == nil {
			continue
		}
		found := 0
		for _, side := range [...]hop{{left(x), right(x)}, {right(x), left(x)}} {
			scratch = t.resolution(scratch[:0], side.node)
			found += t.chained(p, side, scratch)
		}
		if found != 1 {
			return fmt.Errorf("%w: parent hash of node %d", ErrTree, x)
		}
	}
	return nil
}

// chained counts the nodes in the resolution of one child of p whose parent
// hash names p, and beside which only leaves are that p has not merged.
func (t *tree) chained(p *parentNode, side hop, resolution []uint32) int {
	from, to := span(side.node)
	lo, _ := slices.BinarySearch(p.unmerged, from)
	hi, _ := slices.BinarySearch(p.unmerged, to)
	unmerged := p.unmerged[lo:hi]
	if len(resolution) != len(unmerged)+1 {
		return 0
	}
	want := t.parentHash(p, side.copath)
	found := 0
	for i, d := range resolution {
		if bytes.Equal(t.linkOf(d), want) && sameLeaves(resolution, i, unmerged) {
			found++
		}
	}
	return found
}

// linkOf returns the parent hash that a node carries.
func (t *tree) linkOf(x uint32) []byte {
	if leaf := t.nodes[x].leaf; leaf != nil {
		return leaf.parentHash
	}
	return t.nodes[x].parent.parentHash
}

// sameLeaves reports whether a resolution without its i-th node is a list of
// leaves.
func sameLeaves(resolution []uint32, i int, leaves []uint32) bool {
	for j, x := range resolution {
		switch {
		case j < i && x != 2*leaves[j], j > i && x != 2*leaves[j-1]:
			return false
		}
	}
	return true
}
