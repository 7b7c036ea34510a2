package mls

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func parseTree(t testing.TB, b []byte) *tree {
	t.Helper()
	r := reader{b: b}
	tr := r.tree()
	require.NoError(t, r.end())
	require.Equal(t, b, tr.appendTo(nil), "reads and writes the same")
	return tr
}

func TestVectorTreeValidation(t *testing.T) {
	for _, v := range vectors[struct {
		Tree        hexBytes
		GroupID     hexBytes   `json:"group_id"`
		TreeHashes  []hexBytes `json:"tree_hashes"`
		Resolutions [][]uint32
	}](t, "tree-validation", 14) {
		tr := parseTree(t, v.Tree)
		for x := range tr.nodes {
			require.EqualValues(t, v.TreeHashes[x], tr.hash(uint32(x))[:])
			require.Equal(t, v.Resolutions[x], tr.resolution([]uint32{}, uint32(x)))
		}
		require.NoError(t, tr.check(v.GroupID))
		require.Error(t, tr.check([]byte("another group")))
		tr.brokenEverywhere(t)
	}
}

// brokenEverywhere changes each parent node and wants check to see it.
func (t *tree) brokenEverywhere(tb testing.TB) {
	for x := 1; x < len(t.nodes); x += 2 {
		p := t.nodes[x].parent
		if p == nil {
			continue
		}
		other := *p
		other.parentHash = append([]byte{1}, p.parentHash...)
		c := t.clone()
		c.nodes[x].parent = &other
		c.touch(uint32(x))
		require.ErrorIs(tb, c.checkParentHashes(), ErrTree)
		c.nodes[x].parent = nil
		c.touch(uint32(x))
		if uint32(x) != c.root() {
			require.Error(tb, c.checkParentHashes(), "blank node %d", x)
		}
	}
}

func TestVectorTreeOperations(t *testing.T) {
	for _, v := range vectors[struct {
		Proposal   hexBytes
		Sender     uint32   `json:"proposal_sender"`
		Before     hexBytes `json:"tree_before"`
		After      hexBytes `json:"tree_after"`
		HashBefore hexBytes `json:"tree_hash_before"`
		HashAfter  hexBytes `json:"tree_hash_after"`
	}](t, "tree-operations", 5) {
		tr := parseTree(t, v.Before)
		require.EqualValues(t, v.HashBefore, tr.hash(tr.root())[:])
		r := reader{b: v.Proposal}
		p := r.foreignProposal()
		require.NoError(t, r.end())
		p.sender = v.Sender
		after, _, err := applyForeign(tr, []*foreignProposal{p})
		require.NoError(t, err)
		require.EqualValues(t, v.After, after.appendTo(nil))
		require.EqualValues(t, v.HashAfter, after.hash(after.root())[:])
		require.EqualValues(t, v.HashBefore, tr.hash(tr.root())[:], "the old tree stays")
		require.EqualValues(t, v.Before, tr.appendTo(nil))
	}
}

// applyForeign applies the proposals of a vector as change.apply does, and
// updates as well.
func applyForeign(old *tree, list []*foreignProposal) (*tree, []uint32, error) {
	var c change
	t := old.clone()
	for _, p := range list {
		switch p.kind {
		case proposalAdd:
			c.adds = append(c.adds, p.add)
		case proposalRemove:
			c.removes = append(c.removes, p.remove)
		case proposalUpdate:
			t.set(p.sender, p.update)
			t.blankAbove(p.sender)
		}
	}
	return c.apply(t)
}

type treekemVector struct {
	GroupID   hexBytes `json:"group_id"`
	Epoch     uint64
	Confirmed hexBytes `json:"confirmed_transcript_hash"`
	Tree      hexBytes `json:"ratchet_tree"`
	Leaves    []struct {
		Index          uint32
		EncryptionPriv hexBytes `json:"encryption_priv"`
		SignaturePriv  hexBytes `json:"signature_priv"`
		PathSecrets    []struct {
			Node   uint32
			Secret hexBytes `json:"path_secret"`
		} `json:"path_secrets"`
	} `json:"leaves_private"`
	Paths []struct {
		Sender        uint32
		Path          hexBytes    `json:"update_path"`
		Secrets       []*hexBytes `json:"path_secrets"`
		Commit        hexBytes    `json:"commit_secret"`
		TreeHashAfter hexBytes    `json:"tree_hash_after"`
	} `json:"update_paths"`
}

// members are the private states of a vector.
func (v *treekemVector) members(t *testing.T, tr *tree) map[uint32]*Group {
	members := map[uint32]*Group{}
	for _, l := range v.Leaves {
		key, err := ParseSignatureKey(l.SignaturePriv)
		require.NoError(t, err)
		g := &Group{
			context: groupContext{groupID: v.GroupID, epoch: v.Epoch - 1, confirmed: v.Confirmed, extensions: []byte{0}},
			tree:    tr, own: l.Index, key: key, leafKey: l.EncryptionPriv, keys: map[uint32][]byte{},
		}
		for _, s := range l.PathSecrets {
			scalar, _, err := deriveKeyPair(deriveSecret(s.Secret, "node"))
			require.NoError(t, err)
			g.keys[s.Node] = scalar
		}
		require.NoError(t, g.checkPrivate())
		members[l.Index] = g
	}
	return members
}

func TestVectorTreeKEM(t *testing.T) {
	for _, v := range vectors[treekemVector](t, "treekem", 11) {
		tr := parseTree(t, v.Tree)
		require.NoError(t, tr.checkShape())
		members := v.members(t, tr)
		for _, p := range v.Paths {
			commit := v.receive(t, tr, members, p.Sender, p.Path, p.TreeHashAfter)
			require.EqualValues(t, p.Commit, commit)

			sender := members[p.Sender].successor(tr.clone())
			path, err := sender.tree.newPath(p.Sender, sender.key, v.GroupID)
			require.NoError(t, err)
			wire, err := path.append(nil, sender.tree, nil, sender.provisional())
			require.NoError(t, err)
			require.Equal(t, path.commit, v.receive(t, tr, members, p.Sender, wire, sender.context.treeHash))
		}
	}
}

// receive lets everybody but the sender process a path and returns the commit
// secret that they agree on.
func (v *treekemVector) receive(t *testing.T, tr *tree, members map[uint32]*Group, sender uint32, path, hash []byte) (commit []byte) {
	for place, g := range members {
		if place == sender {
			continue
		}
		r := reader{b: path}
		u := r.updatePath()
		require.NoError(t, r.end())
		next := g.successor(tr.clone())
		hops, err := next.tree.mergeForeign(u, sender, v.GroupID)
		require.NoError(t, err)
		context := next.provisional()
		require.EqualValues(t, hash, next.context.treeHash)
		secret, err := next.openPath(u, hops, nil, context)
		require.NoError(t, err)
		require.NoError(t, next.checkPrivate())
		if commit != nil {
			require.Equal(t, commit, secret)
		}
		commit = secret
	}
	return commit
}
