package dave

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	gateway "github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/mls"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

// requireDropped gives a delivery a commit that must not win.
func requireDropped(t testing.TB, d *recorded, user snowflake.ID, commit []byte, why string) {
	t.Helper()
	before := d.Epoch()
	require.Empty(t, d.handle(user, voice(opcode.DAVECommitWelcome, commit)), why)
	require.Equal(t, before, d.Epoch(), why)
}

// scene is an unestablished group of which client 1 has the Adds of 2 and 3.
func scene(t testing.TB) (d *recorded, g *mls.Group, list []*mls.Proposal) {
	t.Helper()
	d = newRecorded(t)
	for user := range snowflake.ID(3) {
		d.join(user+1, 1, 1)
	}
	creator := joiner(t, 1)
	g, err := creator.CreateGroup(identityOf(testChannel), d.signer.Sender())
	require.NoError(t, err)
	d.handle(1, voice(opcode.DAVEKeyPackage, creator.KeyPackage()))
	for user := range snowflake.ID(2) {
		out := d.handle(user+2, keyPackage(t, user+2))
		body, _, ok := vector(out[0].Message.Data[1:])
		require.True(t, ok)
		p, _, err := g.ParseProposal(body)
		require.NoError(t, err)
		list = append(list, p)
	}
	return d, g, list
}

func stage(t testing.TB, g *mls.Group, list ...*mls.Proposal) *mls.Staged {
	t.Helper()
	s, err := g.Commit(list)
	require.NoError(t, err)
	return s
}

func both(s *mls.Staged) []byte { return append(bytes.Clone(s.Commit), s.Welcome...) }

func TestDeliveryPicksACommit(t *testing.T) {
	d, g, list := scene(t)
	all := stage(t, g, list...)
	requireDropped(t, d, 1, both(stage(t, g, list[0])), "not all proposals")
	requireDropped(t, d, 1, both(stage(t, g)), "no proposals")
	requireDropped(t, d, 2, both(all), "its own Add, and not the one of 1")
	requireDropped(t, d, 1, all.Commit, "no welcome")
	d.requireError(ErrCommit, 1, voice(opcode.DAVECommitWelcome, append(bytes.Clone(all.Commit), stage(t, g, list[0]).Welcome...)))
	d.requireError(ErrCommit, 1, voice(opcode.DAVECommitWelcome, append(both(all), 0)))

	foreign, signer := foreignGroup(t)
	msg, _, err := signer.SignAdd(foreign.GroupID(), 0, list[1].Add.Bytes())
	require.NoError(t, err)
	p, _, err := foreign.ParseProposal(msg)
	require.NoError(t, err)
	requireDropped(t, d, 1, both(stage(t, foreign, p)), "other proposals")

	out := d.handle(1, voice(opcode.DAVECommitWelcome, both(all)))
	require.Equal(t, []opcode.Voice{opcode.DAVEAnnounceCommit}, sentTo(out, 1))
	require.Equal(t, []opcode.Voice{opcode.DAVEWelcome}, sentTo(out, 2))
	require.Equal(t, []opcode.Voice{opcode.DAVEWelcome}, sentTo(out, 3))
	require.Equal(t, prefixed(1, all.Commit), out[0].Message.Data)
	require.NotEqual(t, out[1].Message.Data, out[2].Message.Data, "to each its own secrets")
	require.EqualValues(t, 1, d.Epoch())
	requireDropped(t, d, 1, both(all), "late")

	require.Empty(t, d.handle(1, transitionMessage(opcode.DAVETransitionReady, 1, 1)))
	require.Empty(t, d.handle(1, transitionMessage(opcode.DAVETransitionReady, 1, 1)), "once")
	require.Empty(t, d.handle(2, transitionMessage(opcode.DAVETransitionReady, 7, 1)))
	require.Empty(t, d.handle(2, transitionMessage(opcode.DAVETransitionReady, 1, 1)))
	out = d.handle(3, transitionMessage(opcode.DAVETransitionReady, 1, 1))
	require.Len(t, out, 3)
	require.Equal(t, []opcode.Voice{opcode.DAVEExecuteTransition}, sentTo(out, 1))
	require.JSONEq(t, `{"transition_id":1}`, string(out[0].Message.Data))
}

