package mls

import (
	"crypto/ecdh"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

// A gateway is the voice gateway of a test: it signs proposals and splits
// what members answer.
type gateway struct {
	t      testing.TB
	signer *ExternalSigner
	group  []byte
}

func newGateway(t testing.TB) *gateway {
	t.Helper()
	signer, err := NewExternalSigner([]byte("gateway"))
	require.NoError(t, err)
	return &gateway{t, signer, binary.BigEndian.AppendUint64(nil, 7777)}
}

func identity(user uint64) []byte { return binary.BigEndian.AppendUint64(nil, user) }

func (w *gateway) policy() JoinPolicy {
	return JoinPolicy{GroupID: w.group, ExternalSender: w.signer.Sender()}
}

func (w *gateway) joiner(user uint64) *Joiner {
	w.t.Helper()
	key, err := GenerateSignatureKey()
	require.NoError(w.t, err)
	j, err := NewJoiner(identity(user), key)
	require.NoError(w.t, err)
	return j
}

func (w *gateway) create(user uint64) *Group {
	w.t.Helper()
	g, err := w.joiner(user).CreateGroup(w.group, w.signer.Sender())
	require.NoError(w.t, err)
	return g
}

func (w *gateway) add(epoch uint64, j *Joiner) []byte {
	w.t.Helper()
	msg, _, err := w.signer.SignAdd(w.group, epoch, j.KeyPackage())
	require.NoError(w.t, err)
	return msg
}

func (w *gateway) remove(epoch uint64, leaf uint32) []byte {
	w.t.Helper()
	msg, _, err := w.signer.SignRemove(w.group, epoch, leaf)
	require.NoError(w.t, err)
	return msg
}

func proposals(t testing.TB, g *Group, msgs ...[]byte) []*Proposal {
	t.Helper()
	var list []*Proposal
	for _, m := range msgs {
		p, rest, err := g.ParseProposal(m)
		require.NoError(t, err)
		require.Empty(t, rest)
		list = append(list, p)
	}
	return list
}

func commit(t testing.TB, g *Group, msgs ...[]byte) *Staged {
	t.Helper()
	s, err := g.Commit(proposals(t, g, msgs...))
	require.NoError(t, err)
	return s
}

func requireSame(t testing.TB, a, b *Group) {
	t.Helper()
	require.Equal(t, a.Epoch(), b.Epoch())
	require.Equal(t, a.EpochAuthenticator(), b.EpochAuthenticator(), "one epoch, one authenticator")
	require.Equal(t, a.Members(), b.Members())
	x, err := a.Export("label", []byte("context"), 16)
	require.NoError(t, err)
	y, err := b.Export("label", []byte("context"), 16)
	require.NoError(t, err)
	require.Equal(t, x, y)
}

func TestGroupLife(t *testing.T) {
	w := newGateway(t)
	a := w.create(1)
	require.Zero(t, a.Epoch())
	require.Zero(t, a.OwnLeaf())

	bob := w.joiner(2)
	s := commit(t, a, w.add(0, bob))
	b, err := bob.Join(s.Welcome, w.policy())
	require.NoError(t, err)
	a = s.Next
	requireSame(t, a, b)

	carol := w.joiner(3)
	msg := w.add(1, carol)
	s = commit(t, b, msg)
	a, err = a.Process(s.Commit, proposals(t, a, msg))
	require.NoError(t, err)
	b = s.Next
	c, err := carol.Join(s.Welcome, w.policy())
	require.NoError(t, err)
	requireSame(t, a, b)
	requireSame(t, a, c)

	msg = w.remove(2, 0)
	s = commit(t, c, msg)
	_, err = a.Process(s.Commit, proposals(t, a, msg))
	require.ErrorIs(t, err, ErrRemoved)
	b, err = b.Process(s.Commit, proposals(t, b, msg))
	require.NoError(t, err)
	c = s.Next
	requireSame(t, b, c)

	// Recovery: the same user goes and comes back in one commit.
	again := w.joiner(2)
	msgs := [][]byte{w.remove(3, b.OwnLeaf()), w.add(3, again)}
	s = commit(t, c, msgs...)
	_, err = b.Process(s.Commit, proposals(t, b, msgs...))
	require.ErrorIs(t, err, ErrRemoved)
	b, err = again.Join(s.Welcome, w.policy())
	require.NoError(t, err)
	c = s.Next
	requireSame(t, b, c)

	// An empty commit renews the keys.
	s = commit(t, b)
	require.Nil(t, s.Welcome)
	c, err = c.Process(s.Commit, nil)
	require.NoError(t, err)
	requireSame(t, s.Next, c)
}

func publicOf(scalar []byte) ([]byte, error) {
	key, err := ecdh.P256().NewPrivateKey(scalar)
	if err != nil {
		return nil, err
	}
	return key.PublicKey().Bytes(), nil
}
