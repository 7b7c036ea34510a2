package dave

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	gateway "github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/mls"
	"github.com/discordpkg/gateway/opcode"
)

var _ gateway.E2EE = (*Session)(nil)

// call returns a call without delays in which all users are in one group.
func call(t *testing.T, users ...snowflake) *sim {
	t.Helper()
	s := newSim(t, 1)
	s.latency = 0
	for _, user := range users {
		s.join(user, 1)
	}
	s.run(0)
	s.requireCall()
	return s
}

// handle gives a session a message and wants no error.
func handle(t testing.TB, s *Session, m gateway.VoiceMessage) []gateway.VoiceMessage {
	t.Helper()
	replies, err := s.HandleVoice(epoch, m)
	require.NoError(t, err)
	return replies
}

// requireRefusal gives a session a message that it has to refuse in silence.
func requireRefusal(t testing.TB, s *Session, want error, m gateway.VoiceMessage) {
	t.Helper()
	s.refusal = nil
	require.Empty(t, handle(t, s, m))
	require.ErrorIs(t, s.Refusal(), want)
}

func ops(messages []gateway.VoiceMessage) (list []opcode.Voice) {
	for _, m := range messages {
		list = append(list, m.Op)
	}
	return list
}

func description(version uint16) gateway.VoiceMessage {
	return voice(opcode.VoiceSessionDescription, gateway.VoiceSessionDescription{DAVEProtocolVersion: version})
}

func connect(users ...snowflake) gateway.VoiceMessage {
	return voice(opcode.VoiceClientsConnect, gateway.VoiceClientsConnect{UserIDs: users})
}

func transitionMessage(op opcode.Voice, id, version uint16) gateway.VoiceMessage {
	return voice(op, transitionData{ID: id, Version: &version})
}

func prefixed(id uint16, b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, id), b...)
}

func newSession(t testing.TB, options ...Option) *Session {
	t.Helper()
	s, err := NewSession(1, testChannel, options...)
	require.NoError(t, err)
	return s
}

func externalSender(t testing.TB) (*mls.ExternalSigner, gateway.VoiceMessage) {
	t.Helper()
	signer, err := mls.NewExternalSigner(nil)
	require.NoError(t, err)
	return signer, voice(opcode.DAVEExternalSender, signer.Sender().Append(nil))
}

// The client must send a key package after op 4 with a version; a sole member
// uses its own group.
func TestAlone(t *testing.T) {
	s := newSession(t)
	require.EqualValues(t, 1, s.MaxProtocolVersion())
	_, err := s.EncryptFrame(epoch, nil, []byte("frame"), Opus)
	require.ErrorIs(t, err, ErrNotReady, "nothing is sent in clear before the version is known")

	require.Equal(t, []opcode.Voice{opcode.DAVEKeyPackage}, ops(handle(t, s, description(1))))
	require.False(t, s.Ready())
	_, sender := externalSender(t)
	require.Empty(t, handle(t, s, sender))
	require.True(t, s.Ready())
	frame, err := s.EncryptFrame(epoch, nil, []byte("frame"), Opus)
	require.NoError(t, err)
	_, ok := parseFrame(frame)
	require.True(t, ok)
	require.Empty(t, s.PrivacyCode())
	require.Empty(t, s.Members())

	handle(t, s, connect(2, 1, 2))
	require.Equal(t, []snowflake{2}, s.Users())
	out, err := s.EncryptFrame(epoch, []byte("dst"), []byte("frame"), Opus)
	require.ErrorIs(t, err, ErrNotReady, "somebody is there who could not hear it")
	require.Equal(t, "dst", string(out))
	handle(t, s, voice(opcode.VoiceClientDisconnect, gateway.VoiceClientDisconnect{UserID: 2}))
	require.True(t, s.Ready())
}

func TestExternalSenderMayComeFirst(t *testing.T) {
	s := newSession(t)
	_, sender := externalSender(t)
	handle(t, s, sender)
	handle(t, s, description(1))
	require.True(t, s.Ready())
}

