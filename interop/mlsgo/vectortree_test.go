package mlsgo

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/thomas-vilte/mls-go/treesync"
)

func TestVectorsTreeMath(t *testing.T) {
	type math struct {
		Leaves  uint32 `json:"n_leaves"`
		Root    uint32
		Left    []*uint32
		Right   []*uint32
		Parent  []*uint32
		Sibling []*uint32
	}
	for _, v := range vectors[math](t, "tree-math") {
		tree := treesync.NewRatchetTree(v.Leaves)
		require.Equal(t, treesync.NodeIndex(v.Root), tree.Root())
		for i := range v.Left {
			at := treesync.NodeIndex(i)
			compare := func(want *uint32, got treesync.NodeIndex, err error) {
				if want == nil {
					require.Error(t, err)
					return
				}
				require.NoError(t, err)
				require.Equal(t, treesync.NodeIndex(*want), got)
			}
			left, err := tree.LeftChild(at)
			compare(v.Left[i], left, err)
			right, err := tree.RightChild(at)
			compare(v.Right[i], right, err)
			parent, err := tree.Parent(at)
			compare(v.Parent[i], parent, err)
			if v.Sibling[i] != nil {
				require.Equal(t, treesync.NodeIndex(*v.Sibling[i]), tree.GetSibling(at))
			}
		}
	}
}

func TestVectorsTreeValidation(t *testing.T) {
	type validation struct {
		Tree        hexBytes
		GroupID     hexBytes   `json:"group_id"`
		Hashes      []hexBytes `json:"tree_hashes"`
		Resolutions [][]treesync.NodeIndex
	}
	for _, v := range vectors[validation](t, "tree-validation") {
		tree, err := treesync.UnmarshalTreeFromExtension(v.Tree, suite)
		require.NoError(t, err)
		require.Equal(t, []byte(v.Tree), tree.MarshalTreeRFC())
		tree = tree.ExpandToPowerOf2()
		for i, want := range v.Hashes {
			require.Equal(t, []byte(want), tree.HashNode(treesync.NodeIndex(i)))
			require.Equal(t, v.Resolutions[i], tree.Resolution(treesync.NodeIndex(i)))
		}
		require.NoError(t, tree.VerifyAllParentHashes())
		for i := range tree.NumLeaves {
			if leaf := tree.GetLeaf(treesync.LeafIndex(i)); leaf.LeafData != nil {
				require.NoError(t, treesync.ValidateLeafNodeStructureWithContext(leaf.LeafData, suite, v.GroupID, i))
			}
		}
	}
}
