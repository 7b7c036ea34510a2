package mls

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// hexBytes are bytes that a vector writes in hexadecimal.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// vectors reads the cases of one file of official vectors.
func vectors[T any](t testing.TB, name string, cases int) []T {
	t.Helper()
	f, err := os.Open("testdata/vectors/" + name + ".json.gz")
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	text, err := io.ReadAll(z)
	require.NoError(t, err)
	var list []T
	require.NoError(t, json.Unmarshal(text, &list))
	require.Len(t, list, cases, "the package comment says so")
	return list
}

func TestVectorDeserialization(t *testing.T) {
	for _, v := range vectors[struct {
		Header hexBytes `json:"vlbytes_header"`
		Length int
	}](t, "deserialization", 14) {
		r := reader{b: v.Header}
		require.Equal(t, v.Length, r.size())
		require.NoError(t, r.end())
		require.Equal(t, []byte(v.Header), appendSize(nil, v.Length))
	}
}

func TestVectorTreeMath(t *testing.T) {
	for _, v := range vectors[struct {
		Leaves                       int `json:"n_leaves"`
		Nodes                        int `json:"n_nodes"`
		Root                         uint32
		Left, Right, Parent, Sibling []*uint32
	}](t, "tree-math", 10) {
		require.Equal(t, v.Nodes, 2*v.Leaves-1)
		require.Equal(t, v.Root, rootOf(v.Leaves))
		for i := range v.Nodes {
			x := uint32(i)
			if want := v.Left[i]; want != nil {
				require.Equal(t, *want, left(x))
				require.Equal(t, *v.Right[i], right(x))
			}
			if want := v.Parent[i]; want != nil {
				require.Equal(t, *want, parent(x))
				require.Equal(t, *v.Sibling[i], sibling(x))
			}
		}
	}
}

type labelled struct {
	Label, Signature, Ciphertext, Context, Plaintext, Content hexBytes
	Secret, Value, Out, Priv, Pub                             hexBytes
	KEMOutput                                                 hexBytes `json:"kem_output"`
	Generation                                                uint32
	Length                                                    int
}

func TestVectorCryptoBasics(t *testing.T) {
	type named struct {
		labelled
		Label string
	}
	for _, v := range vectors[struct {
		RefHash          named `json:"ref_hash"`
		ExpandWithLabel  named `json:"expand_with_label"`
		DeriveSecret     named `json:"derive_secret"`
		DeriveTreeSecret named `json:"derive_tree_secret"`
		SignWithLabel    named `json:"sign_with_label"`
		EncryptWithLabel named `json:"encrypt_with_label"`
	}](t, "crypto-basics", 1) {
		require.EqualValues(t, v.RefHash.Out, refHash(v.RefHash.Label, v.RefHash.Value))
		e := v.ExpandWithLabel
		out, err := expandWithLabel(e.Secret, e.Label, e.Context, e.Length)
		require.NoError(t, err)
		require.EqualValues(t, e.Out, out)
		require.EqualValues(t, e.Out, expand(e.Secret, e.Label, e.Context, e.Length))
		require.EqualValues(t, v.DeriveSecret.Out, deriveSecret(v.DeriveSecret.Secret, v.DeriveSecret.Label))
		d := v.DeriveTreeSecret
		out, err = DeriveTreeSecret(d.Secret, d.Label, d.Generation, d.Length)
		require.NoError(t, err)
		require.EqualValues(t, d.Out, out)

		s := v.SignWithLabel
		key, err := parseVerifyKey(s.Pub)
		require.NoError(t, err)
		require.True(t, key.verify(s.Label, s.Content, s.Signature))
		private, err := ParseSignatureKey(s.Priv)
		require.NoError(t, err)
		require.EqualValues(t, s.Pub, private.Public())
		sig, err := private.sign(s.Label, s.Content)
		require.NoError(t, err)
		require.True(t, key.verify(s.Label, s.Content, sig))
		require.False(t, key.verify(s.Label+"!", s.Content, sig))

		c := v.EncryptWithLabel
		plain, err := sealed{c.KEMOutput, c.Ciphertext}.open(c.Priv, c.Label, c.Context)
		require.NoError(t, err)
		require.EqualValues(t, c.Plaintext, plain)
	}
}

