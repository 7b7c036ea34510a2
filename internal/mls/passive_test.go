package mls

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// wireBody returns what an MLSMessage of some wire format holds.
func wireBody(t testing.TB, msg []byte, wire uint16) []byte {
	t.Helper()
	r := reader{b: msg}
	require.EqualValues(t, version, r.u16())
	require.Equal(t, wire, r.u16())
	require.NoError(t, r.err)
	return r.b
}

func TestVectorMessages(t *testing.T) {
	for _, v := range vectors[map[string]hexBytes](t, "messages", 40) {
		exact := func(name string, read func(r *reader)) {
			t.Helper()
			r := reader{b: v[name]}
			read(&r)
			require.NoError(t, r.end(), name)
			r = reader{b: v[name][:len(v[name])-1]}
			read(&r)
			require.ErrorIs(t, r.end(), ErrMalformed, name)
		}
		skip := func(r *reader, wire uint16) {
			r.u16()
			if r.u16() != wire {
				r.fail("wire format")
			}
		}
		exact("mls_welcome", func(r *reader) { skip(r, wireWelcome); r.anyWelcome() })
		exact("mls_group_info", func(r *reader) { skip(r, wireGroupInfo); r.anyGroupInfo() })
		exact("mls_key_package", func(r *reader) { skip(r, wireKeyPackage); r.keyPackage() })
		exact("ratchet_tree", func(r *reader) { r.tree() })
		exact("group_secrets", func(r *reader) { r.groupSecrets() })
		exact("commit", func(r *reader) { r.commitBody() })
		for name, kind := range map[string]uint16{
			"add_proposal": proposalAdd, "update_proposal": proposalUpdate, "remove_proposal": proposalRemove,
			"pre_shared_key_proposal": proposalPSK, "re_init_proposal": proposalReInit,
			"external_init_proposal": proposalExternalInit, "group_context_extensions_proposal": proposalExtensions,
		} {
			r := reader{b: appendU16(nil, kind)}
			r.b = append(r.b, v[name]...)
			r.foreignProposal()
			require.NoError(t, r.end(), name)
		}
		for _, name := range []string{"public_message_proposal", "public_message_commit"} {
			exact(name, func(r *reader) { r.message(readBody) })
		}
		for _, name := range []string{"public_message_application", "private_message"} {
			r := reader{b: v[name]}
			r.message(readBody)
			require.ErrorIs(t, r.err, ErrUnsupported, name)
		}
	}
}

// anyWelcome and anyGroupInfo read those of other cipher suites as well.
func (r *reader) anyWelcome() {
	r.u16()
	list := r.list()
	for list.more() {
		list.vector()
		list.sealed()
	}
	r.close(&list)
	r.vector()
}

func (r *reader) anyGroupInfo() {
	if len(r.b) > 3 {
		r.b = append([]byte(nil), r.b...)
		r.b[3] = suite
	}
	r.groupInfo()
}

func TestVectorWelcome(t *testing.T) {
	for _, v := range vectors[struct {
		InitPriv   hexBytes `json:"init_priv"`
		SignerPub  hexBytes `json:"signer_pub"`
		KeyPackage hexBytes `json:"key_package"`
		Welcome    hexBytes
	}](t, "welcome", 1) {
		k, err := ParseKeyPackage(wireBody(t, v.KeyPackage, wireKeyPackage))
		require.NoError(t, err)
		j := &Joiner{pkg: k, initKey: v.InitPriv}
		s, encrypted, err := j.open(wireBody(t, v.Welcome, wireWelcome))
		require.NoError(t, err)
		member := memberSecret(s.joiner, zero[:])
		info, err := openGroupInfo(encrypted, member)
		require.NoError(t, err)
		signer, err := parseVerifyKey(v.SignerPub)
		require.NoError(t, err)
		require.True(t, signer.verify("GroupInfoTBS", info.signed, info.signature))
		secrets := deriveSecrets(epochSecret(member, info.encoded))
		require.Equal(t, info.tag, mac(secrets.confirmation, info.context.confirmed))
	}
}

// A passiveVector is a group that a client joins and follows.
type passiveVector struct {
	PSKs []struct {
		ID  hexBytes `json:"psk_id"`
		Key hexBytes `json:"psk"`
	} `json:"external_psks"`
	KeyPackage    hexBytes  `json:"key_package"`
	SignaturePriv hexBytes  `json:"signature_priv"`
	Encryption    hexBytes  `json:"encryption_priv"`
	InitPriv      hexBytes  `json:"init_priv"`
	Welcome       hexBytes  `json:"welcome"`
	Tree          *hexBytes `json:"ratchet_tree"`
	Authenticator hexBytes  `json:"initial_epoch_authenticator"`
	Epochs        []struct {
		Proposals     []hexBytes
		Commit        hexBytes
		Authenticator hexBytes `json:"epoch_authenticator"`
	}
}

// A passiveClient follows a group with all that RFC 9420 has in public
// messages: it reads the proposals that DAVE does without, and leaves the
// rest to the code that DAVE runs on.
type passiveClient struct {
	*Group
	external   map[string][]byte
	resumption map[uint64][]byte
}

