package dave

import (
	"testing"

	"github.com/stretchr/testify/require"

	gateway "github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/mls"
	"github.com/discordpkg/gateway/opcode"
)

// A client that was not told of a member of the group does not join it.
func TestWelcomeWithAStranger(t *testing.T) {
	g, signer := foreignGroup(t)
	s := newSession(t)
	handle(t, s, voice(opcode.DAVEExternalSender, signer.Sender().Append(nil)))
	pkg := handle(t, s, description(1))[0].Data
	require.Len(t, handle(t, s, voice(opcode.DAVEWelcome, prefixed(1, welcomeFor(t, g, signer, pkg)))), 2)
	require.ErrorIs(t, s.Refusal(), mls.ErrUnrecognised)

	handle(t, s, connect(2))
	handle(t, s, voice(opcode.VoiceClientDisconnect, gateway.VoiceClientDisconnect{UserID: 2}))
	pkg = s.joiner.KeyPackage()
	require.Len(t, handle(t, s, voice(opcode.DAVEWelcome, prefixed(1, welcomeFor(t, g, signer, pkg)))), 1,
		"who has left may still be in the group")
}

// foreignGroup is the local group of user 2.
func foreignGroup(t testing.TB) (*mls.Group, *mls.ExternalSigner) {
	t.Helper()
	i, err := NewIdentity()
	require.NoError(t, err)
	creator, err := mls.NewJoiner(identityOf(2), i.key)
	require.NoError(t, err)
	signer, _ := externalSender(t)
	g, err := creator.CreateGroup(identityOf(testChannel), signer.Sender())
	require.NoError(t, err)
	return g, signer
}

func TestWelcomeRefused(t *testing.T) {
	s, _ := local(t)
	replies := handle(t, s, voice(opcode.DAVEWelcome, prefixed(7, []byte("garbage"))))
	require.Equal(t, []opcode.Voice{opcode.DAVEInvalidCommit, opcode.DAVEKeyPackage}, ops(replies))
	require.JSONEq(t, `{"transition_id":7}`, string(replies[0].Data))

	member := call(t, 1, 2).client(1).session
	epochBefore := member.Epoch()
	require.Len(t, handle(t, member, voice(opcode.DAVEWelcome, prefixed(7, nil))), 2, "a member expects no welcome")
	require.Zero(t, member.Epoch())
	require.NotZero(t, epochBefore)

	unaware := newSession(t)
	handle(t, unaware, description(1))
	require.Len(t, handle(t, unaware, voice(opcode.DAVEWelcome, prefixed(7, nil))), 2, "nor does who knows no external sender")
}

// A welcome for the key package before the last crossed the last one.
func TestWelcomeThatCrossedAKeyPackage(t *testing.T) {
	g, signer := foreignGroup(t)
	s := newSession(t)
	handle(t, s, voice(opcode.DAVEExternalSender, signer.Sender().Append(nil)))
	handle(t, s, connect(2))
	old := handle(t, s, description(1))[0].Data
	handle(t, s, voice(opcode.DAVEPrepareEpoch, epochData{Version: 1, Epoch: 1}))
	welcome := welcomeFor(t, g, signer, old)
	requireRefusal(t, s, mls.ErrNotForUs, voice(opcode.DAVEWelcome, prefixed(1, welcome)))
	require.Len(t, handle(t, s, voice(opcode.DAVEWelcome, prefixed(1, welcome))), 2, "but only one")
	require.Equal(t, []opcode.Voice{opcode.DAVETransitionReady},
		ops(handle(t, s, voice(opcode.DAVEWelcome, prefixed(1, welcomeFor(t, g, signer, s.joiner.KeyPackage()))))))
}

func welcomeFor(t testing.TB, g *mls.Group, signer *mls.ExternalSigner, pkg []byte) []byte {
	t.Helper()
	msg, _, err := signer.SignAdd(g.GroupID(), g.Epoch(), pkg)
	require.NoError(t, err)
	p, _, err := g.ParseProposal(msg)
	require.NoError(t, err)
	staged, err := g.Commit([]*mls.Proposal{p})
	require.NoError(t, err)
	return staged.Welcome
}

func TestCommitRefused(t *testing.T) {
	c := call(t, 1, 2, 3)
	s := c.client(1).session
	replies := handle(t, s, voice(opcode.DAVEAnnounceCommit, prefixed(9, []byte("garbage"))))
	require.Equal(t, []opcode.Voice{opcode.DAVEInvalidCommit, opcode.DAVEKeyPackage}, ops(replies))
	require.ErrorIs(t, s.Refusal(), mls.ErrUnsupported)
	requireRefusal(t, s, errNoGroup, voice(opcode.DAVEAnnounceCommit, prefixed(10, []byte("garbage"))))
	later := epoch.Add(crossingWindow)
	replies, err := s.HandleVoice(later, voice(opcode.DAVEAnnounceCommit, prefixed(11, []byte("garbage"))))
	require.NoError(t, err)
	require.Len(t, replies, 2, "nothing can have crossed for so long")

	frame, err := s.EncryptFrame(epoch, nil, []byte("still here"), Opus)
	require.NoError(t, err, "in the old epoch, which all still have")
	heard, err := c.client(2).session.DecryptFrame(epoch, 1, nil, frame)
	require.NoError(t, err)
	require.Equal(t, "still here", string(heard))
}

func TestRecoveryEnds(t *testing.T) {
	s, _ := local(t)
	for range maxFailures {
		require.Len(t, handle(t, s, voice(opcode.DAVEWelcome, prefixed(7, []byte("garbage")))), 2)
	}
	_, err := s.HandleVoice(epoch, voice(opcode.DAVEWelcome, prefixed(7, []byte("garbage"))))
	require.ErrorIs(t, err, ErrRecovery)
	require.ErrorIs(t, err, mls.ErrUnsupported)
}

// A member that a commit removes asks to be added again, without complaint.
func TestRemoved(t *testing.T) {
	c := call(t, 1, 2, 3)
	a, b := c.client(1).session, c.client(2).session
	var leaf uint32
	for _, m := range a.group.Members() {
		if user, _ := userOf(m.Identity); user == 2 {
			leaf = m.Leaf
		}
	}
	msg, _, err := c.delivery.signer.SignRemove(identityOf(testChannel), a.Epoch(), leaf)
	require.NoError(t, err)
	require.Empty(t, handle(t, b, proposals(appendProposals, msg)), "no member commits its own removal")
	commit := handle(t, a, proposals(appendProposals, msg))[0].Data
	replies := handle(t, b, voice(opcode.DAVEAnnounceCommit, prefixed(9, commit)))
	require.Equal(t, []opcode.Voice{opcode.DAVEKeyPackage}, ops(replies))
	require.Zero(t, b.Epoch())
}
