package dave

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	gateway "github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/mls"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

// A recorded is a delivery whose clients the test plays.
type recorded struct {
	*Delivery
	t testing.TB
}

func newRecorded(t testing.TB, options ...DeliveryOption) *recorded {
	t.Helper()
	d, err := NewDelivery(testChannel, options...)
	require.NoError(t, err)
	return &recorded{d, t}
}

func (d *recorded) join(user snowflake.ID, version, want uint16) []Outgoing {
	d.t.Helper()
	got, out, err := d.Join(epoch, user, version)
	require.NoError(d.t, err)
	require.Equal(d.t, want, got)
	return out
}

func (d *recorded) handle(user snowflake.ID, m gateway.VoiceMessage) []Outgoing {
	d.t.Helper()
	out, err := d.HandleVoice(epoch, user, m)
	require.NoError(d.t, err)
	return out
}

func (d *recorded) requireError(want error, user snowflake.ID, m gateway.VoiceMessage) {
	d.t.Helper()
	out, err := d.HandleVoice(epoch, user, m)
	require.ErrorIs(d.t, err, want)
	require.Empty(d.t, out)
}

// sentTo lists what goes to a client.
func sentTo(out []Outgoing, user snowflake.ID) (list []opcode.Voice) {
	for _, o := range out {
		if o.To == user {
			list = append(list, o.Message.Op)
		}
	}
	return list
}

func keyPackage(t testing.TB, user snowflake.ID) gateway.VoiceMessage {
	t.Helper()
	return voice(opcode.DAVEKeyPackage, joiner(t, user).KeyPackage())
}

func joiner(t testing.TB, user snowflake.ID) *mls.Joiner {
	t.Helper()
	i, err := NewIdentity()
	require.NoError(t, err)
	j, err := mls.NewJoiner(identityOf(user), i.key)
	require.NoError(t, err)
	return j
}

func TestDeliveryJoin(t *testing.T) {
	d := newRecorded(t, WithRequired())
	out := d.join(1, 1, 1)
	require.Equal(t, []opcode.Voice{opcode.DAVEExternalSender}, sentTo(out, 1))
	sender, err := mls.ParseExternalSender(out[0].Message.Data)
	require.NoError(t, err)
	require.Equal(t, d.signer.Sender(), sender)
	_, _, err = d.Join(epoch, 2, 0)
	require.ErrorIs(t, err, ErrRequired)
	d.join(2, 99, 1)
	require.Equal(t, "dave delivery of 2 clients, version 1, epoch 0", fmt.Sprint(d.Delivery))

	for user := snowflake.ID(3); len(d.order) < maxParticipants; user++ {
		d.join(user, 1, 1)
	}
	_, _, err = d.Join(epoch, 1e6, 1)
	require.ErrorIs(t, err, ErrFull)
	d.join(2, 1, 1)
	require.Len(t, d.order, maxParticipants, "once")
}

func TestDeliveryRefusesStrangers(t *testing.T) {
	d := newRecorded(t)
	d.requireError(ErrNotJoined, 1, keyPackage(t, 1))
	d.join(1, 0, 0)
	d.requireError(ErrNotJoined, 1, keyPackage(t, 1))
	require.Empty(t, d.Leave(epoch, 99))
}

func TestDeliveryRefusesKeyPackages(t *testing.T) {
	d := newRecorded(t)
	d.join(1, 1, 1)
	d.requireError(ErrKeyPackage, 1, keyPackage(t, 2))
	d.requireError(ErrKeyPackage, 1, voice(opcode.DAVEKeyPackage, "garbage"))
	d.requireError(ErrKeyPackage, 1, voice(opcode.DAVEKeyPackage, make([]byte, maxKeyPackage+1)))
	d.requireError(gateway.ErrMalformed, 1, voice(opcode.DAVETransitionReady, "garbage"))
	d.requireError(gateway.ErrMalformed, 1, voice(opcode.DAVEInvalidCommit, "garbage"))
	d.requireError(ErrCommit, 1, voice(opcode.DAVECommitWelcome, "garbage"))
	require.Empty(t, d.handle(1, voice(opcode.DAVEProposals, "not for servers")))
}