func TestWithoutEncryption(t *testing.T) {
	s := newSession(t)
	require.Empty(t, handle(t, s, description(0)))
	frame, err := s.EncryptFrame(epoch, []byte("a "), []byte("frame"), Opus)
	require.NoError(t, err)
	require.Equal(t, "a frame", string(frame))
	frame, err = s.DecryptFrame(epoch, 2, []byte("a "), []byte("frame"))
	require.NoError(t, err)
	require.Equal(t, "a frame", string(frame))
	_, err = s.DecryptFrame(epoch, 2, nil, protocolFrame(4, 1))
	require.ErrorIs(t, err, ErrNoKey, "what looks like a protocol frame is none in clear")
	requireRefusal(t, s, errNoGroup, voice(opcode.DAVEWelcome, prefixed(0, nil)))
	requireRefusal(t, s, errNoGroup, voice(opcode.DAVEAnnounceCommit, prefixed(0, nil)))
}

func TestVersions(t *testing.T) {
	for _, m := range []gateway.VoiceMessage{
		description(2), transitionMessage(opcode.DAVEPrepareTransition, 1, 2),
		voice(opcode.DAVEPrepareEpoch, epochData{Version: 2, Epoch: 1}),
	} {
		_, err := newSession(t).HandleVoice(epoch, m)
		require.ErrorIs(t, err, ErrVersion)
	}
	for _, m := range []gateway.VoiceMessage{
		description(0), transitionMessage(opcode.DAVEPrepareTransition, 0, 0), voice(opcode.DAVEPrepareEpoch, epochData{Epoch: 1}),
	} {
		_, err := newSession(t, WithoutDowngrade()).HandleVoice(epoch, m)
		require.ErrorIs(t, err, ErrDowngrade)
	}
}

func TestMalformedMessages(t *testing.T) {
	for op, data := range map[opcode.Voice]string{
		opcode.VoiceSessionDescription: `{"dave_protocol_version":-1}`,
		opcode.VoiceClientsConnect:     `{"user_ids":7}`,
		opcode.VoiceClientDisconnect:   `{`,
		opcode.DAVEPrepareTransition:   `{"transition_id":1}`,
		opcode.DAVEExecuteTransition:   `{"transition_id":70000}`,
		opcode.DAVEPrepareEpoch:        `[]`,
		opcode.DAVEAnnounceCommit:      "\x00",
		opcode.DAVEWelcome:             "",
	} {
		_, err := newSession(t).HandleVoice(epoch, voice(op, data))
		require.ErrorIs(t, err, gateway.ErrMalformed, "%v", op)
	}
	_, err := newSession(t).HandleVoice(epoch, voice(opcode.DAVEPrepareTransition, `"`))
	require.ErrorIs(t, err, gateway.ErrMalformed)
}

func TestIgnoredMessages(t *testing.T) {
	s := newSession(t)
	m := description(1)
	m.Outdated = true
	require.Empty(t, handle(t, s, m), "a replay of what was received before")
	require.Empty(t, handle(t, s, voice(opcode.VoiceSpeaking, "garbage")))
	require.Empty(t, handle(t, s, voice(99, "garbage")))
}

func TestTooManyUsers(t *testing.T) {
	s := newSession(t)
	users := make([]snowflake, maxUsers)
	for i := range users {
		users[i] = snowflake(i + 2)
	}
	handle(t, s, connect(users...))
	handle(t, s, connect(users...))
	_, err := s.HandleVoice(epoch, connect(1e6))
	require.ErrorIs(t, err, errUsers)
}

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
func addProposal(t testing.TB, s *Session, signer *mls.ExternalSigner, user snowflake) error {
	t.Helper()
	handle(t, s, connect(user))
	s.refusal = nil
	handle(t, s, proposals(appendProposals, addMessage(t, s, signer, user)))
	return s.refusal
}

func addMessage(t testing.TB, s *Session, signer *mls.ExternalSigner, user snowflake) []byte {
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
	require.Equal(t, []snowflake{1, 2}, s.Members())
}

