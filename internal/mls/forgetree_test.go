package mls

import (
	"crypto/ecdh"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTreeRefused has trees that nobody could have come to.
func TestTreeRefused(t *testing.T) {
	w := newGateway(t)
	a, b, _, _ := w.full(4)
	a, _ = renewed(t, a, b)
	key := func() *parentNode {
		_, k, err := newDecapsulationKey()
		require.NoError(t, err)
		return &parentNode{encryptionKey: k.Bytes(), seal: k}
	}
	require.NoError(t, a.tree.check(w.group))
	for name, bend := range map[string]func(tr *tree, root *parentNode){
		"no point":          func(_ *tree, root *parentNode) { root.encryptionKey = make([]byte, 65) },
		"unmerged blank":    func(tr *tree, root *parentNode) { tr.set(2, nil); root.unmerged = []uint32{2} },
		"unmerged far away": func(_ *tree, root *parentNode) { root.unmerged = []uint32{200} },
		"merged in between": func(_ *tree, root *parentNode) { root.unmerged = []uint32{1} },
		"a stray node":      func(tr *tree, _ *parentNode) { tr.nodes[tr.root()].parent = key() },
		"a key twice":       func(tr *tree, root *parentNode) { root.encryptionKey = tr.leaf(2).encryptionKey },
		"another hash":      func(_ *tree, root *parentNode) { root.parentHash = []byte{1} },
	} {
		tr := a.tree.clone()
		root := *tr.nodes[tr.root()].parent
		tr.nodes[tr.root()].parent = &root
		bend(tr, &root)
		require.ErrorIs(t, tr.check(w.group), ErrTree, name)
	}
	for name, b := range map[string][]byte{
		"nothing":         {},
		"no nodes":        {0},
		"blank at end":    {1, 0},
		"odd presence":    {1, 2},
		"odd kind":        {2, 1, 3},
		"parent as leaf":  appendVector(nil, []byte{1, kindParent, 0, 0, 0}),
		"unmerged order":  appendVector(nil, append([]byte{0, 1, kindParent, 0, 0}, 8, 0, 0, 0, 2, 0, 0, 0, 1)),
		"more than fit":   appendVector(nil, append(make([]byte, 2*maxLeaves), 1)),
		"a leaf and rest": append(a.tree.appendTo(nil), 0),
	} {
		r := reader{b: b}
		r.tree()
		require.ErrorIs(t, r.end(), ErrMalformed, name)
	}
}

func TestTreeIsBounded(t *testing.T) {
	leaf := &leafNode{}
	tr := newTree(leaf)
	var from uint32
	for range maxLeaves - 1 {
		place, err := tr.add(leaf, from)
		require.NoError(t, err)
		from = place
	}
	_, err := tr.add(leaf, from)
	require.ErrorIs(t, err, ErrUnsupported)
	require.Equal(t, maxLeaves, tr.leaves())
}

// TestKeyPackageRefused signs key packages that break a rule.
func TestKeyPackageRefused(t *testing.T) {
	w := newGateway(t)
	resign := func(j *Joiner) []byte {
		k := j.pkg
		_ = k.leaf.signWith(j.key, nil, 0)
		k.raw = appendU16(appendU16(nil, k.version), k.suite)
		k.raw = append(append(appendVector(k.raw, k.initKey), k.leaf.raw...), 0)
		sig, err := j.key.sign("KeyPackageTBS", k.raw)
		require.NoError(t, err)
		return appendVector(k.raw, sig)
	}
	_, err := ParseKeyPackage(resign(w.joiner(1)))
	require.NoError(t, err)
	for name, c := range map[string]struct {
		bend func(k *KeyPackage)
		want error
	}{
		"version":       {func(k *KeyPackage) { k.version = 2 }, ErrUnsupported},
		"suite":         {func(k *KeyPackage) { k.suite = 1 }, ErrUnsupported},
		"init key":      {func(k *KeyPackage) { k.initKey = make([]byte, 65) }, ErrKeyPackage},
		"one key":       {func(k *KeyPackage) { k.initKey = k.leaf.encryptionKey }, ErrKeyPackage},
		"leaf key":      {func(k *KeyPackage) { k.leaf.encryptionKey = k.leaf.encryptionKey[:33] }, ErrLeaf},
		"signature key": {func(k *KeyPackage) { k.leaf.signatureKey = make([]byte, 65) }, ErrLeaf},
		"source":        {func(k *KeyPackage) { k.leaf.source = sourceCommit }, ErrKeyPackage},
		"odd source":    {func(k *KeyPackage) { k.leaf.source = 9 }, ErrMalformed},
		"capabilities":  {func(k *KeyPackage) { k.leaf.capabilities = []byte{2, 0, 1, 2, 0, 1, 0, 0, 2, 0, 1} }, ErrLeaf},
		"credentials":   {func(k *KeyPackage) { k.leaf.capabilities = []byte{2, 0, 1, 2, 0, 2, 0, 0, 2, 0, 2} }, ErrLeaf},
		"odd list":      {func(k *KeyPackage) { k.leaf.capabilities = []byte{1, 0, 2, 0, 2, 0, 0, 2, 0, 1} }, ErrMalformed},
		"extension":     {func(k *KeyPackage) { k.leaf.extensions = []byte{3, 0, 9, 0} }, ErrLeaf},
		"twice":         {func(k *KeyPackage) { k.leaf.extensions = []byte{6, 0, 1, 0, 0, 1, 0} }, ErrMalformed},
		"too many":      {func(k *KeyPackage) { k.leaf.extensions = manyExtensions() }, ErrMalformed},
	} {
		j := w.joiner(1)
		c.bend(j.pkg)
		_, err := ParseKeyPackage(resign(j))
		require.ErrorIs(t, err, c.want, name)
	}
	k, err := ParseKeyPackage(w.joiner(1).KeyPackage())
	require.NoError(t, err)
	from, to := k.Lifetime()
	require.Zero(t, from)
	require.Equal(t, ^uint64(0), to)
	require.Len(t, k.SignatureKey(), 65)
	require.Len(t, k.Ref(), 32)
	_, err = ecdh.P256().NewPublicKey(k.initKey)
	require.NoError(t, err)
}

func manyExtensions() []byte {
	var list []byte
	for i := range maxExtensions + 1 {
		list = appendExtension(list, uint16(i), nil)
	}
	return appendVector(nil, list)
}
