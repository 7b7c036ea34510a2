package mlsgo

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/discordpkg/gateway/internal/mls"
	"github.com/stretchr/testify/require"
	"github.com/thomas-vilte/mls-go/extensions"
	"github.com/thomas-vilte/mls-go/group"
	"github.com/thomas-vilte/mls-go/keypackages"
)

// lure is a Welcome into a group of mls-go's making.
func lure(t testing.TB, id []byte, exts []group.Extension, joiner []byte, opts ...group.InfoOption) []byte {
	host := newPeer(t, 1)
	var err error
	host.group, err = group.NewGroup(group.NewGroupID(id), suite, host.pkg, host.keys, group.WithExtensions(exts))
	require.NoError(t, err)
	pkg, err := keypackages.UnmarshalKeyPackage(joiner)
	require.NoError(t, err)
	_, err = host.group.AddMember(pkg)
	require.NoError(t, err)
	s, err := host.group.Commit(host.sign, host.sign.PublicKey(), nil)
	require.NoError(t, err)
	require.NoError(t, host.group.MergeCommit(s))
	w, err := host.group.CreateWelcomeWithOpts([]*keypackages.KeyPackage{pkg}, host.sign,
		group.WithJoinerSecret(s.JoinerSecret()), group.WithStagedCommit(s), group.WithGroupInfoOptions(opts...))
	require.NoError(t, err)
	return w.Marshal()
}

// senders is an external_senders extension.
func senders(t testing.TB, list ...mls.ExternalSender) []group.Extension {
	e := extensions.NewExternalSendersExtension()
	for _, s := range list {
		one, err := extensions.ParseSingleExternalSender(s.Append(nil))
		require.NoError(t, err)
		require.NoError(t, e.AddSender(*one))
	}
	ext, err := e.ToExtension()
	require.NoError(t, err)
	return []group.Extension{*ext}
}

func TestAttackWelcomes(t *testing.T) {
	m := newMixed(t)
	good := m.signer.Sender()
	stranger, err := mls.NewExternalSigner(good.Identity)
	require.NoError(t, err)
	joiner := newOurs(t, 7, good)
	pkg := joiner.keyPackage()
	twice := append(senders(t, good), group.Extension{Type: extensions.ExtensionTypeApplicationID, Data: []byte{1, 2}})
	other := slices.Concat(channel[:7], []byte{0})
	for name, c := range map[string]struct {
		welcome []byte
		want    error
	}{
		"as it should be":      {lure(t, channel, senders(t, good), pkg), nil},
		"no senders":           {lure(t, channel, nil, pkg), mls.ErrExternalSender},
		"foreign sender":       {lure(t, channel, senders(t, stranger.Sender()), pkg), mls.ErrExternalSender},
		"second sender":        {lure(t, channel, senders(t, good, stranger.Sender()), pkg), mls.ErrExternalSender},
		"one more extension":   {lure(t, channel, twice, pkg), mls.ErrExternalSender},
		"other group":          {lure(t, other, senders(t, good), pkg), mls.ErrGroup},
		"for someone else":     {lure(t, channel, senders(t, good), newPeer(t, 8).keyPackage()), mls.ErrNotForUs},
		"no tree":              {lure(t, channel, senders(t, good), pkg, group.WithRatchetTree(false)), mls.ErrTree},
		"a byte behind":        {append(lure(t, channel, senders(t, good), pkg), 0), mls.ErrMalformed},
		"of another suite":     {[]byte("00\x06000000\x040000"), mls.ErrUnsupported},
		"tree of 2^31 members": {hostileWelcome(t, parsed(t, pkg), treeInfo(binary.BigEndian.AppendUint32(nil, 1<<31))), mls.ErrExternalSender},
	} {
		t.Run(name, func(t *testing.T) {
			joiner.group = nil
			err := joiner.join(c.welcome)
			require.ErrorIs(t, err, c.want)
			require.Equal(t, err == nil, joiner.group != nil)
		})
	}
}

// The user that is in the group and was not announced.
func TestAttackStranger(t *testing.T) {
	m := newMixed(t)
	joiner := newOurs(t, 7, m.signer.Sender())
	w := lure(t, channel, senders(t, m.signer.Sender()), joiner.keyPackage())
	_, err := joiner.joiner.Join(w, mls.JoinPolicy{
		GroupID: channel, ExternalSender: m.signer.Sender(),
		Recognised: func(identity []byte) bool { return binary.BigEndian.Uint64(identity) != 1 },
	})
	require.ErrorIs(t, err, mls.ErrUnrecognised)
}

func parsed(t testing.TB, pkg []byte) *keypackages.KeyPackage {
	k, err := keypackages.UnmarshalKeyPackage(pkg)
	require.NoError(t, err)
	return k
}