func TestStagedCommitsAreBounded(t *testing.T) {
	s, signer := local(t)
	var list [][]byte
	for user := range snowflake(maxStaged + 3) {
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

// A client that was not told of somebody in the group does not join it.
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
	require.Empty(t, handle(t, b, proposals(appendProposals, msg)), "nobody commits its own removal")
	commit := handle(t, a, proposals(appendProposals, msg))[0].Data
	replies := handle(t, b, voice(opcode.DAVEAnnounceCommit, prefixed(9, commit)))
	require.Equal(t, []opcode.Voice{opcode.DAVEKeyPackage}, ops(replies))
	require.Zero(t, b.Epoch())
}

func TestResumed(t *testing.T) {
	s, signer := local(t)
	resumed := voice(opcode.VoiceResumed, "")
	pkg := s.joiner.KeyPackage()
	replies := handle(t, s, resumed)
	require.Equal(t, []opcode.Voice{opcode.DAVEKeyPackage}, ops(replies))
	require.Equal(t, pkg, replies[0].Data, "the same, it is kept until it is used")

	require.NoError(t, addProposal(t, s, signer, 2))
	commit := s.staged[0]
	replies = handle(t, s, resumed)
	require.Equal(t, []opcode.Voice{opcode.DAVEKeyPackage, opcode.DAVECommitWelcome}, ops(replies))
	require.Equal(t, append(slices.Clone(commit.Commit), commit.Welcome...), replies[1].Data)

	handle(t, s, voice(opcode.DAVEAnnounceCommit, prefixed(5, commit.Commit)))
	replies = handle(t, s, resumed)
	require.Equal(t, []opcode.Voice{opcode.DAVETransitionReady}, ops(replies))
	require.JSONEq(t, `{"transition_id":5}`, string(replies[0].Data))
	handle(t, s, transitionMessage(opcode.DAVEExecuteTransition, 5, 1))
	require.Empty(t, handle(t, s, resumed))
}

func TestSessionStrings(t *testing.T) {
	i, err := NewIdentity()
	require.NoError(t, err)
	s := newSession(t, WithIdentity(i))
	private := i.Bytes()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		for _, v := range []any{s, i} {
			text := fmt.Sprintf(verb, v)
			require.NotContains(t, text, hex.EncodeToString(private[:4]))
			require.NotContains(t, text, fmt.Sprintf("%d, %d, %d", private[0], private[1], private[2]))
		}
	}
	require.Equal(t, "dave session of user 1 in channel 81384788862181376, version 0, epoch 0", fmt.Sprint(s))
}

func TestIdentity(t *testing.T) {
	i, err := NewIdentity()
	require.NoError(t, err)
	again, err := ParseIdentity(i.Bytes())
	require.NoError(t, err)
	require.Equal(t, i.PublicKey(), again.PublicKey())
	_, err = ParseIdentity(make([]byte, 31))
	require.Error(t, err)

	c := newSim(t, 1)
	a := c.join(1, 1, WithIdentity(again), WithIdentity(nil)).session
	b := c.join(2, 1).session
	require.Nil(t, b.IdentityKey(1))
	c.settle()
	require.Equal(t, i.PublicKey(), a.IdentityKey(1))
	require.Equal(t, i.PublicKey(), b.IdentityKey(1))
	require.Nil(t, b.IdentityKey(3))
	one, err := a.Fingerprint(2)
	require.NoError(t, err)
	two, err := b.Fingerprint(1)
	require.NoError(t, err)
	require.Equal(t, one, two)
	_, err = b.Fingerprint(3)
	require.ErrorIs(t, err, ErrFingerprint)
}

func TestWipe(t *testing.T) {
	c := call(t, 1, 2)
	s := c.client(1).session
	group, encryptor := s.group, s.encryptor.ratchet.secret()
	var keys []byte
	for _, d := range s.decryptors {
		keys = d.epochs[0].ratchet.secret()
	}
	handle(t, s, transitionMessage(opcode.DAVEPrepareTransition, 9, 1))
	s.Wipe()
	require.Nil(t, group.EpochAuthenticator())
	require.Equal(t, make([]byte, len(encryptor)), encryptor)
	require.Equal(t, make([]byte, len(keys)), keys)
	_, err := s.EncryptFrame(epoch, nil, nil, Opus)
	require.ErrorIs(t, err, ErrNotReady)
	_, err = s.DecryptFrame(epoch, 2, nil, protocolFrame(1, 1))
	require.ErrorIs(t, err, ErrNoKey)
	require.Zero(t, s.NextDeadline())
	s.HandleTimeout(epoch.Add(time.Hour))
}
