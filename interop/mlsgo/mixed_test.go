package mlsgo

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/discordpkg/gateway/internal/mls"
	"github.com/stretchr/testify/require"
)

// A mixed group has members on both libraries and an external sender on ours,
// which also takes the Welcomes apart.
type mixed struct {
	signer  *mls.ExternalSigner
	users   uint64
	members []member
	refs    [][]byte // of the proposals of this epoch
	joining []member
	leaving []uint32
}

func newMixed(t testing.TB) *mixed {
	signer, err := mls.NewExternalSigner([]byte("server"))
	require.NoError(t, err)
	return &mixed{signer: signer}
}

// client makes the next user, on our library or on the other.
func (m *mixed) client(t testing.TB, ours bool) member {
	m.users++
	return m.clientOf(t, m.users, ours)
}

func (m *mixed) clientOf(t testing.TB, user uint64, ours bool) member {
	if ours {
		return newOurs(t, user, m.signer.Sender())
	}
	return newPeer(t, user)
}

// start makes a group of one, in epoch 0.
func (m *mixed) start(t testing.TB, ours bool) {
	first := m.client(t, ours)
	first.create(t, m.signer.Sender().Append(nil))
	m.members = []member{first}
}

func (m *mixed) epoch() uint64 { return m.members[0].epoch() }

func (m *mixed) add(t testing.TB, ours bool) member { return m.addClient(t, m.client(t, ours)) }

func (m *mixed) addClient(t testing.TB, c member) member {
	message, ref, err := m.signer.SignAdd(channel, m.epoch(), c.keyPackage())
	require.NoError(t, err)
	m.propose(t, message, ref)
	m.joining = append(m.joining, c)
	return c
}

func (m *mixed) remove(t testing.TB, leaf uint32) {
	message, ref, err := m.signer.SignRemove(channel, m.epoch(), leaf)
	require.NoError(t, err)
	m.propose(t, message, ref)
	m.leaving = append(m.leaving, leaf)
}

func (m *mixed) propose(t testing.TB, message, ref []byte) {
	for _, c := range m.members {
		require.NoError(t, c.receive(message))
	}
	m.refs = append(m.refs, ref)
}

// revokeLastAdd takes back the Add that was proposed last.
func (m *mixed) revokeLastAdd() {
	last := len(m.refs) - 1
	for _, c := range m.members {
		c.revoke(m.refs[last])
	}
	m.refs = m.refs[:last]
	m.joining = m.joining[:len(m.joining)-1]
}

// commit lets the member at index by win. Others have staged as well.
func (m *mixed) commit(t testing.TB, by int, losers ...int) {
	for _, i := range losers {
		m.members[i].stage(t) // and nobody takes it
	}
	o := m.members[by].stage(t)
	m.inspect(t, o.commit, m.members[by].leaf())
	var left []member
	for i, c := range m.members {
		gone := slices.Contains(m.leaving, c.leaf())
		switch {
		case i == by:
			o.accept()
		case gone:
			requireRemoved(t, c, o.commit)
		default:
			require.NoError(t, c.follow(t, o.commit), "member %d follows %d", i, by)
		}
		if !gone {
			left = append(left, c)
		}
	}
	m.welcome(t, o.welcome)
	m.members = append(left, m.joining...)
	m.refs, m.joining, m.leaving = nil, nil, nil
	m.agree(t)
}

// requireRemoved wants a member to find out that a commit removed it. The
// other library has no word for that.
func requireRemoved(t testing.TB, c member, commit []byte) {
	err := c.follow(t, commit)
	if _, ours := c.(*ourMember); ours {
		require.ErrorIs(t, err, mls.ErrRemoved)
	}
	require.Error(t, err)
}

func (m *mixed) inspect(t testing.TB, commit []byte, leaf uint32) {
	info, err := mls.InspectCommit(commit)
	require.NoError(t, err)
	require.Equal(t, m.epoch(), info.Epoch)
	require.Equal(t, leaf, info.Sender)
	require.False(t, info.Inline)
	require.Empty(t, info.Rest)
	require.ElementsMatch(t, m.refs, info.Refs)
}