func TestVectorKeySchedule(t *testing.T) {
	type epoch struct {
		GroupContext  hexBytes `json:"group_context"`
		Joiner        hexBytes `json:"joiner_secret"`
		Welcome       hexBytes `json:"welcome_secret"`
		Init          hexBytes `json:"init_secret"`
		SenderData    hexBytes `json:"sender_data_secret"`
		Encryption    hexBytes `json:"encryption_secret"`
		ExporterBase  hexBytes `json:"exporter_secret"`
		Authenticator hexBytes `json:"epoch_authenticator"`
		External      hexBytes `json:"external_secret"`
		ExternalPub   hexBytes `json:"external_pub"`
		Confirmation  hexBytes `json:"confirmation_key"`
		Membership    hexBytes `json:"membership_key"`
		Resumption    hexBytes `json:"resumption_psk"`
		TreeHash      hexBytes `json:"tree_hash"`
		Commit        hexBytes `json:"commit_secret"`
		PSK           hexBytes `json:"psk_secret"`
		Confirmed     hexBytes `json:"confirmed_transcript_hash"`
		Exporter      struct {
			Label           string
			Context, Secret hexBytes
			Length          int
		}
	}
	for _, v := range vectors[struct {
		GroupID hexBytes `json:"group_id"`
		Init    hexBytes `json:"initial_init_secret"`
		Epochs  []epoch
	}](t, "key-schedule", 1) {
		init := []byte(v.Init)
		for i, e := range v.Epochs {
			c := groupContext{v.GroupID, uint64(i), e.TreeHash, e.Confirmed, []byte{0}}
			context := c.append(nil)
			require.EqualValues(t, e.GroupContext, context)
			joiner := joinerSecret(init, e.Commit, context)
			require.EqualValues(t, e.Joiner, joiner)
			member := memberSecret(joiner, e.PSK)
			require.EqualValues(t, e.Welcome, deriveSecret(member, "welcome"))
			base := epochSecret(member, context)
			s := deriveSecrets(base)
			require.EqualValues(t, e.ExporterBase, s.exporter)
			require.EqualValues(t, e.Authenticator, s.authenticator)
			require.EqualValues(t, e.Confirmation, s.confirmation)
			require.EqualValues(t, e.Membership, s.membership)
			require.EqualValues(t, e.SenderData, deriveSecret(base, "sender data"))
			require.EqualValues(t, e.Encryption, deriveSecret(base, "encryption"))
			require.EqualValues(t, e.Resumption, deriveSecret(base, "resumption"))
			external := deriveSecret(base, "external")
			require.EqualValues(t, e.External, external)
			_, public, err := deriveKeyPair(external)
			require.NoError(t, err)
			require.EqualValues(t, e.ExternalPub, public.Bytes())
			out, err := s.export(e.Exporter.Label, e.Exporter.Context, e.Exporter.Length)
			require.NoError(t, err)
			require.EqualValues(t, e.Exporter.Secret, out)
			require.EqualValues(t, e.Init, s.init)
			init = s.init
		}
	}
}

func TestVectorTranscriptHashes(t *testing.T) {
	for _, v := range vectors[struct {
		Key       hexBytes `json:"confirmation_key"`
		Content   hexBytes `json:"authenticated_content"`
		Before    hexBytes `json:"interim_transcript_hash_before"`
		Confirmed hexBytes `json:"confirmed_transcript_hash_after"`
		After     hexBytes `json:"interim_transcript_hash_after"`
	}](t, "transcript-hashes", 1) {
		// An AuthenticatedContent is a message without version and membership tag.
		r := reader{b: append(bytes.Clone(v.Content), 0)}
		require.EqualValues(t, wirePublicMessage, r.u16())
		m := r.publicMessage(func(r *reader, m *message) { r.commit(m, &commitBody{}) })
		require.NoError(t, r.end())
		confirmed := confirmedHash(v.Before, m.content, m.signature)
		require.EqualValues(t, v.Confirmed, confirmed)
		require.EqualValues(t, mac(v.Key, confirmed), m.confirmation)
		require.EqualValues(t, v.After, interimHash(confirmed, m.confirmation))
	}
}

func TestVectorMessageProtection(t *testing.T) {
	for _, v := range vectors[struct {
		GroupID       hexBytes `json:"group_id"`
		Epoch         uint64
		TreeHash      hexBytes `json:"tree_hash"`
		Confirmed     hexBytes `json:"confirmed_transcript_hash"`
		SignaturePriv hexBytes `json:"signature_priv"`
		SignaturePub  hexBytes `json:"signature_pub"`
		Membership    hexBytes `json:"membership_key"`
		Proposal      hexBytes
		ProposalPub   hexBytes `json:"proposal_pub"`
		Commit        hexBytes
		CommitPub     hexBytes `json:"commit_pub"`
	}](t, "message-protection", 1) {
		c := groupContext{v.GroupID, v.Epoch, v.TreeHash, v.Confirmed, []byte{0}}
		context := c.append(nil)
		public, err := parseVerifyKey(v.SignaturePub)
		require.NoError(t, err)
		key, err := ParseSignatureKey(v.SignaturePriv)
		require.NoError(t, err)
		for i, msg := range []hexBytes{v.ProposalPub, v.CommitPub} {
			r := reader{b: msg}
			m := r.message(readBody)
			require.NoError(t, r.end())
			require.EqualValues(t, []hexBytes{v.Proposal, v.Commit}[i], m.body)
			require.EqualValues(t, 1, m.sender)
			require.NoError(t, m.checkSignature(public, context))
			require.NoError(t, m.checkMembership(v.Membership, context))
			require.EqualValues(t, msg, m.bytes())

			again := &message{
				groupID: v.GroupID, epoch: v.Epoch, senderKind: senderMember, sender: 1,
				kind: m.kind, body: m.body, confirmation: m.confirmation,
			}
			again.setContent()
			require.NoError(t, again.sign(key, context))
			again.membership = again.membershipTag(v.Membership, context)
			r = reader{b: again.bytes()}
			m = r.message(readBody)
			require.NoError(t, r.end())
			require.NoError(t, m.checkSignature(public, context))
			require.NoError(t, m.checkMembership(v.Membership, context))
			m.confirmation = append(bytes.Clone(m.confirmation), 1)
			if m.kind == contentCommit {
				require.ErrorIs(t, m.checkMembership(v.Membership, context), ErrMembershipTag)
			}
		}
	}
}

// readBody reads what these vectors have in a message.
func readBody(r *reader, m *message) {
	if m.kind == contentCommit {
		r.commit(m, &commitBody{})
	} else {
		r.foreignProposal()
	}
}
