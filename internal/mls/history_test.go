package mls

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

const historySize = 20

// A history is a call in which members come and go, and in which any of them
// may make the commit that wins.
type history struct {
	*gateway
	random *rand.Rand
	users  map[uint64]*Group
	ids    []uint64 // who is in, in some order
	last   uint64
}

// TestHistories runs random calls: all members of an epoch hold the same
// secrets, those who went hold none of it.
func TestHistories(t *testing.T) {
	seeds := uint64(5)
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		random := rand.New(rand.NewPCG(seed, 9420))
		h := &history{gateway: newGateway(t), random: random, last: 1, ids: []uint64{1}}
		h.users = map[uint64]*Group{1: h.create(1)}
		for range 25 {
			h.step()
		}
	}
}

// step commits up to four changes: joins, leaves and recoveries.
func (h *history) step() {
	committer := h.ids[h.random.IntN(len(h.ids))]
	epoch := h.users[committer].Epoch()
	var msgs [][]byte
	joiners := map[uint64]*Joiner{}
	gone := map[uint64]bool{}
	for range h.random.IntN(5) {
		id := h.ids[h.random.IntN(len(h.ids))]
		switch h.random.IntN(4) {
		case 0, 1:
			if len(h.ids)+len(joiners) < historySize {
				h.last++
				joiners[h.last] = h.joiner(h.last)
				msgs = append(msgs, h.add(epoch, joiners[h.last]))
			}
		case 2, 3:
			if id == committer || gone[id] || epoch == 0 {
				continue
			}
			gone[id] = true
			msgs = append(msgs, h.remove(epoch, h.users[id].OwnLeaf()))
			if h.random.IntN(2) == 0 {
				joiners[id] = h.joiner(id)
				msgs = append(msgs, h.add(epoch, joiners[id]))
			}
		}
	}
	if epoch == 0 && len(joiners) == 0 {
		return
	}
	h.commit(committer, msgs, joiners, gone)
}

func (h *history) commit(committer uint64, msgs [][]byte, joiners map[uint64]*Joiner, gone map[uint64]bool) {
	t := h.t
	s := commit(t, h.users[committer], msgs...)
	info, err := InspectCommit(s.Commit)
	require.NoError(t, err)
	require.Len(t, info.Refs, len(msgs))
	require.Empty(t, info.Rest)
	next := map[uint64]*Group{committer: s.Next}
	for id, g := range h.users {
		if id == committer {
			continue
		}
		n, err := g.Process(s.Commit, proposals(t, g, msgs...))
		if gone[id] {
			require.ErrorIs(t, err, ErrRemoved)
		} else {
			require.NoError(t, err)
			next[id] = n
		}
		g.Wipe()
	}
	h.users[committer].Wipe()
	parts := map[string]WelcomePart{}
	if s.Welcome != nil {
		list, err := SplitWelcome(s.Welcome)
		require.NoError(t, err)
		require.Len(t, list, len(joiners))
		for _, p := range list {
			parts[string(p.Ref)] = p
		}
	}
	for id, j := range joiners {
		next[id], err = j.Join(parts[string(j.pkg.ref)].Welcome(), h.policy())
		require.NoError(t, err)
		j.Wipe()
	}
	h.users, h.ids = next, h.ids[:0]
	for id, g := range next {
		requireSame(t, s.Next, g)
		require.NoError(t, g.checkPrivate())
		h.ids = append(h.ids, id)
	}
	slices.Sort(h.ids)
}

// checkPrivate wants each private key to fit the tree.
func (g *Group) checkPrivate() error {
	for x, key := range g.keys {
		public, err := publicOf(key)
		if err != nil {
			return err
		}
		if p := g.tree.nodes[x].parent; p == nil || string(p.encryptionKey) != string(public) {
			return ErrPath
		}
	}
	public, err := publicOf(g.leafKey)
	if err == nil && string(public) != string(g.tree.leaf(g.own).encryptionKey) {
		err = ErrPath
	}
	return err
}
