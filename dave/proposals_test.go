package dave

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	gateway "github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/mls"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

func TestExternalSender(t *testing.T) {
	s := call(t, 1, 2).client(1).session
	_, other := externalSender(t)
	requireRefusal(t, s, mls.ErrMalformed, voice(opcode.DAVEExternalSender, "garbage"))
	requireRefusal(t, s, errSenderChange, other)
	s.refusal = nil
	handle(t, s, voice(opcode.DAVEExternalSender, s.external.Append(nil)))
	require.NoError(t, s.Refusal(), "the same again")

	s = newSession(t)
	handle(t, s, description(1))
	_, first := externalSender(t)
	handle(t, s, first)
	local := s.group
	signer, second := externalSender(t)
	handle(t, s, second)
	require.NotSame(t, local, s.group)
	require.NoError(t, addProposal(t, s, signer, 2), "the group has the last one")
}

// addProposal gives a session the Add of a user, who is in the channel.
func addProposal(t testing.TB, s *Session, signer *mls.ExternalSigner, user snowflake.ID) error {
	t.Helper()
	handle(t, s, connect(user))
	s.refusal = nil
	handle(t, s, proposals(appendProposals, addMessage(t, s, signer, user)))
	return s.refusal
}

func addMessage(t testing.TB, s *Session, signer *mls.ExternalSigner, user snowflake.ID) []byte {
	t.Helper()
	i, err := NewIdentity()
	require.NoError(t, err)
	joiner, err := mls.NewJoiner(identityOf(user), i.key)
	require.NoError(t, err)
	msg, _, err := signer.SignAdd(identityOf(testChannel), s.Epoch(), joiner.KeyPackage())
	require.NoError(t, err)
	return msg
}

func proposals(operation byte, list ...[]byte) gateway.VoiceMessage {
	return voice(opcode.DAVEProposals, appendVector([]byte{operation}, bytes.Join(list, nil)))
}

// local returns a session with a local group, and the sender of its proposals.
func local(t testing.TB) (*Session, *mls.ExternalSigner) {
	t.Helper()
	s := newSession(t)
	signer, sender := externalSender(t)
	handle(t, s, sender)
	handle(t, s, description(1))
	return s, signer
}

func TestProposalsRefused(t *testing.T) {
	requireRefusal(t, newSession(t), errNoGroup, proposals(appendProposals))
	s, signer := local(t)
	stranger := addMessage(t, s, signer, 666)
	other, _ := externalSender(t)
	_, ref, err := signer.SignRemove(identityOf(testChannel), 0, 0)
	require.NoError(t, err)
	for _, c := range []struct {
		why  string
		want error
		data []byte
	}{
		{"empty", errProposals, nil},
		{"no list", errProposals, []byte{0}},
		{"unknown operation", errProposals, []byte{2, 0}},
		{"long form of a length", errProposals, []byte{0, 0x40, 1, 0}},
		{"length of eight bytes", errProposals, []byte{0, 0xc0, 0, 0, 0, 0, 0, 0, 0}},
		{"cut length", errProposals, []byte{0, 0x80, 0}},
		{"cut list", errProposals, []byte{0, 5, 1}},
		{"something behind", errProposals, []byte{0, 0, 0}},
		{"cut reference", errProposals, []byte{1, 1, 5}},
		{"garbage", mls.ErrMalformed, []byte{0, 1, 5}},
		{"stranger", errUnrecognised, proposals(appendProposals, stranger).Data},
		{"other sender", mls.ErrSignature, proposals(appendProposals, addMessage(t, s, other, 2)).Data},
		{"one of two is cut", mls.ErrMalformed, proposals(appendProposals, addMessage(t, s, signer, 2), stranger[:9]).Data},
	} {
		handle(t, s, connect(2))
		requireRefusal(t, s, c.want, voice(opcode.DAVEProposals, c.data))
		require.Empty(t, s.proposals, c.why)
	}
	require.Empty(t, handle(t, s, proposals(revokeProposals, appendVector(nil, ref))), "nothing to revoke")
	require.Empty(t, handle(t, s, proposals(appendProposals)), "nothing to commit")
	handle(t, s, connect(666))
	require.Equal(t, []opcode.Voice{opcode.DAVECommitWelcome}, ops(handle(t, s, proposals(appendProposals, stranger))), "no stranger any more")

	s.proposals = make([]*mls.Proposal, maxProposals)
	for i := range s.proposals {
		s.proposals[i] = &mls.Proposal{}
	}
	requireRefusal(t, s, errProposals, proposals(appendProposals, addMessage(t, s, signer, 2)))
}

func TestUnrecognisedLeavesTheOthers(t *testing.T) {
	s, signer := local(t)
	handle(t, s, connect(2))
	replies := handle(t, s, proposals(appendProposals, addMessage(t, s, signer, 666), addMessage(t, s, signer, 2)))
	require.Len(t, replies, 1)
	require.ErrorIs(t, s.Refusal(), errUnrecognised)
	require.Len(t, s.proposals, 1)
	replies = handle(t, s, voice(opcode.DAVEProposals, proposals(appendProposals, addMessage(t, s, signer, 2)).Data))
	require.Empty(t, replies, "the same user twice cannot be committed")
	require.ErrorIs(t, s.Refusal(), mls.ErrDuplicate)
}

func TestRevoke(t *testing.T) {
	s, signer := local(t)
	require.NoError(t, addProposal(t, s, signer, 2))
	first := s.proposals[0]
	one := s.staged[0].Commit
	require.NoError(t, addProposal(t, s, signer, 3))
	require.Len(t, s.staged, 2)
	revoke := proposals(revokeProposals, appendVector(nil, s.proposals[1].Ref))
	require.Len(t, handle(t, s, revoke), 1, "a commit of what is left")
	require.Empty(t, handle(t, s, revoke))
	require.Empty(t, handle(t, s, proposals(revokeProposals, appendVector(nil, first.Ref))), "no empty commit")

	require.Equal(t, []opcode.Voice{opcode.DAVETransitionReady}, ops(handle(t, s, voice(opcode.DAVEAnnounceCommit, prefixed(1, one)))),
		"a commit from before the revocation may have won")
	require.EqualValues(t, 1, s.Epoch())
	require.Equal(t, []snowflake.ID{1, 2}, s.Members())
}

func TestStagedCommitsAreBounded(t *testing.T) {
	s, signer := local(t)
	var list [][]byte
	for user := range snowflake.ID(maxStaged + 3) {
		require.NoError(t, addProposal(t, s, signer, user+2))
		list = append(list, s.staged[len(s.staged)-1].Commit)
	}
	require.Len(t, s.staged, maxStaged)
	handle(t, s, voice(opcode.DAVEAnnounceCommit, prefixed(1, list[4])))
	require.EqualValues(t, 1, s.Epoch())
	require.Empty(t, s.staged)
}

func TestDuplicateProposals(t *testing.T) {
	s, signer := local(t)
	handle(t, s, connect(2))
	m := proposals(appendProposals, addMessage(t, s, signer, 2))
	require.Len(t, handle(t, s, m), 1)
	require.Empty(t, handle(t, s, m))
	require.Len(t, s.proposals, 1)
}
