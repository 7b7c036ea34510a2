package mlsgo

import (
	"crypto/ecdh"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/thomas-vilte/mls-go/framing"
	"github.com/thomas-vilte/mls-go/group"
	"github.com/thomas-vilte/mls-go/keypackages"
	"github.com/thomas-vilte/mls-go/treesync"
)

// A passive client joins by a Welcome and follows commits of all kinds.
type passiveClient struct {
	PSKs []struct {
		ID  hexBytes `json:"psk_id"`
		PSK hexBytes
	} `json:"external_psks"`
	KeyPackage    hexBytes `json:"key_package"`
	Encryption    hexBytes `json:"encryption_priv"`
	Init          hexBytes `json:"init_priv"`
	Welcome       hexBytes
	Tree          *hexBytes `json:"ratchet_tree"`
	Authenticator hexBytes  `json:"initial_epoch_authenticator"`
	Epochs        []struct {
		Proposals     []hexBytes
		Commit        hexBytes
		Authenticator hexBytes `json:"epoch_authenticator"`
	}
}

// mlsMessageHeader is in front of the key packages and Welcomes of the
// vectors, and of none of DAVE's.
const mlsMessageHeader = 4

func (v passiveClient) join(t *testing.T) *group.Group {
	pkg, err := keypackages.UnmarshalKeyPackage(v.KeyPackage[mlsMessageHeader:])
	require.NoError(t, err)
	keys := &keypackages.KeyPackagePrivateKeys{}
	keys.InitKey, err = ecdh.P256().NewPrivateKey(v.Init)
	require.NoError(t, err)
	keys.EncryptionKey, err = ecdh.P256().NewPrivateKey(v.Encryption)
	require.NoError(t, err)
	psks := map[string][]byte{}
	for _, p := range v.PSKs {
		psks[string(p.ID)] = p.PSK
	}
	w, err := group.UnmarshalWelcome(v.Welcome[mlsMessageHeader:])
	require.NoError(t, err)
	g, err := group.JoinFromWelcome(w, pkg, keys, psks)
	require.NoError(t, err)
	require.Equal(t, []byte(v.Authenticator), g.EpochAuthenticator())
	return g
}

func TestVectorsPassiveWelcome(t *testing.T) {
	for _, v := range vectors[passiveClient](t, "passive-client-welcome") {
		v.join(t)
	}
}

func TestVectorsPassiveCommit(t *testing.T) {
	for i, v := range vectors[passiveClient](t, "passive-client-handling-commit") {
		g := v.join(t)
		for _, e := range v.Epochs {
			for _, p := range e.Proposals {
				require.NoError(t, receive(g, p), "case %d", i)
			}
			require.NoError(t, receive(g, e.Commit), "case %d", i)
			require.Equal(t, []byte(e.Authenticator), g.EpochAuthenticator(), "case %d", i)
		}
	}
}

type messages struct {
	Welcome        hexBytes `json:"mls_welcome"`
	GroupInfo      hexBytes `json:"mls_group_info"`
	KeyPackage     hexBytes `json:"mls_key_package"`
	Tree           hexBytes `json:"ratchet_tree"`
	Secrets        hexBytes `json:"group_secrets"`
	Add            hexBytes `json:"add_proposal"`
	Update         hexBytes `json:"update_proposal"`
	Remove         hexBytes `json:"remove_proposal"`
	Commit         hexBytes
	PublicProposal hexBytes `json:"public_message_proposal"`
	PublicCommit   hexBytes `json:"public_message_commit"`
}

// Each message is read and written back the same.
func TestVectorsMessages(t *testing.T) {
	for _, v := range vectors[messages](t, "messages") {
		for name, again := range map[string]func() ([]byte, []byte, error){
			"welcome":         func() (in, out []byte, err error) { return roundWelcome(v.Welcome) },
			"group info":      func() (in, out []byte, err error) { return roundInfo(v.GroupInfo) },
			"key package":     func() (in, out []byte, err error) { return roundKeyPackage(v.KeyPackage) },
			"tree":            func() (in, out []byte, err error) { return roundTree(v.Tree) },
			"secrets":         func() (in, out []byte, err error) { return roundSecrets(v.Secrets) },
			"add":             func() (in, out []byte, err error) { return roundProposal(append(hexBytes{0, 1}, v.Add...)) },
			"update":          func() (in, out []byte, err error) { return roundProposal(append(hexBytes{0, 2}, v.Update...)) },
			"remove":          func() (in, out []byte, err error) { return roundProposal(append(hexBytes{0, 3}, v.Remove...)) },
			"commit":          func() (in, out []byte, err error) { return roundCommit(v.Commit) },
			"public proposal": func() (in, out []byte, err error) { return roundMessage(v.PublicProposal) },
			"public commit":   func() (in, out []byte, err error) { return roundMessage(v.PublicCommit) },
		} {
			in, out, err := again()
			require.NoError(t, err, name)
			require.Equal(t, in, out, name)
		}
	}
}

func roundWelcome(in []byte) ([]byte, []byte, error) {
	w, err := group.UnmarshalWelcome(in[mlsMessageHeader:])
	if err != nil {
		return nil, nil, err
	}
	return in[mlsMessageHeader:], w.Marshal(), nil
}

func roundInfo(in []byte) ([]byte, []byte, error) {
	g, err := group.UnmarshalGroupInfo(in[mlsMessageHeader:])
	if err != nil {
		return nil, nil, err
	}
	return in[mlsMessageHeader:], g.Marshal(), nil
}

func roundKeyPackage(in []byte) ([]byte, []byte, error) {
	k, err := keypackages.UnmarshalKeyPackage(in[mlsMessageHeader:])
	if err != nil {
		return nil, nil, err
	}
	return in[mlsMessageHeader:], k.Marshal(), nil
}

func roundTree(in []byte) ([]byte, []byte, error) {
	tree, err := treesync.UnmarshalTreeFromExtension(in, suite)
	if err != nil {
		return nil, nil, err
	}
	return in, tree.MarshalTreeRFC(), nil
}

func roundSecrets(in []byte) ([]byte, []byte, error) {
	s, err := group.UnmarshalGroupSecrets(in)
	if err != nil {
		return nil, nil, err
	}
	return in, s.Marshal(), nil
}

func roundProposal(in []byte) ([]byte, []byte, error) {
	p, err := group.UnmarshalProposal(in)
	if err != nil {
		return nil, nil, err
	}
	return in, group.ProposalMarshal(p), nil
}

func roundCommit(in []byte) ([]byte, []byte, error) {
	c, err := group.UnmarshalCommit(in)
	if err != nil {
		return nil, nil, err
	}
	return in, c.Marshal(), nil
}

func roundMessage(in []byte) ([]byte, []byte, error) {
	m, err := framing.UnmarshalMLSMessage(in)
	if err != nil {
		return nil, nil, err
	}
	return in, m.Marshal(), nil
}
