package mls

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"fmt"
	"slices"
)

// An updatePath is a new leaf and new keys above it, with the secrets from
// which all others derive the keys that are theirs too.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-7.6
type updatePath struct {
	leaf  *leafNode
	nodes []pathNode
}

type pathNode struct {
	key     []byte
	secrets []byte // a list of HPKECiphertext
}

func (r *reader) updatePath() *updatePath {
	u := &updatePath{leaf: r.leafNode()}
	list := r.list()
	for list.more() {
		if len(u.nodes) > 32 {
			list.fail("update path is longer than any tree is high")
			break
		}
		u.nodes = append(u.nodes, pathNode{list.vector(), list.vector()})
	}
	r.close(&list)
	return u
}

// A freshPath is an own update path in the making.
type freshPath struct {
	hops    []hop
	nodes   []*parentNode
	secrets [][]byte // the path secret of each node
	commit  []byte
	leaf    *leafNode
	leafKey []byte
	keys    map[uint32][]byte
}

// newPath puts a fresh path above a member into t.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-7.5
func (t *tree) newPath(place uint32, key *SignatureKey, groupID []byte) (*freshPath, error) {
	leafKey, leafPublic, err := newDecapsulationKey()
	if err != nil {
		return nil, err
	}
	secret := make([]byte, hashSize)
	_, _ = rand.Read(secret) // never fails
	f := &freshPath{hops: t.path(place), leafKey: leafKey, keys: make(map[uint32][]byte)}
	for _, h := range f.hops {
		scalar, public, err := nodeKeyPair(secret)
		if err != nil {
			return nil, err
		}
		f.keys[h.node] = scalar
		f.nodes = append(f.nodes, &parentNode{encryptionKey: public.Bytes(), seal: public})
		f.secrets = append(f.secrets, secret)
		secret = deriveSecret(secret, "path")
	}
	f.commit = secret
	leaf := *t.leaf(place)
	leaf.encryptionKey, leaf.source = leafPublic.Bytes(), sourceCommit
	leaf.parentHash = t.merge(place, f.hops, f.nodes)
	if err := leaf.signWith(key, groupID, place); err != nil {
		return nil, err
	}
	f.leaf = &leaf
	t.set(place, f.leaf)
	return f, nil
}

// nodeKeyPair derives the keys of a node from its path secret.
func nodeKeyPair(pathSecret []byte) (scalar []byte, public *ecdh.PublicKey, err error) {
	secret := deriveSecret(pathSecret, "node")
	defer clear(secret)
	return deriveKeyPair(secret)
}

// merge replaces the direct path of a leaf and returns the parent hash that
// the leaf has to carry.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-7.5
func (t *tree) merge(place uint32, hops []hop, nodes []*parentNode) []byte {
	t.blankAbove(place)
	hash := []byte{}
	for i, h := range slices.Backward(hops) {
		nodes[i].parentHash = hash
		t.nodes[h.node].parent = nodes[i]
		hash = t.parentHash(nodes[i], h.copath)
	}
	return hash
}

// append appends the UpdatePath. Those who were just added get the secret in
// their Welcome instead.
func (f *freshPath) append(dst []byte, t *tree, added []uint32, context []byte) ([]byte, error) {
	var list []byte
	for i, h := range f.hops {
		var secrets []byte
		for _, x := range t.recipients(h.copath, added) {
			var err error
			if secrets, err = appendSealed(secrets, t.nodes[x].seal(), "UpdatePathNode", context, f.secrets[i]); err != nil {
				return nil, err
			}
		}
		list = appendVector(appendVector(list, f.nodes[i].encryptionKey), secrets)
	}
	return appendVector(append(dst, f.leaf.raw...), list), nil
}

// secretFor returns the path secret of the lowest node above both the
// committer and another leaf.
func (f *freshPath) secretFor(committer, leaf uint32) []byte {
	x := commonAncestor(committer, leaf)
	i := slices.IndexFunc(f.hops, func(h hop) bool { return h.node == x })
	return f.secrets[i]
}

func (f *freshPath) wipe() {
	for _, s := range f.secrets {
		clear(s)
	}
	clear(f.commit)
}

// recipients are the nodes to which a path secret is encrypted: the
// resolution without new members.
func (t *tree) recipients(copath uint32, added []uint32) []uint32 {
	nodes := t.resolution(nil, copath)
	if len(added) == 0 {
		return nodes
	}
	return slices.DeleteFunc(nodes, func(x uint32) bool { return x%2 == 0 && contains(added, x/2) })
}

