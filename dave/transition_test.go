package dave

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	gateway "github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

// hear lets one client speak to another and returns the error of the other.
func (s *sim) hear(from, to snowflake.ID) error {
	s.t.Helper()
	frame, err := s.client(from).session.EncryptFrame(s.now, nil, []byte("frame"), Opus)
	require.NoError(s.t, err)
	_, err = s.client(to).session.DecryptFrame(s.now, from, nil, frame)
	return err
}

// A sender switches its key at Execute Transition only; receivers have the new
// one before, and the old one for ten seconds.
func TestSwitchAtExecute(t *testing.T) {
	s := call(t, 1, 2)
	a, b := s.client(1).session, s.client(2).session
	old, err := a.EncryptFrame(s.now, nil, []byte("old"), Opus)
	require.NoError(t, err)
	before := a.encryptor

	slow := s.join(3, 1)
	s.mangle = func(m gateway.VoiceMessage) gateway.VoiceMessage {
		if m.Op == opcode.DAVETransitionReady {
			m.Data = []byte(`{"transition_id":999}`)
		}
		return m
	}
	s.run(0)
	require.EqualValues(t, 2, a.Epoch())
	require.EqualValues(t, 2, slow.session.Epoch())
	require.Same(t, before, a.encryptor, "not executed yet")
	require.False(t, slow.session.Ready())
	require.NoError(t, s.hear(1, 2))
	require.ErrorIs(t, s.hear(1, 3), ErrAuthentication, "who is welcomed does not understand what was before")

	s.run(DefaultTransitionTimeout)
	require.NotSame(t, before, a.encryptor)
	executed := s.now
	require.NoError(t, s.hear(1, 2))
	require.NoError(t, s.hear(1, 3))
	require.NoError(t, s.hear(3, 1))
	require.Equal(t, executed.Add(keyLifetime), b.NextDeadline())

	b.HandleTimeout(executed.Add(keyLifetime - 1))
	require.Len(t, b.decryptors[1].epochs, 2)
	_, err = b.DecryptFrame(executed.Add(keyLifetime-1), 1, nil, old)
	require.NoError(t, err, "still on its way")
	b.HandleTimeout(executed.Add(keyLifetime))
	require.Len(t, b.decryptors[1].epochs, 1)
	require.Zero(t, b.NextDeadline())
}

func TestDecryptorsOfThoseWhoLeft(t *testing.T) {
	s := call(t, 1, 2, 3)
	s.leave(s.client(3))
	s.run(time.Second)
	a := s.client(1).session
	require.Len(t, a.decryptors, 2)
	s.run(keyLifetime)
	a.HandleTimeout(s.now)
	require.Len(t, a.decryptors, 1)
}

func TestExecuteTransition(t *testing.T) {
	s := call(t, 1, 2).client(1).session
	requireRefusal(t, s, errTransition, transitionMessage(opcode.DAVEExecuteTransition, 77, 1))
	for id := uint16(100); id < 100+maxTransitions+1; id++ {
		require.Len(t, handle(t, s, transitionMessage(opcode.DAVEPrepareTransition, id, 1)), 1)
	}
	require.Len(t, s.transitions, maxTransitions)
	requireRefusal(t, s, errTransition, transitionMessage(opcode.DAVEExecuteTransition, 100, 1))
	handle(t, s, transitionMessage(opcode.DAVEExecuteTransition, 110, 1))
	require.EqualValues(t, 111, s.transitions[0].id, "those before it are over, too")
	handle(t, s, transitionMessage(opcode.DAVEPrepareTransition, 112, 1))
	require.Len(t, s.transitions, 6, "the same one again")
	require.True(t, s.Ready())
}

func TestPrepareTheSameTransitionAgain(t *testing.T) {
	s, signer := local(t)
	require.NoError(t, addProposal(t, s, signer, 2))
	handle(t, s, voice(opcode.DAVEAnnounceCommit, prefixed(5, s.staged[0].Commit)))
	require.False(t, s.Ready())
	require.Len(t, handle(t, s, transitionMessage(opcode.DAVEPrepareTransition, 5, 1)), 1)
	handle(t, s, transitionMessage(opcode.DAVEExecuteTransition, 5, 1))
	require.True(t, s.Ready(), "it kept the key of the epoch")
}

