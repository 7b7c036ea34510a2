package mls

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// pair is a group of two in epoch 1: its creator and user 2.
func (w *gateway) pair() (a, b *Group) {
	w.t.Helper()
	a, b, _, _ = w.full(2)
	return a, b
}

func TestProposalRefused(t *testing.T) {
	w := newGateway(t)
	a, _ := w.pair()
	good := w.add(1, w.joiner(3))
	sign := func(m *message) []byte {
		m.setContent()
		require.NoError(t, m.sign(w.signer.key, a.encoded))
		return m.bytes()
	}
	remove := appendU32(appendU16(nil, proposalRemove), 1)
	other := newGateway(t)
	for name, c := range map[string]struct {
		msg  []byte
		want error
		rest bool // the end of the message is known
	}{
		"another group":      {sign(&message{groupID: []byte("x"), epoch: 1, senderKind: senderExternal, kind: contentProposal, body: remove}), ErrGroup, true},
		"another epoch":      {w.remove(2, 1), ErrEpoch, true},
		"another gateway":    {other.remove(1, 1), ErrSignature, true},
		"another sender":     {sign(&message{groupID: w.group, epoch: 1, senderKind: senderExternal, sender: 1, kind: contentProposal, body: remove}), ErrSender, true},
		"a member":           {sign(&message{groupID: w.group, epoch: 1, senderKind: senderMember, kind: contentProposal, body: remove}), ErrSender, true},
		"a new member":       {sign(&message{groupID: w.group, epoch: 1, senderKind: 3, kind: contentProposal, body: remove}), ErrSender, false},
		"nobody to remove":   {w.remove(1, 7), ErrProposals, true},
		"no such leaf":       {w.remove(1, 1<<31), ErrProposals, true},
		"an external init":   {sign(&message{groupID: w.group, epoch: 1, senderKind: senderExternal, kind: contentProposal, body: []byte{0, 6, 0}}), ErrUnsupported, false},
		"a commit":           {sign(&message{groupID: w.group, epoch: 1, senderKind: senderExternal, kind: contentCommit, body: []byte{0, 0}}), ErrUnsupported, false},
		"application data":   {sign(&message{groupID: w.group, epoch: 1, senderKind: senderExternal, kind: 1, body: []byte{0}}), ErrUnsupported, false},
		"a private message":  {append([]byte{0, 1, 0, 2}, good[4:]...), ErrUnsupported, false},
		"another version":    {append([]byte{0, 2}, good[2:]...), ErrUnsupported, false},
		"cut short":          {good[:len(good)-1], ErrMalformed, false},
		"nothing":            {nil, ErrMalformed, false},
		"a bad key package":  {sign(&message{groupID: w.group, epoch: 1, senderKind: senderExternal, kind: contentProposal, body: badAdd(t)}), ErrKeyPackage, true},
		"a foreign protocol": {[]byte("GET / HTTP/1.1\r\n\r\n"), ErrUnsupported, false},
	} {
		p, rest, err := a.ParseProposal(append(bytes.Clone(c.msg), "rest"...)[:len(c.msg)+4*btoi(c.rest)])
		require.ErrorIs(t, err, c.want, name)
		require.Nil(t, p, name)
		require.Equal(t, map[bool]string{true: "rest"}[c.rest], string(rest), name)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// badAdd is an Add whose key package has another signature than it should.
func badAdd(t *testing.T) []byte {
	key, err := GenerateSignatureKey()
	require.NoError(t, err)
	j, err := NewJoiner(identity(9), key)
	require.NoError(t, err)
	sig, err := key.sign("KeyPackage", j.pkg.raw[:j.pkg.signed])
	require.NoError(t, err)
	return appendVector(append(appendU16(nil, proposalAdd), j.pkg.raw[:j.pkg.signed]...), sig)
}

func TestProposalsDoNotAliasTheirInput(t *testing.T) {
	w := newGateway(t)
	a, b := w.pair()
	carol := w.joiner(3)
	msg := w.add(1, carol)
	list := proposals(t, b, msg)
	s := commit(t, a, msg)
	ref := bytes.Clone(list[0].Ref)
	clear(msg)
	require.Equal(t, carol.KeyPackage(), list[0].Add.Bytes())
	require.Equal(t, identity(3), list[0].Add.Identity())
	require.Equal(t, ref, list[0].Ref)
	commit := bytes.Clone(s.Commit)
	next, err := b.Process(commit, list)
	require.NoError(t, err)
	clear(commit)
	welcome := bytes.Clone(s.Welcome)
	c, err := carol.Join(welcome, w.policy())
	require.NoError(t, err)
	clear(welcome)
	requireSame(t, next, c)
	require.Equal(t, s.Next.tree.appendTo(nil), c.tree.appendTo(nil))
	require.Equal(t, s.Next.tree.appendTo(nil), next.tree.appendTo(nil))
}

func TestProposalListRefused(t *testing.T) {
	w := newGateway(t)
	a, _, _, _ := w.full(4)
	again := w.joiner(3)
	twin := w.joiner(9)
	for name, c := range map[string]struct {
		msgs [][]byte
		want error
	}{
		"the committer":     {[][]byte{w.remove(1, 0)}, ErrSelfRemove},
		"one leaf twice":    {[][]byte{w.remove(1, 2), w.remove(1, 2)}, ErrProposals},
		"who is there":      {[][]byte{w.add(1, again)}, ErrDuplicate},
		"one user twice":    {[][]byte{w.add(1, w.joiner(5)), w.add(1, w.joiner(5))}, ErrDuplicate},
		"one package twice": {[][]byte{w.add(1, twin), w.add(1, twin)}, ErrDuplicate},
	} {
		_, err := a.Commit(proposals(t, a, c.msgs...))
		require.ErrorIs(t, err, c.want, name)
	}
	stale := proposals(t, a, w.add(1, w.joiner(5)))
	next := commit(t, a, w.add(1, w.joiner(6))).Next
	_, err := next.Commit(stale)
	require.ErrorIs(t, err, ErrProposals, "of the epoch before")
}

// TestProposalOfAnotherView has proposals that came to a group of the same
// identifier and epoch, which is another one all the same.
func TestProposalOfAnotherView(t *testing.T) {
	w := newGateway(t)
	large, _, _, _ := w.full(6)
	small, _ := w.pair()
	_, err := small.Commit(proposals(t, large, w.remove(1, 5)))
	require.ErrorIs(t, err, ErrProposals)
	s, err := small.Commit(proposals(t, large, w.add(1, w.joiner(9))))
	require.NoError(t, err)
	require.Len(t, s.Next.Members(), 3)

	other := newGateway(t)
	alone := other.create(1)
	_, err = alone.Commit(proposals(t, w.create(1), w.add(0, w.joiner(9))))
	require.ErrorIs(t, err, ErrProposals, "of another external sender")
	_, err = alone.Commit([]*Proposal{{}})
	require.ErrorIs(t, err, ErrSelfRemove)
	_, err = alone.Commit([]*Proposal{{Add: w.joiner(9).pkg, groupID: other.group}})
	require.ErrorIs(t, err, ErrProposals)
}

// TestAlone commits in a group of one, which has no path to renew.
func TestAlone(t *testing.T) {
	w := newGateway(t)
	a := w.create(1)
	s := commit(t, a)
	require.Equal(t, uint64(1), s.Next.Epoch())
	require.NotEqual(t, a.EpochAuthenticator(), s.Next.EpochAuthenticator())
	bob := w.joiner(2)
	s = commit(t, s.Next, w.add(1, bob))
	b, err := bob.Join(s.Welcome, w.policy())
	require.NoError(t, err)
	requireSame(t, s.Next, b)
	s = commit(t, b, w.remove(2, 0))
	require.Len(t, s.Next.Members(), 1)
	require.Equal(t, uint32(1), s.Next.OwnLeaf())
}

// TestEveryByteCounts changes each byte of what a peer sends.
func TestEveryByteCounts(t *testing.T) {
	w := newGateway(t)
	a, b, _, _ := w.full(4)
	dave := w.joiner(9)
	msgs := [][]byte{w.remove(1, 1), w.add(1, dave)}
	s, list := commit(t, a, msgs...), proposals(t, b, msgs...)
	for name, c := range map[string]struct {
		msg []byte
		try func(msg []byte) error
	}{
		"key package": {dave.KeyPackage(), func(m []byte) error { _, err := ParseKeyPackage(m); return err }},
		"proposal":    {msgs[1], func(m []byte) error { _, _, err := a.ParseProposal(m); return err }},
		"commit":      {s.Commit, func(m []byte) error { _, err := b.Process(m, list); return err }},
		"welcome":     {s.Welcome, func(m []byte) error { _, err := dave.Join(m, w.policy()); return err }},
	} {
		require.NoError(t, c.try(c.msg), name)
		for i := range c.msg {
			c.msg[i] ^= 0x41
			require.Error(t, c.try(c.msg), "%s, byte %d", name, i)
			c.msg[i] ^= 0x41
		}
		require.Error(t, c.try(c.msg[:len(c.msg)-1]), name)
		require.NoError(t, c.try(c.msg), name)
	}
	require.ErrorIs(t, func() error { _, err := b.Process(append(s.Commit, 0), list); return err }(), ErrMalformed)
	require.ErrorIs(t, func() error { _, err := dave.Join(append(s.Welcome, 0), w.policy()); return err }(), ErrMalformed)
}

func TestWipe(t *testing.T) {
	w := newGateway(t)
	a, b := w.pair()
	msg := w.add(1, w.joiner(3))
	s, list := commit(t, a, msg), proposals(t, b, msg)
	next, err := b.Process(s.Commit, list)
	require.NoError(t, err)
	init, leafKey := b.secrets.init, b.leafKey
	b.Wipe()
	b.Wipe()
	require.Equal(t, make([]byte, hashSize), init)
	require.Equal(t, make([]byte, 32), leafKey)
	require.Nil(t, b.EpochAuthenticator())
	_, err = b.Export("x", nil, 16)
	require.ErrorIs(t, err, ErrWiped)
	_, err = b.Commit(list)
	require.ErrorIs(t, err, ErrWiped)
	_, err = b.Process(s.Commit, list)
	require.ErrorIs(t, err, ErrWiped)
	requireSame(t, s.Next, next)
	require.NoError(t, next.checkPrivate())

	j := w.joiner(4)
	j.Wipe()
	_, err = j.Join(s.Welcome, w.policy())
	require.ErrorIs(t, err, ErrWiped)
	_, err = j.CreateGroup(w.group, w.signer.Sender())
	require.ErrorIs(t, err, ErrWiped)
}

func TestNoVerbShowsAKey(t *testing.T) {
	w := newGateway(t)
	a, b := w.pair()
	msg := w.remove(1, 0)
	s := commit(t, b, msg)
	j := w.joiner(3)
	secrets := [][]byte{
		a.key.Bytes(), a.leafKey, s.Next.keys[1], a.secrets.init, a.secrets.exporter,
		b.key.Bytes(), s.Next.leafKey, s.Next.secrets.exporter,
		j.leafKey, j.initKey, j.key.Bytes(), w.signer.key.Bytes(),
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c"} {
		for _, value := range []any{a, s, *s, s.Next, j, j.key, w.signer, []any{a, j}, map[string]*Group{"a": a}} {
			text := fmt.Sprintf(verb, value)
			for _, secret := range secrets {
				if len(secret) == 0 {
					continue
				}
				for _, shown := range []string{"%x", "%X", "%d", "%s"} {
					want := strings.Trim(fmt.Sprintf(shown, secret), "[]")
					require.NotContains(t, text, want, "%s of %T", verb, value)
				}
			}
		}
	}
	require.Equal(t, "mls.Group(0000000000001e61 epoch 1 leaf 0)", fmt.Sprint(a))
}

func TestSignatureKey(t *testing.T) {
	key, err := GenerateSignatureKey()
	require.NoError(t, err)
	again, err := ParseSignatureKey(key.Bytes())
	require.NoError(t, err)
	require.Equal(t, key.Public(), again.Public())
	require.Len(t, key.Public(), 65)
	require.Len(t, key.Bytes(), 32)
	for _, bad := range [][]byte{nil, make([]byte, 32), make([]byte, 31), bytes.Repeat([]byte{0xff}, 32)} {
		_, err = ParseSignatureKey(bad)
		require.Error(t, err)
	}
}

func TestExternalSender(t *testing.T) {
	w := newGateway(t)
	b := w.signer.Sender().Append(nil)
	s, err := ParseExternalSender(b)
	require.NoError(t, err)
	require.Equal(t, w.signer.Sender(), s)
	clear(b)
	require.Equal(t, w.signer.Sender(), s, "does not alias its input")

	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"more":            {append(s.Append(nil), 0), ErrMalformed},
		"less":            {s.Append(nil)[:70], ErrMalformed},
		"a certificate":   {append(appendVector(nil, s.SignatureKey), 0, 2, 0), ErrUnsupported},
		"not a point":     {ExternalSender{make([]byte, 65), nil}.Append(nil), ErrExternalSender},
		"a short point":   {ExternalSender{s.SignatureKey[:33], nil}.Append(nil), ErrExternalSender},
		"the other curve": {ExternalSender{make([]byte, 32), nil}.Append(nil), ErrExternalSender},
	} {
		_, err := ParseExternalSender(c.b)
		require.ErrorIs(t, err, c.want, name)
	}
	_, err = w.joiner(1).CreateGroup(w.group, ExternalSender{})
	require.ErrorIs(t, err, ErrExternalSender)
}

func TestExportLength(t *testing.T) {
	w := newGateway(t)
	a := w.create(1)
	b, err := a.Export("label", nil, 8160)
	require.NoError(t, err)
	require.Len(t, b, 8160)
	_, err = a.Export("label", nil, 8161)
	require.Error(t, err)
	_, err = DeriveTreeSecret(b, "key", 0, 8161)
	require.Error(t, err)
}
