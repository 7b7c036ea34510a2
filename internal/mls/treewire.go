package mls

import (
	"bytes"
	"crypto/ecdh"
	"fmt"
)

// tree reads the content of a ratchet_tree extension. It judges the shape,
// check judges the rest.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-12.4.3.3
func (r *reader) tree() *tree {
	list := r.list()
	var nodes []node
	for list.more() {
		if len(nodes) == 2*maxLeaves-1 {
			list.fail("too many members")
			break
		}
		nodes = append(nodes, list.node(len(nodes)%2 == 0))
	}
	if list.err == nil && (len(nodes) == 0 || nodes[len(nodes)-1].blank()) {
		list.fail("ratchet tree ends in a blank node")
	}
	r.close(&list)
	if r.err != nil {
		return nil
	}
	full := 1
	for full < len(nodes) {
		full = 2*full + 1
	}
	return &tree{nodes: append(nodes, make([]node, full-len(nodes))...)}
}

func (r *reader) node(even bool) node {
	if !r.present() {
		return node{}
	}
	switch kind := r.u8(); {
	case kind == kindLeaf && even:
		return node{leaf: r.leafNode()}
	case kind == kindParent && !even:
		return node{parent: r.parentNode()}
	}
	r.fail("node in a wrong place")
	return node{}
}

func (r *reader) parentNode() *parentNode {
	p := &parentNode{encryptionKey: r.vector(), parentHash: r.vector()}
	list := r.list()
	for list.more() {
		place := list.u32()
		if n := len(p.unmerged); n > 0 && place <= p.unmerged[n-1] {
			list.fail("unmerged leaves are not in order")
		}
		p.unmerged = append(p.unmerged, place)
	}
	r.close(&list)
	return p
}

// appendTo appends the content of a ratchet_tree extension.
func (t *tree) appendTo(dst []byte) []byte {
	last := len(t.nodes)
	for t.nodes[last-1].blank() {
		last--
	}
	list := make([]byte, 0, 320*t.leaves())
	for i := range t.nodes[:last] {
		switch n := &t.nodes[i]; {
		case n.leaf != nil:
			list = append(append(list, 1, kindLeaf), n.leaf.raw...)
		case n.parent != nil:
			list = n.parent.appendTo(append(list, 1, kindParent), nil)
		default:
			list = append(list, 0)
		}
	}
	return appendVector(dst, list)
}

// check judges a foreign tree as a joiner has to, with all signatures.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-12.4.3.1
func (t *tree) check(groupID []byte) error {
	if err := t.checkShape(); err != nil {
		return err
	}
	if err := t.checkUnique(); err != nil {
		return err
	}
	if err := t.checkParentHashes(); err != nil {
		return err
	}
	for place := range uint32(t.leaves()) {
		leaf := t.leaf(place)
		if leaf == nil {
			continue
		}
		if err := leaf.checkSignature(groupID, place); err != nil {
			return fmt.Errorf("%w: leaf %d: %w", ErrTree, place, err)
		}
	}
	return nil
}

// checkShape judges each node by itself and readies its key.
func (t *tree) checkShape() error {
	for i := range t.nodes {
		x, n := uint32(i), &t.nodes[i]
		if n.leaf != nil {
			if err := n.leaf.check(); err != nil {
				return fmt.Errorf("%w: leaf %d: %w", ErrTree, x/2, err)
			}
		}
		if n.parent == nil {
			continue
		}
		var err error
		if n.parent.seal, err = ecdh.P256().NewPublicKey(n.parent.encryptionKey); err != nil {
			return fmt.Errorf("%w: key of node %d: %w", ErrTree, x, err)
		}
		for _, place := range n.parent.unmerged {
			if !t.mayBeUnmerged(x, place) {
				return fmt.Errorf("%w: node %d has leaf %d unmerged", ErrTree, x, place)
			}
		}
	}
	return nil
}

// mayBeUnmerged wants a leaf below x that no node in between has merged.
func (t *tree) mayBeUnmerged(x, place uint32) bool {
	if !below(x, place) || t.leaf(place) == nil {
		return false
	}
	for y := parent(2 * place); y != x; y = parent(y) {
		if p := t.nodes[y].parent; p != nil && !contains(p.unmerged, place) {
			return false
		}
	}
	return true
}

// checkUnique wants every encryption key and every signature key once.
func (t *tree) checkUnique() error {
	keys := make(map[string]struct{}, len(t.nodes))
	signers := make(map[string]struct{}, t.leaves())
	used, members := 0, 0
	for i := range t.nodes {
		n := &t.nodes[i]
		if n.leaf != nil {
			members++
			signers[string(n.leaf.signatureKey)] = struct{}{}
		}
		if !n.blank() {
			used++
			keys[string(n.key())] = struct{}{}
		}
	}
	if len(keys) != used || len(signers) != members {
		return fmt.Errorf("%w: %w", ErrTree, ErrDuplicate)
	}
	return nil
}

// find returns the place of a leaf with this encoding.
func (t *tree) find(raw []byte) (uint32, bool) {
	for place := range uint32(t.leaves()) {
		if leaf := t.leaf(place); leaf != nil && bytes.Equal(leaf.raw, raw) {
			return place, true
		}
	}
	return 0, false
}
