package mlsgo

import (
	"testing"

	"github.com/discordpkg/gateway/internal/mls"
	"github.com/stretchr/testify/require"
	"github.com/thomas-vilte/mls-go/framing"
	"github.com/thomas-vilte/mls-go/group"
)

// Both decoders see the same in a commit that both can read. Ours reads some
// that the other cannot: it looks at keys when it judges them, not before.
func FuzzDecodersAgreeOnCommit(f *testing.F) {
	m, _, evil := besiege(f)
	m.remove(f, 0)
	m.add(f, true)
	f.Add(evil.stage(f).commit)
	f.Add(m.members[1].stage(f).commit)
	f.Fuzz(func(t *testing.T, b []byte) {
		info, err := mls.InspectCommit(b)
		if err != nil || info.Inline {
			return
		}
		b = b[:len(b)-len(info.Rest)]
		message, err := framing.UnmarshalMLSMessage(b)
		if err != nil {
			return
		}
		public, ok := message.AsPublic()
		require.True(t, ok)
		require.Equal(t, info.GroupID, public.Content.GroupID)
		require.Equal(t, info.Epoch, public.Content.Epoch)
		require.Equal(t, info.Sender, public.Content.Sender.LeafIndex)
		body, ok := public.Content.CommitData()
		require.True(t, ok)
		commit, err := group.UnmarshalCommit(body)
		require.NoError(t, err)
		require.Len(t, commit.Proposals, len(info.Refs))
		for i, p := range commit.Proposals {
			require.Equal(t, info.Refs[i], p.ProposalRef)
		}
		require.Equal(t, info.Path != nil, commit.Path != nil)
	})
}

// What ours reads of a Welcome, the other one reads too.
func FuzzDecodersAgreeOnWelcome(f *testing.F) {
	m, _, evil := besiege(f)
	m.add(f, true)
	m.add(f, false)
	f.Add(evil.stage(f).welcome)
	f.Fuzz(func(t *testing.T, b []byte) {
		parts, err := mls.SplitWelcome(b)
		if err != nil {
			return
		}
		w, err := group.UnmarshalWelcome(b)
		require.NoError(t, err)
		require.Len(t, w.Secrets, len(parts))
		for i, p := range parts {
			require.Equal(t, p.Ref, w.Secrets[i].NewMember)
			one, err := group.UnmarshalWelcome(p.Welcome())
			require.NoError(t, err)
			require.Equal(t, w.Secrets[i], one.Secrets[0])
			require.Equal(t, w.EncryptedGroupInfo, one.EncryptedGroupInfo)
		}
	})
}
