package mlsgo

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/thomas-vilte/mls-go/ciphersuite"
	"github.com/thomas-vilte/mls-go/framing"
	"github.com/thomas-vilte/mls-go/group"
	"github.com/thomas-vilte/mls-go/schedule"
)

// forgeTag is what a malicious member sends: its own commit with a wrong
// confirmation tag and a membership tag that fits.
func forgeTag(p *peer, commit *group.StagedCommit) []byte {
	content := *commit.AuthenticatedContent()
	content.Auth.ConfirmationTag = make([]byte, 32)
	tag := schedule.ComputeMembershipTag(suite, p.group.EpochSecrets().MembershipKey.AsSlice(), content.MarshalTBM())
	return framing.NewMLSMessagePublic(&framing.PublicMessage{
		Content: content.Content, Auth: content.Auth, MembershipTag: tag,
	}).Marshal()
}

// A commit that is refused changes the group in place all the same: the next
// good one is refused too. Only a copy taken before keeps the member alive.
func TestNeedBadCommitSpoilsTheGroup(t *testing.T) {
	c := newCall(t, 3)
	c.service.addTo(t, c, 9)
	sender, victim := c.members[1], c.members[2]
	bad := pend(t, sender, func(s *group.StagedCommit) []byte { return forgeTag(sender, s) })
	good := pend(t, sender, commitMessage)
	kept := clone(t, victim.group)

	require.Error(t, victim.receive(bad))
	require.Error(t, victim.receive(good), "the group is spoilt")
	require.NoError(t, receive(kept, good))
}

// The error names the init secret of the epoch and the commit secret, so one
// member makes the others write the keys of the call into their logs.
func TestNeedErrorTextHoldsSecrets(t *testing.T) {
	c := newCall(t, 3)
	c.service.addTo(t, c, 9)
	sender, victim := c.members[1], c.members[2]
	bad := pend(t, sender, func(s *group.StagedCommit) []byte { return forgeTag(sender, s) })
	secret := hex.EncodeToString(victim.group.EpochSecrets().InitSecret.AsSlice())
	require.ErrorContains(t, victim.receive(bad), secret)
}

// A member whose commit loses must follow the winner's. Staging has already
// replaced its keys of the parent nodes by those of the path that nobody saw,
// and discarding does not bring them back.
func TestNeedLostRaceLosesKeys(t *testing.T) {
	c := newCall(t, 8)
	c.win(t, 0, c.members[0].commit(t)) // populates the parents of leaf 0
	loser, winner := c.members[1], c.members[7]
	kept := clone(t, loser.group)

	_, err := loser.group.Commit(loser.sign, loser.sign.PublicKey(), nil)
	require.NoError(t, err)
	require.NoError(t, loser.group.DiscardPendingCommit())
	won := winner.commit(t)
	require.ErrorContains(t, loser.receive(won.commit), "decrypting path secret")
	require.NoError(t, receive(kept, won.commit))
	require.Equal(t, won.next.EpochAuthenticator(), kept.EpochAuthenticator())
}

// Op 28 is commit and Welcome together, before anybody accepted the commit.
// The library makes no Welcome before the commit is merged.
func TestNeedWelcomeOnlyAfterMerge(t *testing.T) {
	c := newCall(t, 1)
	newcomer := newPeer(t, 2)
	message, _ := c.service.add(t, 0, newcomer.pkg.Marshal())
	c.propose(t, message)
	p := c.members[0]
	pending, err := p.group.Commit(p.sign, p.sign.PublicKey(), nil)
	require.NoError(t, err)
	_, err = p.group.CreateWelcomeWithOpts(nil, p.sign, group.WithJoinerSecret(pending.JoinerSecret()))
	require.ErrorIs(t, err, group.ErrGroupNotOperational)
}

// pend stages a commit on a copy and shows it to f.
func pend(t testing.TB, p *peer, f func(*group.StagedCommit) []byte) []byte {
	next := clone(t, p.group)
	s, err := next.Commit(p.sign, p.sign.PublicKey(), nil)
	require.NoError(t, err)
	return f(s)
}

// addTo proposes a new user to the whole call.
func (s *service) addTo(t *testing.T, c *call, user uint64) *peer {
	p := newPeer(t, user)
	message, _ := s.add(t, epochOf(c.members[0]), p.pkg.Marshal())
	c.propose(t, message)
	return p
}

// signCommit signs a commit of the member's own making: what a malicious
// member can send. The confirmation tag is not right.
func signCommit(t testing.TB, p *peer, body []byte) []byte {
	content := &framing.AuthenticatedContent{
		WireFormat: framing.WireFormatPublicMessage,
		Content: framing.FramedContent{
			GroupID: channel, Epoch: epochOf(p),
			Sender: framing.Sender{Type: framing.SenderTypeMember, LeafIndex: uint32(leafOf(p))},
			Body:   framing.CommitBody{Data: body},
		},
		GroupContext: p.group.GroupContext().Marshal(),
	}
	signature, err := ciphersuite.SignWithLabel(p.sign, "FramedContentTBS", content.MarshalTBS())
	require.NoError(t, err)
	content.Auth = framing.FramedContentAuthData{Signature: signature, ConfirmationTag: make([]byte, 32)}
	tag := schedule.ComputeMembershipTag(suite, p.group.EpochSecrets().MembershipKey.AsSlice(), content.MarshalTBM())
	return framing.NewMLSMessagePublic(&framing.PublicMessage{
		Content: content.Content, Auth: content.Auth, MembershipTag: tag,
	}).Marshal()
}