// A commit with a path has to be from who it says, with the key it had.
func TestDeliveryPicksACommitWithAPath(t *testing.T) {
	d, g, list := scene(t)
	s := stage(t, g, list...)
	d.handle(1, voice(opcode.DAVECommitWelcome, both(s)))
	g = s.Next
	out := d.Leave(epoch, 3)
	require.Equal(t, []opcode.Voice{opcode.DAVEProposals}, sentTo(out, 1))
	body, _, _ := vector(out[0].Message.Data[1:])
	remove, _, err := g.ParseProposal(body)
	require.NoError(t, err)
	commit := stage(t, g, remove)
	require.Nil(t, commit.Welcome)
	requireDropped(t, d, 2, commit.Commit, "of another leaf")
	d.requireError(ErrCommit, 1, voice(opcode.DAVECommitWelcome, append(bytes.Clone(commit.Commit), s.Welcome...)))
	kept := d.members[1].pkg
	d.members[1].pkg = d.members[2].pkg
	requireDropped(t, d, 1, commit.Commit, "another key")
	d.members[1].pkg = kept
	out = d.handle(1, voice(opcode.DAVECommitWelcome, commit.Commit))
	require.Equal(t, []opcode.Voice{opcode.DAVEAnnounceCommit}, sentTo(out, 2))
	require.Equal(t, prefixed(2, commit.Commit), out[0].Message.Data)
}

// Whose commit most members cannot follow does not win again.
func TestDeliveryBarsCommitters(t *testing.T) {
	d, g, list := scene(t)
	s := stage(t, g, list...)
	d.handle(1, voice(opcode.DAVECommitWelcome, both(s)))
	d.handle(1, transitionMessage(opcode.DAVEInvalidCommit, d.lastID, 1))
	require.False(t, d.members[1].barred, "by itself")

	d, g, list = scene(t)
	s = stage(t, g, list...)
	d.handle(1, voice(opcode.DAVECommitWelcome, both(s)))
	d.handle(2, transitionMessage(opcode.DAVEInvalidCommit, d.lastID+7, 1))
	require.False(t, d.members[1].barred, "of another transition")
	d.handle(3, transitionMessage(opcode.DAVEInvalidCommit, d.lastID, 1))
	require.False(t, d.members[1].barred, "one of two")
	d.handle(3, keyPackage(t, 3))

	d, g, list = scene(t)
	s = stage(t, g, list...)
	d.handle(1, voice(opcode.DAVECommitWelcome, both(s)))
	for user := range snowflake.ID(2) {
		d.handle(user+2, transitionMessage(opcode.DAVEInvalidCommit, d.lastID, 1))
	}
	require.True(t, d.members[1].barred)
	out := d.handle(2, keyPackage(t, 2))
	require.Equal(t, []opcode.Voice{opcode.DAVEProposals}, sentTo(out, 1))
	next := s.Next
	body, _, _ := vector(out[0].Message.Data[1:])
	list = nil
	for len(body) > 0 {
		p, rest, err := next.ParseProposal(body)
		require.NoError(t, err)
		list, body = append(list, p), rest
	}
	requireDropped(t, d, 1, both(stage(t, next, list...)), "barred")
	d.members[1].barred = false
	require.NotEmpty(t, d.handle(1, voice(opcode.DAVECommitWelcome, both(stage(t, next, list...)))))
}

// A member whose commits no other can follow, and who is always the first, wins once.
func TestBadCommitterWinsOnce(t *testing.T) {
	s := newSim(t, 1)
	s.latency = 0
	for user := range snowflake.ID(4) {
		s.join(user+1, 1)
	}
	bad := s.join(5, 1) // who has all proposals first
	bad.mangle = func(m gateway.VoiceMessage) gateway.VoiceMessage {
		if m.Op != opcode.DAVECommitWelcome {
			return m
		}
		n, err := mls.CommitLength(m.Data)
		require.NoError(t, err)
		m.Data = bytes.Clone(m.Data)
		m.Data[n-1] ^= 1 // of the membership tag
		m.Data[len(m.Data)-1] ^= 1
		return m
	}
	s.run(commitWait - 1)
	s.requireCall()
	require.True(t, s.delivery.members[5].barred)
	for _, p := range s.delivery.order {
		require.LessOrEqual(t, p.failures, 2, "%d", p.user)
	}
}

// In a call of two, no member is left to commit once the committer is barred. Who
// cannot follow does not wait for long, but neither do they go round in circles.
func TestBarredCommitterIsAlone(t *testing.T) {
	s := call(t, 1, 2)
	s.latency = 10 * time.Millisecond
	recovers := func() time.Duration {
		committer := s.delivery.last.committer
		c := s.clients[0]
		if c.user == committer.user {
			c = s.clients[1]
		}
		err := c.session.recover(s.now, s.delivery.lastID, errNoGroup)
		replies := c.session.replies
		c.session.replies = nil
		require.NoError(t, err)
		for _, r := range replies {
			s.toServer(c, r)
		}
		start := s.now
		s.run(s.latency)
		for s.clients[0].session.Epoch() == 0 || s.clients[1].session.Epoch() == 0 {
			require.Less(t, s.now.Sub(start), time.Minute)
			s.run(s.latency)
		}
		return s.now.Sub(start)
	}
	require.Less(t, recovers(), time.Second)
	require.Greater(t, recovers(), commitWait/2, "once more")
	s.settle()
	s.requireCall()
}