// Nobody gets its own Add; who joins later gets those of the others.
func TestDeliveryInitialProposals(t *testing.T) {
	d := newRecorded(t)
	d.join(1, 1, 1)
	pkg := keyPackage(t, 1)
	require.Empty(t, d.handle(1, pkg))
	require.Zero(t, d.NextDeadline(), "nobody can commit")
	require.Equal(t, []opcode.Voice{opcode.DAVEExternalSender, opcode.DAVEProposals}, sentTo(d.join(2, 1, 1), 2))
	require.Empty(t, d.handle(1, pkg), "the same again")
	require.Zero(t, d.NextDeadline(), "a client without a key package commits nothing")

	out := d.handle(2, keyPackage(t, 2))
	require.NotZero(t, d.NextDeadline())
	require.Equal(t, []opcode.Voice{opcode.DAVEProposals}, sentTo(out, 1))
	require.Empty(t, sentTo(out, 2))

	out = d.handle(1, keyPackage(t, 1))
	require.Equal(t, []opcode.Voice{opcode.DAVEProposals, opcode.DAVEProposals}, sentTo(out, 2), "one is revoked, one is added")
	require.Equal(t, byte(revokeProposals), out[0].Message.Data[0])
	require.Equal(t, byte(appendProposals), out[1].Message.Data[0])

	out = d.Leave(epoch, 1)
	require.Equal(t, []opcode.Voice{opcode.DAVEProposals}, sentTo(out, 2))
	require.Equal(t, byte(revokeProposals), out[0].Message.Data[0])
	require.Zero(t, d.NextDeadline())
}

func TestTransitionTimeout(t *testing.T) {
	s := newSim(t, 1, WithTransitionTimeout(5*time.Second))
	s.latency = 0
	s.mangle = func(m gateway.VoiceMessage) gateway.VoiceMessage {
		if m.Op == opcode.DAVETransitionReady {
			m.Op = opcode.DAVEProposals // which is ignored
		}
		return m
	}
	s.join(1, 1)
	s.join(2, 1)
	s.run(5*time.Second - 1)
	require.False(t, s.client(1).session.Ready())
	require.Empty(t, s.delivery.HandleTimeout(s.now), "early")
	s.run(1)
	s.requireCall()
}

func TestTransitionIDs(t *testing.T) {
	d := newRecorded(t)
	d.lastID = 1<<16 - 2
	require.EqualValues(t, 1<<16-1, d.newTransition(epoch, 1).id)
	require.EqualValues(t, 1, d.newTransition(epoch, 1).id, "zero means something else")
}

// A client that cannot follow is removed and added in one commit, or only
// removed if it sends no key package.
func TestDeliveryRecovers(t *testing.T) {
	s := call(t, 1, 2, 3)
	d := &recorded{s.delivery, t}
	invalid := transitionMessage(opcode.DAVEInvalidCommit, 1, 1)
	require.Empty(t, d.handle(3, invalid), "the key package is waited for")
	require.Equal(t, epoch.Add(keyPackageWait), d.NextDeadline())
	out := d.handle(3, keyPackage(t, 3))
	require.Len(t, out, 2)
	body, rest, ok := vector(out[0].Message.Data[1:])
	require.True(t, ok)
	require.Empty(t, rest)
	g := s.client(1).session.group
	one, body, err := g.ParseProposal(body)
	require.NoError(t, err)
	two, body, err := g.ParseProposal(body)
	require.NoError(t, err)
	require.Empty(t, body)
	_, removes := one.Remove()
	require.True(t, removes)
	require.NotNil(t, two.Add)

	s = call(t, 1, 2, 3)
	d = &recorded{s.delivery, t}
	d.handle(3, invalid)
	require.Empty(t, d.HandleTimeout(epoch.Add(keyPackageWait-1)))
	require.Len(t, d.HandleTimeout(epoch.Add(keyPackageWait)), 2, "a Remove for each of the others")

	for range maxRecoveries - 1 {
		d.handle(3, invalid)
	}
	d.requireError(ErrRecovery, 3, invalid)
	_, err = d.HandleVoice(epoch.Add(recoveryPause), 3, invalid)
	require.NoError(t, err, "that was long ago")
}

func TestDeliveryLimitsKeyPackages(t *testing.T) {
	d := newRecorded(t)
	d.join(1, 1, 1)
	for range maxRecoveries + 1 {
		d.handle(1, keyPackage(t, 1))
	}
	d.requireError(ErrRecovery, 1, keyPackage(t, 1))
}

// Proposals that nobody commits make everybody create a new group, after
// longer and longer waits.
func TestDeliveryGivesUpAGroup(t *testing.T) {
	d := newRecorded(t)
	d.join(1, 1, 1)
	d.join(2, 1, 1)
	now := epoch
	for attempt := range 7 {
		for user := range snowflake.ID(2) {
			_, err := d.HandleVoice(now, user+1, keyPackage(t, user+1))
			require.NoError(t, err)
		}
		wait := commitWait << min(attempt, maxCommitWait)
		require.Equal(t, now.Add(wait), d.NextDeadline())
		require.Empty(t, d.HandleTimeout(now.Add(wait-1)))
		now = now.Add(wait)
		out := d.HandleTimeout(now)
		require.Equal(t, []opcode.Voice{opcode.DAVEPrepareEpoch}, sentTo(out, 1))
		require.Equal(t, []opcode.Voice{opcode.DAVEPrepareEpoch}, sentTo(out, 2))
	}
}

