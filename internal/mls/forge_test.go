package mls

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// forge signs a commit as a member who does not keep to the rules.
func (g *Group) forge(t testing.TB, body, tag []byte) []byte {
	t.Helper()
	m := &message{
		groupID: g.context.groupID, epoch: g.context.epoch, senderKind: senderMember, sender: g.own,
		kind: contentCommit, body: body, confirmation: tag,
	}
	m.setContent()
	require.NoError(t, m.sign(g.key, g.encoded))
	m.membership = m.membershipTag(g.secrets.membership, g.encoded)
	return m.bytes()
}

func TestCommitRefused(t *testing.T) {
	w := newGateway(t)
	a, b, _, _ := w.full(4)
	carol := w.joiner(9)
	add, gone := w.add(1, carol), w.remove(1, 1)
	list := proposals(t, b, add, gone, w.remove(1, a.own), w.remove(1, 1))
	noPath := func(list ...*Proposal) []byte { return append(listRefs(list), 0) }
	inline := append(appendVector(nil, append([]byte{entryProposal, 0, proposalRemove}, 0, 0, 0, 1)), 0)
	stranger := proposals(t, b, w.add(1, w.joiner(10)))
	twin := proposals(t, b, w.add(1, w.joiner(4)))
	s, own := commit(t, a, add), commit(t, b, add)
	for name, c := range map[string]struct {
		commit []byte
		want   error
	}{
		"inline":             {a.forge(t, inline, nil), ErrInline},
		"reference and more": {a.forge(t, append(appendVector(nil, append(listRefs(list[:1])[1:], 1)), 0), nil), ErrInline},
		"unknown proposal":   {a.forge(t, noPath(stranger...), nil), ErrUnknownProposal},
		"short reference":    {a.forge(t, append(appendVector(nil, []byte{entryReference, 1, 7}), 0), nil), ErrMalformed},
		"odd entry":          {a.forge(t, append(appendVector(nil, []byte{3}), 0), nil), ErrMalformed},
		"odd presence":       {a.forge(t, append(listRefs(nil), 2), nil), ErrMalformed},
		"no path, a Remove":  {a.forge(t, noPath(list[1]), nil), ErrPath},
		"no path, empty":     {a.forge(t, noPath(), nil), ErrPath},
		"removes itself":     {a.forge(t, noPath(list[2]), nil), ErrProposals},
		"removes twice":      {a.forge(t, noPath(list[1], list[3]), nil), ErrProposals},
		"wrong confirmation": {a.forge(t, noPath(list[0]), make([]byte, hashSize)), ErrConfirmationTag},
		"no confirmation":    {a.forge(t, noPath(list[0]), nil), ErrConfirmationTag},
		"one user twice":     {a.forge(t, noPath(twin...), nil), ErrDuplicate},
		"own":                {own.Commit, ErrOwnCommit},
		"a proposal":         {add, ErrUnsupported},
		"cut short":          {s.Commit[:50], ErrMalformed},
	} {
		known := list
		if name == "one user twice" {
			known = twin
		}
		_, err := b.Process(c.commit, known)
		require.ErrorIs(t, err, c.want, name)
	}
	next, err := b.Process(s.Commit, list)
	require.NoError(t, err, "nothing of this changed the group")
	requireSame(t, s.Next, next)
	_, err = next.Process(s.Commit, list)
	require.ErrorIs(t, err, ErrEpoch)
	_, err = w.create(1).Process(s.Commit, nil)
	require.ErrorIs(t, err, ErrEpoch)
	far := newGateway(t)
	far.group = []byte("elsewhere")
	_, err = far.create(1).Process(s.Commit, nil)
	require.ErrorIs(t, err, ErrGroup)
}

// TestCommitOfNoMember has commits of leaves that are blank, and of the
// external sender.
func TestCommitOfNoMember(t *testing.T) {
	w := newGateway(t)
	a, b, _, _ := w.full(4)
	ghost := *a
	ghost.own = 77
	_, err := b.Process(ghost.forge(t, []byte{0, 0}, nil), nil)
	require.ErrorIs(t, err, ErrSender)
	other := *a
	other.own = 1
	_, err = b.Process(other.forge(t, []byte{0, 0}, nil), nil)
	require.ErrorIs(t, err, ErrSignature, "a member speaks for another")
	m := &message{groupID: w.group, epoch: 1, senderKind: senderExternal, kind: contentCommit, body: []byte{0, 0}}
	m.setContent()
	require.NoError(t, m.sign(w.signer.key, nil))
	_, err = b.Process(m.bytes(), nil)
	require.ErrorIs(t, err, ErrSender)
	_, err = InspectCommit(m.bytes())
	require.ErrorIs(t, err, ErrSender)
}

// A pathForger bends the update path of an otherwise good commit.
type pathForger func(u *updatePath, f *freshPath, g *Group)

