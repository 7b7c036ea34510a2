package mls

import (
	"bytes"
	"crypto/ecdh"
	"slices"
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

// A welcomeForger bends the epoch or the secrets that a Welcome leads to.
type welcomeForger struct {
	epoch  func(g *Group)            // before the key schedule
	tree   func(g *Group)            // after it
	secret func(plain []byte) []byte // of the joiner
	info   func(info []byte) []byte  // before it is encrypted
	policy func(policy *JoinPolicy)  // what the joiner wants
	signer func(g *Group)            // before the group info is signed
	cipher func(encrypted []byte)    // the group info
	joiner func(j *Joiner, g *Group) // who tries
}

func (f welcomeForger) try(t testing.TB) error {
	w := newGateway(t)
	a, _, _, _ := w.full(4)
	bob := w.joiner(9)
	list := proposals(t, a, w.add(1, bob))
	change, err := a.newChange(list, 0)
	require.NoError(t, err)
	tr, added, err := change.apply(a.tree)
	require.NoError(t, err)
	next := a.successor(tr)
	do(f.epoch, next)
	joiner, member := next.begin(make([]byte, hashSize), a.secrets.init, zero[:], zero[:])
	do(f.tree, next)
	do(f.signer, next)
	info, err := next.groupInfo()
	require.NoError(t, err)
	if f.info != nil {
		info = f.info(info)
	}
	key, nonce := welcomeKey(member)
	box, err := aead(key)
	require.NoError(t, err)
	info = box.Seal(nil, nonce, info, nil)
	plain := append(appendVector(nil, joiner), 0, 0)
	if f.secret != nil {
		plain = f.secret(plain)
	}
	entry, err := appendSealed(appendVector(nil, bob.pkg.ref), change.adds[0].seal, "Welcome", info, plain)
	require.NoError(t, err)
	require.Equal(t, []uint32{4}, added)
	policy := w.policy()
	if f.policy != nil {
		f.policy(&policy)
	}
	if f.joiner != nil {
		f.joiner(bob, next)
	}
	if f.cipher != nil {
		f.cipher(info)
	}
	_, err = bob.Join(appendWelcome(entry, info), policy)
	return err
}

func do(f func(g *Group), g *Group) {
	if f != nil {
		f(g)
	}
}

// twoSenders is a group extension with one sender too many.
func twoSenders(g *Group) {
	r := reader{b: g.context.extensions}
	var content []byte
	r.extensions(func(_ uint16, c []byte) { content = c })
	list := append(content[2:len(content):len(content)], content[2:]...)
	g.context.extensions = appendVector(nil, appendExtension(nil, extensionExternalSenders, appendVector(nil, list)))
}

func TestWelcomeRefused(t *testing.T) {
	require.NoError(t, welcomeForger{}.try(t))
	other, err := NewExternalSigner([]byte("gateway"))
	require.NoError(t, err)
	for name, c := range map[string]struct {
		forger welcomeForger
		want   error
	}{
		"another group":   {welcomeForger{policy: func(p *JoinPolicy) { p.GroupID = []byte("x") }}, ErrGroup},
		"another sender":  {welcomeForger{policy: func(p *JoinPolicy) { p.ExternalSender = other.Sender() }}, ErrExternalSender},
		"two senders":     {welcomeForger{epoch: twoSenders}, ErrExternalSender},
		"no extensions":   {welcomeForger{epoch: func(g *Group) { g.context.extensions = []byte{0} }}, ErrExternalSender},
		"more extensions": {welcomeForger{epoch: moreExtensions}, ErrExternalSender},
		"an extension twice": {welcomeForger{epoch: func(g *Group) {
			g.context.extensions = appendVector(nil, []byte{0, 9, 0, 0, 9, 0})
		}}, ErrMalformed},
		"a stranger":        {welcomeForger{policy: func(p *JoinPolicy) { p.Recognised = func(id []byte) bool { return !bytes.Equal(id, identity(3)) } }}, ErrUnrecognised},
		"one user twice":    {welcomeForger{epoch: func(g *Group) { g.rename(t, 0, identity(3)) }}, ErrDuplicate},
		"the joiner twice":  {welcomeForger{epoch: func(g *Group) { g.rename(t, 0, identity(9)) }}, ErrDuplicate},
		"another epoch":     {welcomeForger{tree: func(g *Group) { g.encoded[len(g.encoded)-1] ^= 1 }}, ErrExternalSender},
		"another tree":      {welcomeForger{tree: func(g *Group) { g.tree = g.tree.clone(); g.tree.remove(3) }}, ErrTree},
		"no own leaf":       {welcomeForger{joiner: func(j *Joiner, _ *Group) { j.pkg.leaf.raw = nil }}, ErrTree},
		"a forged leaf":     {welcomeForger{epoch: func(g *Group) { g.forgeLeaf(3) }}, ErrSignature},
		"a bad leaf":        {welcomeForger{epoch: func(g *Group) { g.rekey(2, make([]byte, 65)) }}, ErrLeaf},
		"a key twice":       {welcomeForger{epoch: func(g *Group) { g.rekey(2, g.tree.leaf(1).encryptionKey) }}, ErrDuplicate},
		"a false signature": {welcomeForger{signer: func(g *Group) { g.key = other.key }}, ErrSignature},
		"a blank signer":    {welcomeForger{signer: func(g *Group) { g.own = 7 }}, ErrSender},
		"no such signer":    {welcomeForger{signer: func(g *Group) { g.own = 1 << 31 }}, ErrSender},
		"signed by joiner":  {welcomeForger{signer: func(g *Group) { g.own = 4 }}, ErrSender},
		"a false tag":       {welcomeForger{signer: func(g *Group) { g.tag = make([]byte, 32) }}, ErrConfirmationTag},
		"a path of nothing": {welcomeForger{secret: func(p []byte) []byte { return append(appendVector(append(p[:33:33], 1), zero[:]), 0) }}, ErrPath},
		"pre-shared keys":   {welcomeForger{secret: func(p []byte) []byte { return append(p[:34:34], 1, 0) }}, ErrUnsupported},
		"no secrets":        {welcomeForger{secret: func([]byte) []byte { return nil }}, ErrMalformed},
		"other secrets":     {welcomeForger{secret: func(p []byte) []byte { p[5] ^= 1; return p }}, ErrDecrypt},
		"other info":        {welcomeForger{cipher: func(b []byte) { b[0] ^= 1 }}, ErrDecrypt},
		"no tree":           {welcomeForger{info: withoutTree}, ErrTree},
		"a cut info":        {welcomeForger{info: func(b []byte) []byte { return b[:len(b)-1] }}, ErrMalformed},
		"another suite":     {welcomeForger{info: func(b []byte) []byte { b[3]++; return b }}, ErrUnsupported},
		"another joiner":    {welcomeForger{joiner: func(j *Joiner, _ *Group) { j.pkg.ref = make([]byte, 32) }}, ErrNotForUs},
	} {
		require.ErrorIs(t, c.forger.try(t), c.want, name)
	}
}

func moreExtensions(g *Group) {
	r := reader{b: g.context.extensions}
	list := append(slices.Clone(r.vector()), 0, 9, 0)
	g.context.extensions = appendVector(nil, list)
}

// withoutTree drops the extensions of a GroupInfo.
func withoutTree(b []byte) []byte {
	r := reader{b: b}
	r.groupContext(nil)
	head := r.since(b)
	r.extensions(nil)
	return append(append(head, 0), r.b...)
}

// rename gives a member another identity, signed by itself.
func (g *Group) rename(t testing.TB, place uint32, id []byte) {
	leaf := *g.tree.leaf(place)
	leaf.identity = id
	require.NoError(t, leaf.signWith(g.key, g.context.groupID, place))
	g.tree.set(place, &leaf)
}

// rekey gives a member an encryption key for which it never signed.
func (g *Group) rekey(place uint32, key []byte) {
	leaf := *g.tree.leaf(place)
	leaf.encryptionKey = key
	leaf.raw = appendVector(leaf.appendUnsigned(nil), []byte("no signature"))
	g.tree.set(place, &leaf)
}

func (g *Group) forgeLeaf(place uint32) {
	_, key, _ := newDecapsulationKey()
	g.rekey(place, key.Bytes())
}

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