func (m *mixed) welcome(t testing.TB, welcome []byte) {
	if len(m.joining) == 0 {
		require.Nil(t, welcome)
		return
	}
	parts, err := mls.SplitWelcome(welcome)
	require.NoError(t, err)
	require.Len(t, parts, len(m.joining))
	for i, c := range m.joining {
		pkg, err := mls.ParseKeyPackage(c.keyPackage())
		require.NoError(t, err)
		require.Equal(t, pkg.Ref(), parts[i].Ref)
		require.NoError(t, c.join(parts[i].Welcome()), "joiner %d", i)
	}
}

func (m *mixed) agree(t testing.TB) {
	want := m.members[0]
	for i, c := range m.members {
		require.Equal(t, want.epoch(), c.epoch(), "member %d", i)
		require.Equal(t, want.authenticator(), c.authenticator(), "member %d", i)
		require.Equal(t, want.export(t, 16), c.export(t, 16), "member %d", i)
		require.Equal(t, want.roster(), c.roster(), "member %d", i)
	}
}

func TestMixedCall(t *testing.T) {
	for _, first := range []bool{true, false} {
		m := newMixed(t)
		m.start(t, first)
		m.add(t, !first)
		m.commit(t, 0)
		m.add(t, first)
		m.add(t, !first)
		m.commit(t, 1, 0)
		m.commit(t, 2) // of nothing: keys are renewed
		m.add(t, true)
		m.add(t, false)
		m.revokeLastAdd()
		m.commit(t, 3, 0, 1, 2)
		m.remove(t, m.members[1].leaf())
		m.add(t, false)
		m.commit(t, 0, 2, 3)
		require.Len(t, m.members, 5)
		require.Equal(t, uint64(6-1), m.epoch())
	}
}

// A user is removed and added in one commit. It has another signature key now:
// with the one it had, the other library refuses, see
// [TestNeedRemoveAndAddOfOneUserRefused].
func TestMixedRejoin(t *testing.T) {
	for _, ours := range []bool{true, false} {
		m := newMixed(t)
		m.start(t, true)
		m.add(t, false)
		m.add(t, ours)
		m.add(t, !ours)
		m.commit(t, 0)
		for by := range 2 {
			lost := m.members[len(m.members)-1]
			m.remove(t, lost.leaf())
			m.addClient(t, m.clientOf(t, lost.identity(), ours))
			m.commit(t, by)
			require.Len(t, m.members, 4)
		}
	}
}

// Histories of up to twelve members, drawn from a seed.
func TestMixedHistories(t *testing.T) {
	seeds := 20
	if testing.Short() {
		seeds = 5
	}
	for seed := range uint64(seeds) {
		rnd := rand.New(rand.NewPCG(seed, 9420))
		m := newMixed(t)
		m.start(t, seed%2 == 0)
		for range 15 {
			m.step(t, rnd)
		}
	}
}

// step proposes something or nothing and lets somebody commit it.
func (m *mixed) step(t testing.TB, rnd *rand.Rand) {
	by := rnd.IntN(len(m.members))
	for i, c := range m.members {
		if i != by && len(m.members) > 2 && rnd.IntN(6) == 0 {
			m.remove(t, c.leaf())
		}
	}
	for range rnd.IntN(4) {
		if len(m.members)+len(m.joining) == 12 {
			break
		}
		m.add(t, rnd.IntN(2) == 0)
		if rnd.IntN(8) == 0 {
			m.revokeLastAdd()
		}
	}
	var losers []int
	for i, c := range m.members {
		if i != by && !slices.Contains(m.leaving, c.leaf()) && rnd.IntN(4) == 0 {
			losers = append(losers, i)
		}
	}
	m.commit(t, by, losers...)
}
