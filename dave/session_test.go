package dave

import (
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
	"github.com/discordpkg/gateway/snowflake"
)

var _ gateway.E2EE = (*Session)(nil)

// call returns a call without delays in which all users are in one group.
func call(t *testing.T, users ...snowflake.ID) *sim {
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

func connect(users ...snowflake.ID) gateway.VoiceMessage {
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

	again := voice(opcode.DAVEPrepareTransition, `{"transition_id":0,"protocol_version":1}`)
	for nonce := range uint32(3) {
		require.Empty(t, handle(t, s, again))
		frame, err := s.EncryptFrame(epoch, nil, []byte("frame"), Opus)
		require.NoError(t, err)
		f, _ := parseFrame(frame)
		require.Equal(t, nonce+2, f.nonce, "whatever the voice server says, no nonce is used twice")
	}

	handle(t, s, connect(2, 1, 2))
	require.Equal(t, []snowflake.ID{2}, s.Users())
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
	users := make([]snowflake.ID, maxUsers)
	for i := range users {
		users[i] = snowflake.ID(i + 2)
	}
	handle(t, s, connect(users...))
	handle(t, s, connect(users...))
	require.NoError(t, s.Refusal())
	handle(t, s, connect(1e6))
	require.ErrorIs(t, s.Refusal(), errUsers)
	require.False(t, s.users.mayJoin(identityOf(1e6)))

	// In the course of weeks more come and go than a channel holds.
	handle(t, s, voice(opcode.VoiceClientDisconnect, gateway.VoiceClientDisconnect{UserID: 2}))
	require.True(t, s.users.mayBeIn(identityOf(2)))
	handle(t, s, connect(1e6))
	require.True(t, s.users.mayJoin(identityOf(1e6)))
	require.False(t, s.users.mayBeIn(identityOf(2)))
	require.True(t, s.users.mayBeIn(identityOf(3)))
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

func TestSessionFramesDoNotAllocate(t *testing.T) {
	c := call(t, 1, 2)
	from, to, frame := c.client(1).session, c.client(2).session, make([]byte, 160)
	sealed, opened := make([]byte, 0, 300), make([]byte, 0, 300)
	round := func() {
		var err error
		if sealed, err = from.EncryptFrame(c.now, sealed[:0], frame, Opus); err != nil {
			t.Fatal(err)
		}
		if opened, err = to.DecryptFrame(c.now, 1, opened[:0], sealed); err != nil {
			t.Fatal(err)
		}
	}
	round()
	require.Zero(t, testing.AllocsPerRun(100, round))
}
