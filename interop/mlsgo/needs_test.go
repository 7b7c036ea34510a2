package mlsgo

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/thomas-vilte/mls-go/group"
	"github.com/thomas-vilte/mls-go/keypackages"
)

// Bare key packages, bare Welcomes, external senders, Adds by reference.
func TestNeedGroupOfTen(t *testing.T) {
	c := newCall(t, 10)
	c.agree(t)
	want := c.service.sender()
	for _, p := range c.members {
		exts := p.group.GroupContext().Extensions
		require.Len(t, exts, 1)
		require.Equal(t, vector(want), exts[0].Data, "the list holds the sender as it was given")
		a, err := p.group.Export("Discord Secure Frames v0", []byte{1, 0, 0, 0, 0, 0, 0, 0}, 16)
		require.NoError(t, err)
		b, err := c.members[0].group.Export("Discord Secure Frames v0", []byte{1, 0, 0, 0, 0, 0, 0, 0}, 16)
		require.NoError(t, err)
		require.Equal(t, b, a)
	}
}

func TestNeedUnlimitedLifetime(t *testing.T) {
	pkg, err := keypackages.UnmarshalKeyPackage(newPeer(t, 1).pkg.Marshal())
	require.NoError(t, err)
	require.Zero(t, pkg.LeafNode.Lifetime.NotBefore)
	require.Equal(t, ^uint64(0), pkg.LeafNode.Lifetime.NotAfter)
	require.NoError(t, pkg.Verify(suite))
}

func TestNeedRevocation(t *testing.T) {
	c := newCall(t, 2)
	stay, _ := c.service.add(t, 1, newPeer(t, 8).pkg.Marshal())
	gone, ref := c.service.add(t, 1, newPeer(t, 9).pkg.Marshal())
	c.propose(t, stay)
	c.propose(t, gone)
	for _, p := range c.members {
		require.True(t, p.group.RevokeProposal(ref))
	}
	s := c.members[1].commit(t)
	c.win(t, 1, s)
	require.Equal(t, 3, c.members[0].group.MemberCount())
}

// A commit of Adds alone needs no path, and DAVE's clients send none. The
// library always makes one as soon as the group has two members.
func TestNeedAddOnlyCommitCarriesAPath(t *testing.T) {
	c := newCall(t, 2)
	message, _ := c.service.add(t, 1, newPeer(t, 9).pkg.Marshal())
	c.propose(t, message)
	pending, err := c.members[0].group.Commit(c.members[0].sign, c.members[0].sign.PublicKey(), nil)
	require.NoError(t, err)
	require.NotNil(t, pending.Commit().Path)
}

// Recovery: a client that lost its state is removed and added again in one
// commit, with the signature key it always has. The library counts the leaf
// that goes as one that stays.
func TestNeedRemoveAndAddOfOneUserRefused(t *testing.T) {
	c := newCall(t, 3)
	lost := c.members[2]
	remove, _ := c.service.remove(t, 1, 2)
	add, _ := c.service.add(t, 1, lost.freshKeyPackage(t))
	c.members = c.members[:2]
	c.propose(t, remove)
	c.propose(t, add)
	_, err := c.members[0].group.Commit(c.members[0].sign, c.members[0].sign.PublicKey(), nil)
	require.ErrorContains(t, err, "signature key in Add proposal already in use")
	require.ErrorIs(t, err, group.ErrInvalidProposal)
}

func TestNeedRemove(t *testing.T) {
	c := newCall(t, 5)
	message, _ := c.service.remove(t, 1, 4)
	c.propose(t, message)
	removed := c.members[4]
	c.members = c.members[:4]
	s := c.members[1].commit(t)
	c.win(t, 1, s)
	require.Error(t, removed.process(t, s.commit), "the removed one cannot follow")
	require.Equal(t, uint64(1), epochOf(removed))
}