func TestTransitionZeroIsExecutedAtOnce(t *testing.T) {
	s, signer := local(t)
	require.NoError(t, addProposal(t, s, signer, 2))
	require.Empty(t, handle(t, s, voice(opcode.DAVEAnnounceCommit, prefixed(0, s.staged[0].Commit))))
	require.True(t, s.Ready())

	shared := s.encryptor
	require.Empty(t, handle(t, s, transitionMessage(opcode.DAVEPrepareTransition, 0, 1)))
	require.Same(t, shared, s.encryptor, "nothing to change")

	require.Len(t, handle(t, s, transitionMessage(opcode.DAVEPrepareTransition, 3, 1)), 1)
	// https://daveprotocol.com/#sole-member-reset
	require.Len(t, handle(t, s, voice(opcode.DAVEPrepareEpoch, epochData{Version: 1, Epoch: 1})), 1)
	require.Same(t, shared, s.encryptor, "not yet")
	require.Empty(t, handle(t, s, transitionMessage(opcode.DAVEPrepareTransition, 0, 1)))
	require.NotSame(t, shared, s.encryptor)
	require.False(t, s.shared)
	requireRefusal(t, s, errTransition, transitionMessage(opcode.DAVEExecuteTransition, 3, 1))

	unaware := newSession(t)
	handle(t, unaware, description(1))
	require.Empty(t, handle(t, unaware, transitionMessage(opcode.DAVEPrepareTransition, 0, 1)))
	require.False(t, unaware.Ready())
	_, sender := externalSender(t)
	handle(t, unaware, sender)
	require.True(t, unaware.Ready())
}

func TestDowngradeAndUpgrade(t *testing.T) {
	s := call(t, 1, 2)
	a := s.client(1).session
	clear := func(d time.Duration) error {
		_, err := a.DecryptFrame(s.now.Add(d), 2, nil, []byte("clear"))
		return err
	}
	require.ErrorIs(t, clear(0), ErrUnencrypted)
	require.Len(t, handle(t, a, transitionMessage(opcode.DAVEPrepareTransition, 50, 0)), 1)
	require.NoError(t, clear(downgradeWindow-1), "others may execute it earlier")
	require.ErrorIs(t, clear(downgradeWindow), ErrUnencrypted, "it was never executed")
	require.NoError(t, s.hear(1, 2), "encrypted until then")

	old := s.join(3, 0)
	frame, err := a.EncryptFrame(s.now, nil, []byte("frame"), Opus)
	require.NoError(t, err)
	s.run(0)
	s.requireCall()
	require.NoError(t, clear(time.Hour))
	_, err = s.client(2).session.DecryptFrame(s.now, 1, nil, frame)
	require.NoError(t, err, "still on its way")

	s.leave(old)
	s.run(0)
	s.requireCall()
	require.NoError(t, clear(keyLifetime-1), "still on its way")
	require.ErrorIs(t, clear(keyLifetime), ErrUnencrypted)
}

func TestVersionChangeOfTheSameGroup(t *testing.T) {
	s := call(t, 1, 2).client(1).session
	require.Empty(t, handle(t, s, voice(opcode.DAVEPrepareEpoch, epochData{Version: 1, Epoch: 7})))
	replies := handle(t, s, voice(opcode.DAVEPrepareEpoch, epochData{Version: 1, Epoch: 7, ID: 9}))
	require.Equal(t, []opcode.Voice{opcode.DAVETransitionReady}, ops(replies))
	handle(t, s, transitionMessage(opcode.DAVEExecuteTransition, 9, 1))
	require.True(t, s.Ready())
	require.NotZero(t, s.Epoch())
}

// A second Session Description, for another UDP address, starts anew.
func TestSecondSessionDescription(t *testing.T) {
	s := call(t, 1, 2)
	c := s.client(1)
	s.toClient(c, description(1))
	s.run(0)
	require.NotZero(t, c.session.Epoch())
	s.settle()
	s.requireCall()
}
