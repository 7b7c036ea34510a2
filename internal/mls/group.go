package mls

import (
	"bytes"
	"crypto/rand"
	"fmt"
)

// A Group is one epoch of a group as one member sees it. Apart from
// [Group.Wipe] it never changes: what makes another epoch returns another
// Group, and the two share no secret that Wipe would destroy. It is not safe
// for concurrent use, and no fmt verb shows a key.
type Group struct {
	context  groupContext
	encoded  []byte // the context
	tree     *tree
	interim  []byte // interim transcript hash
	tag      []byte // confirmation tag of the epoch
	external verifyKey

	own     uint32
	key     *SignatureKey
	leafKey []byte            // private key of the own leaf
	keys    map[uint32][]byte // private keys of nodes above it
	secrets secrets
}

// A Member is who sits on a leaf. The slices must not be modified.
type Member struct {
	Leaf         uint32
	Identity     []byte // of the basic credential
	SignatureKey []byte // uncompressed point, 65 bytes
}

// CreateGroup starts a group in epoch 0 with the joiner as its only member,
// on leaf 0, and ext as the only external sender. The result aliases neither
// argument.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-11
func (j *Joiner) CreateGroup(groupID []byte, ext ExternalSender) (*Group, error) {
	if j.leafKey == nil {
		return nil, ErrWiped
	}
	external, err := parseVerifyKey(ext.SignatureKey)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrExternalSender, err)
	}
	epoch := make([]byte, hashSize)
	_, _ = rand.Read(epoch) // never fails
	g := &Group{
		context: groupContext{groupID: bytes.Clone(groupID), extensions: ext.groupExtensions()},
		tree:    newTree(j.pkg.leaf), external: external,
		key: j.key, leafKey: bytes.Clone(j.leafKey), keys: make(map[uint32][]byte),
		secrets: deriveSecrets(epoch),
	}
	clear(epoch)
	g.context.treeHash = g.tree.hash(g.tree.root())[:]
	g.encoded = g.context.append(nil)
	g.tag = mac(g.secrets.confirmation, nil)
	g.interim = interimHash(nil, g.tag)
	return g, nil
}

// GroupID returns the identifier of the group. It must not be modified.
func (g *Group) GroupID() []byte { return g.context.groupID }

// Epoch returns the number of the epoch, 0 for a group nobody was added to.
func (g *Group) Epoch() uint64 { return g.context.epoch }

// OwnLeaf returns the own place in the tree.
func (g *Group) OwnLeaf() uint32 { return g.own }

// Members returns who is in the group, in the order of their leaves. The
// slice is the caller's, what its elements point to is not.
func (g *Group) Members() []Member {
	var members []Member
	for place := range uint32(g.tree.leaves()) {
		if leaf := g.tree.leaf(place); leaf != nil {
			members = append(members, Member{place, leaf.identity, leaf.signatureKey})
		}
	}
	return members
}

// EpochAuthenticator returns 32 bytes that are equal among all members who
// agree on the group, its history and its keys, and nil once the secrets are
// wiped. The slice is the caller's.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-8.7
func (g *Group) EpochAuthenticator() []byte { return bytes.Clone(g.secrets.authenticator) }

// Export derives a secret of at most 8160 bytes for the application. The
// slice is the caller's.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-8.5
func (g *Group) Export(label string, context []byte, length int) ([]byte, error) {
	if g.secrets.exporter == nil {
		return nil, ErrWiped
	}
	return g.secrets.export(label, context, length)
}

// Wipe overwrites the secrets of the epoch: what needs one returns [ErrWiped]
// from now on. Other epochs and the signature key are left alone.
func (g *Group) Wipe() {
	g.secrets.wipe()
	g.wipeKeys()
}

func (g *Group) wipeKeys() {
	clear(g.leafKey)
	for _, key := range g.keys {
		clear(key)
	}
	g.leafKey, g.keys = nil, nil
}

// Format writes group, epoch and leaf, whatever the verb.
func (g *Group) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "mls.Group(%x epoch %d leaf %d)", g.context.groupID, g.context.epoch, g.own)
}

// successor is the epoch after g with another tree, before its transcript and
// its secrets. It copies the private keys that are still in use.
func (g *Group) successor(t *tree) *Group {
	next := &Group{
		context: g.context, tree: t, external: g.external,
		own: g.own, key: g.key, leafKey: bytes.Clone(g.leafKey),
		keys: make(map[uint32][]byte, len(g.keys)),
	}
	next.context.epoch++
	for x, key := range g.keys {
		if int(x) < len(t.nodes) && t.nodes[x].parent != nil {
			next.keys[x] = bytes.Clone(key)
		}
	}
	return next
}

// provisional is the encoded context under which path secrets are encrypted:
// the new tree with the old transcript.
func (g *Group) provisional() []byte {
	g.context.treeHash = g.tree.hash(g.tree.root())[:]
	return g.context.append(nil)
}

// begin completes the context and runs the key schedule. It returns the
// joiner secret and the member secret, for a Welcome.
func (g *Group) begin(confirmed, init, commit, psk []byte) (joiner, member []byte) {
	g.context.treeHash = g.tree.hash(g.tree.root())[:]
	g.context.confirmed = confirmed
	g.encoded = g.context.append(nil)
	joiner = joinerSecret(init, commit, g.encoded)
	member = memberSecret(joiner, psk)
	g.enter(member)
	return joiner, member
}

// enter derives all that follows from the member secret and the context.
func (g *Group) enter(member []byte) {
	epoch := epochSecret(member, g.encoded)
	g.secrets = deriveSecrets(epoch)
	clear(epoch)
	g.tag = mac(g.secrets.confirmation, g.context.confirmed)
	g.interim = interimHash(g.context.confirmed, g.tag)
}