func (c *passiveClient) pskSecret(ids []pskID) ([]byte, error) {
	var keys [][]byte
	for _, id := range ids {
		key := c.external[string(id.id)]
		if id.kind == 2 {
			key = c.resumption[id.epoch]
		}
		if key == nil {
			return nil, errors.New("unknown pre-shared key")
		}
		keys = append(keys, key)
	}
	return pskSecret(ids, keys), nil
}

func (v *passiveVector) join(t *testing.T) *passiveClient {
	k, err := ParseKeyPackage(wireBody(t, v.KeyPackage, wireKeyPackage))
	require.NoError(t, err)
	key, err := ParseSignatureKey(v.SignaturePriv)
	require.NoError(t, err)
	require.Equal(t, k.SignatureKey(), key.Public())
	for private, public := range map[*hexBytes][]byte{&v.InitPriv: k.initKey, &v.Encryption: k.leaf.encryptionKey} {
		got, err := publicOf(*private)
		require.NoError(t, err)
		require.Equal(t, public, got)
	}
	c := &passiveClient{external: map[string][]byte{}, resumption: map[uint64][]byte{}}
	for _, p := range v.PSKs {
		c.external[string(p.ID)] = p.Key
	}
	j := &Joiner{pkg: k, key: key, initKey: v.InitPriv, leafKey: v.Encryption}
	s, encrypted, err := j.open(wireBody(t, v.Welcome, wireWelcome))
	require.NoError(t, err)
	var ids []pskID
	r := reader{b: s.psks}
	for r.more() {
		ids = append(ids, r.pskID())
	}
	require.NoError(t, r.end())
	psk, err := c.pskSecret(ids)
	require.NoError(t, err)
	member := memberSecret(s.joiner, psk)
	info, err := openGroupInfo(encrypted, member)
	require.NoError(t, err)
	if v.Tree != nil {
		info.tree = *v.Tree
	}
	c.Group, err = j.enter(info, s.path, member)
	require.NoError(t, err)
	require.EqualValues(t, v.Authenticator, c.EpochAuthenticator())
	require.NoError(t, c.checkPrivate())
	c.remember(member)
	return c
}

func (c *passiveClient) remember(member []byte) {
	c.resumption[c.Epoch()] = deriveSecret(epochSecret(member, c.encoded), "resumption")
}

func TestVectorPassiveWelcome(t *testing.T) {
	for _, v := range vectors[passiveVector](t, "passive-client-welcome", 8) {
		v.join(t)
	}
}

func TestVectorPassiveHandlingCommit(t *testing.T) {
	for _, v := range vectors[passiveVector](t, "passive-client-handling-commit", 13) {
		c := v.join(t)
		for _, e := range v.Epochs {
			var cached [][]byte
			for _, p := range e.Proposals {
				cached = append(cached, p)
			}
			c.process(t, e.Commit, cached)
			require.EqualValues(t, e.Authenticator, c.EpochAuthenticator())
			require.NoError(t, c.checkPrivate())
		}
	}
}

// process follows a commit.
func (c *passiveClient) process(t *testing.T, commit []byte, cached [][]byte) {
	var body commitBody
	r := reader{b: commit}
	m := r.message(func(r *reader, m *message) { r.commit(m, &body) })
	require.NoError(t, r.end())
	require.NoError(t, c.authenticate(m))
	list := c.list(t, body, m.sender, cached)
	var psks []pskID
	base := *c.Group
	for _, p := range list {
		switch p.kind {
		case proposalPSK:
			psks = append(psks, p.psk)
		case proposalExtensions:
			base.context.extensions = p.extensions
		case proposalAdd:
			require.NoError(t, p.add.check())
		case proposalUpdate:
			require.NoError(t, p.update.check())
			require.NoError(t, p.update.checkSignature(c.GroupID(), p.sender))
		}
	}
	psk, err := c.pskSecret(psks)
	require.NoError(t, err)
	tr, added, err := applyForeign(c.tree, list)
	require.NoError(t, err)
	c.Group, err = base.follow(m, tr, added, body.path, psk)
	require.NoError(t, err)
}

// list resolves the proposals of a commit, inline ones included.
func (c *passiveClient) list(t *testing.T, body commitBody, committer uint32, cached [][]byte) (list []*foreignProposal) {
	known := map[string]*foreignProposal{}
	for _, msg := range cached {
		var p *foreignProposal
		r := reader{b: bytes.Clone(msg)}
		m := r.message(func(r *reader, _ *message) { p = r.foreignProposal() })
		require.NoError(t, r.end())
		require.NoError(t, c.authenticate(m))
		p.sender = m.sender
		known[string(m.ref())] = p
	}
	r := reader{b: body.proposals}
	for r.more() {
		var p *foreignProposal
		if r.u8() == entryReference {
			p = known[string(r.vector())]
			require.NotNil(t, p)
		} else {
			p = r.foreignProposal()
			p.sender = committer
		}
		list = append(list, p)
	}
	require.NoError(t, r.end())
	return list
}