// mergeForeign judges the path of another member and puts it into t. Nobody
// takes another identity or signature key on the way.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-12.4.2
func (t *tree) mergeForeign(u *updatePath, place uint32, groupID []byte) ([]hop, error) {
	old, hops := t.leaf(place), t.path(place)
	switch {
	case len(hops) != len(u.nodes):
		return nil, fmt.Errorf("%w: %d nodes for %d", ErrPath, len(u.nodes), len(hops))
	case u.leaf.source != sourceCommit:
		return nil, fmt.Errorf("%w: its leaf is not for a commit", ErrPath)
	case !bytes.Equal(old.identity, u.leaf.identity) || !bytes.Equal(old.signatureKey, u.leaf.signatureKey):
		return nil, fmt.Errorf("%w: the committer becomes somebody else", ErrPath)
	}
	if err := t.checkFresh(u); err != nil {
		return nil, err
	}
	if err := u.leaf.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPath, err)
	}
	if err := u.leaf.checkSignature(groupID, place); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPath, err)
	}
	nodes := make([]*parentNode, len(u.nodes))
	for i, n := range u.nodes {
		public, err := ecdh.P256().NewPublicKey(n.key)
		if err != nil {
			return nil, fmt.Errorf("%w: key %d: %w", ErrPath, i, err)
		}
		nodes[i] = &parentNode{encryptionKey: n.key, seal: public}
	}
	if hash := t.merge(place, hops, nodes); !bytes.Equal(hash, u.leaf.parentHash) {
		return nil, fmt.Errorf("%w: parent hash", ErrPath)
	}
	t.set(place, u.leaf)
	return hops, nil
}

// checkFresh wants the keys of a path to be nowhere else in the tree.
func (t *tree) checkFresh(u *updatePath) error {
	keys := map[string]struct{}{string(u.leaf.encryptionKey): {}}
	for _, n := range u.nodes {
		keys[string(n.key)] = struct{}{}
	}
	known := len(keys) != len(u.nodes)+1
	for i := range t.nodes {
		_, found := keys[string(t.nodes[i].key())]
		known = known || found
	}
	if known {
		return fmt.Errorf("%w: a key of it is in use: %w", ErrPath, ErrDuplicate)
	}
	return nil
}

// openPath finds the own secret in the path of another member, derives the
// own private keys from it into g, into whose tree the path is merged, and
// returns the commit secret.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-7.5
func (g *Group) openPath(u *updatePath, hops []hop, added []uint32, context []byte) ([]byte, error) {
	at := slices.IndexFunc(hops, func(h hop) bool { return below(h.copath, g.own) })
	if at < 0 {
		return nil, fmt.Errorf("%w: nothing for the own leaf", ErrPath)
	}
	var text sealed
	var scalar []byte
	for i, h := range hops {
		nodes := g.tree.recipients(h.copath, added)
		r := reader{b: u.nodes[i].secrets}
		for _, x := range nodes {
			s := r.sealed()
			if i == at && scalar == nil {
				scalar, text = g.privateKey(x), s
			}
		}
		if err := r.end(); err != nil {
			return nil, fmt.Errorf("%w: not a secret for each of %d: %w", ErrPath, len(nodes), err)
		}
	}
	if scalar == nil {
		return nil, fmt.Errorf("%w: no key to open it", ErrPath)
	}
	secret, err := text.open(scalar, "UpdatePathNode", context)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPath, err)
	}
	return g.climb(secret, hops[at:])
}

// privateKey returns what the member holds for a node, nil for most nodes.
func (g *Group) privateKey(x uint32) []byte {
	if x == 2*g.own {
		return g.leafKey
	}
	return g.keys[x]
}

// climb derives the private keys of the nodes from the path secret of the
// first, compares them with the tree, and returns the secret after the last.
// The secret is overwritten.
func (g *Group) climb(secret []byte, hops []hop) ([]byte, error) {
	if len(secret) != hashSize {
		return nil, fmt.Errorf("%w: path secret of %d bytes", ErrPath, len(secret))
	}
	for _, h := range hops {
		scalar, public, err := nodeKeyPair(secret)
		if err != nil {
			return nil, err
		}
		if p := g.tree.nodes[h.node].parent; p == nil || !bytes.Equal(public.Bytes(), p.encryptionKey) {
			return nil, fmt.Errorf("%w: secret does not fit node %d", ErrPath, h.node)
		}
		clear(g.keys[h.node]) // of the epoch before
		g.keys[h.node] = scalar
		next := deriveSecret(secret, "path")
		clear(secret)
		secret = next
	}
	return secret, nil
}
