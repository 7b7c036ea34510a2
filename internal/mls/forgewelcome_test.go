package mls

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

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