// What comes while a commit is waited for too long is proposed in the next
// epoch.
func TestDeliveryHoldsProposalsBack(t *testing.T) {
	d, g, list := scene(t)
	d.join(4, 1, 1)
	late := epoch.Add(amendWait)
	out, err := d.HandleVoice(late, 4, keyPackage(t, 4))
	require.NoError(t, err)
	require.Empty(t, out)
	out, err = d.HandleVoice(late, 1, voice(opcode.DAVECommitWelcome, both(stage(t, g, list...))))
	require.NoError(t, err)
	require.Equal(t, []opcode.Voice{opcode.DAVEAnnounceCommit, opcode.DAVEProposals}, sentTo(out, 1))
	require.Equal(t, []opcode.Voice{opcode.DAVEWelcome, opcode.DAVEProposals}, sentTo(out, 2))
	require.Empty(t, sentTo(out, 4))
}

func TestSoleMemberReset(t *testing.T) {
	s := call(t, 1, 2)
	s.leave(s.client(2))
	c := s.client(1)
	require.Equal(t, []opcode.Voice{opcode.VoiceClientDisconnect, opcode.DAVEPrepareEpoch, opcode.DAVEPrepareTransition},
		ops(c.inbox[len(c.inbox)-3:]))
	require.JSONEq(t, `{"protocol_version":1,"epoch":1}`, string(c.inbox[len(c.inbox)-2].Data))
	require.JSONEq(t, `{"protocol_version":1,"transition_id":0}`, string(c.inbox[len(c.inbox)-1].Data))
	s.run(0)
	s.requireCall()
	s.leave(c)
	require.Zero(t, s.delivery.Version())
}

// Clients in a call without encryption may have no use for the external sender.
func TestExternalSenderComesWithTheVersion(t *testing.T) {
	d := newRecorded(t)
	d.join(9, 0, 0)
	require.Empty(t, d.join(1, 1, 0))
	require.Empty(t, d.join(2, 1, 0))
	want := []opcode.Voice{opcode.DAVEPrepareEpoch, opcode.DAVEExternalSender}
	out := d.Leave(epoch, 9)
	require.Equal(t, want, sentTo(out, 1))
	require.Equal(t, want, sentTo(out, 2))
	require.Equal(t, want, sentTo(d.join(3, 1, 0), 3))
	require.Equal(t, []opcode.Voice{opcode.DAVEPrepareEpoch, opcode.DAVEPrepareTransition}, sentTo(append(d.Leave(epoch, 3), d.Leave(epoch, 2)...), 1), "once")
}

// Who is still to be added is in the last list of proposals, which no commit
// from before is of.
func TestProposalsAreMadeAnew(t *testing.T) {
	d, g, list := scene(t)
	old := stage(t, g, list[0])
	out := d.Leave(epoch, 3)
	require.Equal(t, []opcode.Voice{opcode.DAVEProposals, opcode.DAVEProposals}, sentTo(out, 1))
	require.Equal(t, proposals(revokeProposals, appendVector(nil, list[1].Ref), appendVector(nil, list[0].Ref)).Data, out[0].Message.Data)
	body, _, _ := vector(out[1].Message.Data[1:])
	p, rest, err := g.ParseProposal(body)
	require.NoError(t, err)
	require.Empty(t, rest)
	require.Equal(t, list[0].Add.Ref(), p.Add.Ref())
	requireDropped(t, d, 1, both(old), "made before")
	require.NotEmpty(t, d.handle(1, voice(opcode.DAVECommitWelcome, both(stage(t, g, p)))))
}

func TestDowngradeDuringUpgrade(t *testing.T) {
	s := newSim(t, 1)
	s.latency = 0
	old := s.join(9, 0)
	for user := range snowflake.ID(3) {
		s.join(user+1, 1)
	}
	s.run(0)
	s.requireCall()
	s.leave(old)
	newcomer := s.join(4, 1)
	require.Equal(t, []opcode.Voice{opcode.VoiceSessionDescription, opcode.VoiceClientsConnect, opcode.DAVEPrepareEpoch, opcode.DAVEExternalSender},
		ops(newcomer.inbox))
	old = s.join(9, 0)
	s.run(0)
	s.requireCall()
	s.leave(old)
	for user := range snowflake.ID(3) {
		s.leave(s.client(user + 1))
	}
	s.run(0)
	s.requireCall()
	require.EqualValues(t, 1, newcomer.session.Version(), "alone, and encrypted")
}

func TestTransitionTimeoutIsPositive(t *testing.T) {
	_, err := NewDelivery(1, WithTransitionTimeout(0))
	require.ErrorContains(t, err, "WithTransitionTimeout")
}