func (g *Group) forgePath(t testing.TB, bend pathForger) []byte {
	t.Helper()
	next := g.successor(g.tree.clone())
	f, err := next.tree.newPath(next.own, g.key, g.context.groupID)
	require.NoError(t, err)
	wire, err := f.append(nil, next.tree, nil, next.provisional())
	require.NoError(t, err)
	r := reader{b: wire}
	u := r.updatePath()
	require.NoError(t, r.end())
	bend(u, f, next)
	var list []byte
	for _, n := range u.nodes {
		list = appendVector(appendVector(list, n.key), n.secrets)
	}
	body := appendVector(append([]byte{0, 1}, u.leaf.raw...), list)
	return g.forge(t, body, make([]byte, hashSize))
}

func TestPathRefused(t *testing.T) {
	w := newGateway(t)
	a, b, _, _ := w.full(5)
	a, b = renewed(t, a, b)
	resign := func(u *updatePath, g *Group) { _ = u.leaf.signWith(g.key, g.context.groupID, g.own) }
	for name, c := range map[string]struct {
		bend pathForger
		want error
	}{
		"nothing wrong":       {func(*updatePath, *freshPath, *Group) {}, ErrConfirmationTag},
		"a node too few":      {func(u *updatePath, _ *freshPath, _ *Group) { u.nodes = u.nodes[1:] }, ErrPath},
		"a node too many":     {func(u *updatePath, _ *freshPath, _ *Group) { u.nodes = append(u.nodes, u.nodes[0]) }, ErrPath},
		"far too many":        {func(u *updatePath, _ *freshPath, _ *Group) { u.nodes = make([]pathNode, 50) }, ErrMalformed},
		"a leaf of an update": {func(u *updatePath, _ *freshPath, g *Group) { u.leaf.source = sourceUpdate; resign(u, g) }, ErrPath},
		"another identity":    {func(u *updatePath, _ *freshPath, g *Group) { u.leaf.identity = identity(6); resign(u, g) }, ErrPath},
		"another parent hash": {func(u *updatePath, _ *freshPath, g *Group) { u.leaf.parentHash = make([]byte, 32); resign(u, g) }, ErrPath},
		"no capabilities":     {func(u *updatePath, _ *freshPath, g *Group) { u.leaf.capabilities = make([]byte, 5); resign(u, g) }, ErrLeaf},
		"signed elsewhere":    {func(u *updatePath, _ *freshPath, g *Group) { _ = u.leaf.signWith(g.key, nil, g.own) }, ErrSignature},
		"the old leaf key": {func(u *updatePath, _ *freshPath, g *Group) {
			u.leaf.encryptionKey = a.tree.leaf(0).encryptionKey
			resign(u, g)
		}, ErrDuplicate},
		"a key twice":       {func(u *updatePath, _ *freshPath, _ *Group) { u.nodes[1].key = u.nodes[0].key }, ErrDuplicate},
		"a key of a member": {func(u *updatePath, _ *freshPath, _ *Group) { u.nodes[1].key = b.tree.leaf(2).encryptionKey }, ErrDuplicate},
		"no key":            {func(u *updatePath, _ *freshPath, _ *Group) { u.nodes[1].key = make([]byte, 65) }, ErrPath},
		"a secret too many": {func(u *updatePath, _ *freshPath, _ *Group) { u.nodes[1].secrets = append(u.nodes[1].secrets, 0, 0) }, ErrMalformed},
		"a secret too few":  {func(u *updatePath, _ *freshPath, _ *Group) { u.nodes[0].secrets = nil }, ErrMalformed},
		"secrets of no sense": {func(u *updatePath, _ *freshPath, _ *Group) {
			last := &u.nodes[len(u.nodes)-1]
			last.secrets = []byte{1, 4, 1, 1}
		}, ErrDecrypt},
		"a secret of no node":  {sealSecret(make([]byte, hashSize)), ErrPath},
		"a secret of one byte": {sealSecret([]byte{1}), ErrPath},
	} {
		_, err := b.Process(a.forgePath(t, c.bend), nil)
		require.ErrorIs(t, err, c.want, name)
	}
}

// renewed gives both members a path of their own, so that nodes above the
// leaves are in use.
func renewed(t testing.TB, a, b *Group) (*Group, *Group) {
	t.Helper()
	s, err := a.Commit(nil)
	require.NoError(t, err)
	a = s.Next
	b, err = b.Process(s.Commit, nil)
	require.NoError(t, err)
	s, err = b.Commit(nil)
	require.NoError(t, err)
	a, err = a.Process(s.Commit, nil)
	require.NoError(t, err)
	requireSame(t, a, s.Next)
	return a, s.Next
}

// sealSecret encrypts something else than the path secret at the top.
func sealSecret(secret []byte) pathForger {
	return func(u *updatePath, f *freshPath, g *Group) {
		top := len(u.nodes) - 1
		var list []byte
		for _, x := range g.tree.recipients(f.hops[top].copath, nil) {
			list, _ = appendSealed(list, g.tree.nodes[x].seal(), "UpdatePathNode", g.provisional(), secret)
		}
		u.nodes[top].secrets = list
	}
}
