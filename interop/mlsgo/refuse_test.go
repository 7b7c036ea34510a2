package mlsgo

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/thomas-vilte/mls-go/ciphersuite"
	"github.com/thomas-vilte/mls-go/credentials"
	"github.com/thomas-vilte/mls-go/group"
	"github.com/thomas-vilte/mls-go/keypackages"
)

// Proposals of another group or another epoch are taken as this one's.
func TestNeedForeignProposalAccepted(t *testing.T) {
	c := newCall(t, 2)
	pkg := newPeer(t, 9).pkg.Marshal()
	other := append([]byte(nil), channel...)
	other[7]++
	message, _ := c.service.propose(t, other, 1, append([]byte{0, 1}, pkg...))
	require.NoError(t, c.members[0].receive(message), "of another group")

	late, _ := c.service.add(t, 77, newPeer(t, 10).pkg.Marshal())
	require.NoError(t, c.members[0].receive(late), "of another epoch")
}

func TestNeedForeignSenderRefused(t *testing.T) {
	c := newCall(t, 2)
	message, _ := newService(t).add(t, 1, newPeer(t, 9).pkg.Marshal())
	require.ErrorIs(t, c.members[0].receive(message), ciphersuite.ErrInvalidSignature)
}

// Nothing can be told to refuse commits with proposals inside: a caller has
// to parse the commit itself first.
func TestNeedInlineProposalAccepted(t *testing.T) {
	c := newCall(t, 2)
	pkg, err := keypackages.UnmarshalKeyPackage(newPeer(t, 9).pkg.Marshal())
	require.NoError(t, err)
	p := c.members[1]
	next := clone(t, p.group)
	_, err = next.AddMember(pkg)
	require.NoError(t, err)
	s, err := next.Commit(p.sign, p.sign.PublicKey(), nil)
	require.NoError(t, err)
	require.NotNil(t, s.Commit().Proposals[0].Proposal)
	require.NoError(t, c.members[0].receive(commitMessage(s)))
}

// A user can be in the group twice.
func TestNeedDuplicateCredentialAccepted(t *testing.T) {
	c := newCall(t, 2)
	c.service.addTo(t, c, 2)
	s := c.members[0].commit(t)
	c.win(t, 0, s)
	require.Equal(t, 3, c.members[1].group.MemberCount())
}

// Anybody who holds the GroupInfo of a Welcome can join without a proposal;
// the members accept.
func TestNeedExternalCommitAccepted(t *testing.T) {
	c := newCall(t, 2)
	info, err := c.members[0].group.GetGroupInfo(c.members[0].sign)
	require.NoError(t, err)
	credential, sign, err := credentials.GenerateCredentialWithKeyForCS([]byte("stranger"), suite)
	require.NoError(t, err)
	_, s, err := group.ExternalCommit(info, suite, sign, sign.PublicKey(), nil, credential.Credential)
	require.NoError(t, err)
	require.NoError(t, c.members[1].receive(commitMessage(s)))
	require.Equal(t, 3, c.members[1].group.MemberCount())
}

// Removing the committer itself is taken for a way to leave.
func TestNeedSelfRemoveAccepted(t *testing.T) {
	c := newCall(t, 3)
	message, _ := c.service.remove(t, 1, 2)
	c.propose(t, message)
	leaver := c.members[2]
	s, err := leaver.group.Commit(leaver.sign, leaver.sign.PublicKey(), nil)
	require.NoError(t, err)
	require.NoError(t, c.members[0].receive(commitMessage(s)))
}

// Bytes behind a key package or a Welcome are ignored, and of two messages in
// one buffer, as ops 27 and 28 have them, neither can be read: the decoder has
// no end of its own.
func TestNeedEndOfMessage(t *testing.T) {
	c := newCall(t, 2)
	_, err := keypackages.UnmarshalKeyPackage(append(newPeer(t, 9).pkg.Marshal(), 0))
	require.NoError(t, err)
	c.service.addTo(t, c, 11)
	s := c.members[0].commit(t)
	_, err = group.UnmarshalWelcome(append(s.welcome, 0))
	require.NoError(t, err)
	require.ErrorContains(t, c.members[1].receive(append(s.commit, s.welcome...)), "unable to locate raw handshake body")
}

// Lengths must be in their shortest form, but a list of references may also
// have a length before each: one commit has two encodings.
func TestNeedEncodings(t *testing.T) {
	_, err := group.UnmarshalWelcome([]byte{0, 2, 0x40, 1, 0, 0})
	require.ErrorContains(t, err, "non-minimal")

	ref := append([]byte{2}, vector(make([]byte, 32))...)
	plain, err := group.UnmarshalCommit(append(vector(ref), 0))
	require.NoError(t, err)
	wrapped, err := group.UnmarshalCommit(append(vector(vector(ref)), 0))
	require.NoError(t, err)
	require.Equal(t, plain, wrapped)
}
