package mlsgo

import (
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/thomas-vilte/mls-go/ciphersuite"
	"github.com/thomas-vilte/mls-go/framing"
	"github.com/thomas-vilte/mls-go/group"
	"github.com/thomas-vilte/mls-go/keypackages"
	"github.com/thomas-vilte/mls-go/schedule"
)

// vectorDir holds the cases for suite 2 of the test vectors that the MLS
// working group publishes.
const vectorDir = "../../internal/mls/testdata/vectors"

// Bytes are written in hexadecimal in the vectors.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	*h = b
	return err
}

// vectors reads one file of them.
func vectors[T any](t *testing.T, name string) []T {
	f, err := os.Open(filepath.Join(vectorDir, name+".json.gz"))
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	raw, err := gzip.NewReader(f)
	require.NoError(t, err)
	var cases []T
	require.NoError(t, json.NewDecoder(raw).Decode(&cases))
	require.NotEmpty(t, cases)
	return cases
}

func secretOf(b []byte) *ciphersuite.Secret { return ciphersuite.NewSecretForCS(suite, b) }

type cryptoBasics struct {
	Suite  uint16 `json:"cipher_suite"`
	Expand struct {
		Secret, Context, Out hexBytes
		Label                string
		Length               int
	} `json:"expand_with_label"`
	Derive struct {
		Secret, Out hexBytes
		Label       string
	} `json:"derive_secret"`
	Sign struct {
		Pub, Content, Signature hexBytes
		Label                   string
	} `json:"sign_with_label"`
	Encrypt struct {
		Priv, Context, Plaintext, Ciphertext hexBytes
		KEM                                  hexBytes `json:"kem_output"`
		Label                                string
	} `json:"encrypt_with_label"`
}

func TestVectorsCryptoBasics(t *testing.T) {
	for _, v := range vectors[cryptoBasics](t, "crypto-basics") {
		out, err := secretOf(v.Expand.Secret).KdfExpandLabel(v.Expand.Label, v.Expand.Context, v.Expand.Length)
		require.NoError(t, err)
		require.Equal(t, []byte(v.Expand.Out), out.AsSlice())

		out, err = secretOf(v.Derive.Secret).DeriveSecret(suite, v.Derive.Label)
		require.NoError(t, err)
		require.Equal(t, []byte(v.Derive.Out), out.AsSlice())

		pub := ciphersuite.NewMLSSignaturePublicKey(v.Sign.Pub, suite.SignatureScheme())
		signature := ciphersuite.NewSignature(v.Sign.Signature)
		require.NoError(t, ciphersuite.VerifyWithLabel(pub, v.Sign.Label, v.Sign.Content, signature))

		sealed := &ciphersuite.HPKECiphertext{KEMOutput: v.Encrypt.KEM, Ciphertext: v.Encrypt.Ciphertext}
		plain, err := ciphersuite.DecryptWithLabel(v.Encrypt.Priv, v.Encrypt.Label, v.Encrypt.Context, sealed, suite)
		require.NoError(t, err)
		require.Equal(t, []byte(v.Encrypt.Plaintext), plain)
	}
}

type keyScheduleEpoch struct {
	Commit        hexBytes `json:"commit_secret"`
	Confirmation  hexBytes `json:"confirmation_key"`
	Context       hexBytes `json:"group_context"`
	Authenticator hexBytes `json:"epoch_authenticator"`
	Init          hexBytes `json:"init_secret"`
	Joiner        hexBytes `json:"joiner_secret"`
	Membership    hexBytes `json:"membership_key"`
	PSK           hexBytes `json:"psk_secret"`
	Welcome       hexBytes `json:"welcome_secret"`
	Exporter      struct {
		Label           string
		Context, Secret hexBytes
		Length          int
	}
}

func TestVectorsKeySchedule(t *testing.T) {
	type schedules struct {
		Init   hexBytes `json:"initial_init_secret"`
		Epochs []keyScheduleEpoch
	}
	for _, v := range vectors[schedules](t, "key-schedule") {
		before := v.Init
		for _, e := range v.Epochs {
			e.check(t, before)
			before = e.Init
		}
	}
}

func (e keyScheduleEpoch) check(t *testing.T, before []byte) {
	ks := schedule.NewKeySchedule(suite, secretOf(before))
	ks.SetCommitSecret(secretOf(e.Commit))
	joiner, err := ks.ComputeJoinerSecret(e.Context)
	require.NoError(t, err)
	require.Equal(t, []byte(e.Joiner), joiner.Clone().AsSlice())
	require.NoError(t, ks.SetPskSecretFromInput(secretOf(e.PSK)))
	_, err = ks.ComputeEpochSecret(e.Context)
	require.NoError(t, err)
	welcome, err := ks.ComputeWelcomeSecret()
	require.NoError(t, err)
	require.Equal(t, []byte(e.Welcome), welcome.AsSlice())
	s, err := ks.DeriveEpochSecrets()
	require.NoError(t, err)
	require.Equal(t, []byte(e.Confirmation), s.ConfirmationKey.AsSlice())
	require.Equal(t, []byte(e.Membership), s.MembershipKey.AsSlice())
	require.Equal(t, []byte(e.Authenticator), s.AuthenticationSecret.AsSlice())
	require.Equal(t, []byte(e.Init), s.InitSecret.AsSlice())
	out, err := schedule.Exporter(s.ExporterSecret, suite, schedule.ExporterLabel(e.Exporter.Label), e.Exporter.Context, e.Exporter.Length)
	require.NoError(t, err)
	require.Equal(t, []byte(e.Exporter.Secret), out)
}

type publicMessages struct {
	GroupID    hexBytes `json:"group_id"`
	Epoch      uint64
	TreeHash   hexBytes `json:"tree_hash"`
	Transcript hexBytes `json:"confirmed_transcript_hash"`
	Pub        hexBytes `json:"signature_pub"`
	Membership hexBytes `json:"membership_key"`
	Proposal   hexBytes
	Protected  hexBytes `json:"proposal_pub"`
	Commit     hexBytes
	CommitPub  hexBytes `json:"commit_pub"`
}

func TestVectorsMessageProtection(t *testing.T) {
	for _, v := range vectors[publicMessages](t, "message-protection") {
		gc := (&group.GroupContext{
			Version: keypackages.MLS10, CipherSuite: suite, GroupID: group.NewGroupID(v.GroupID),
			Epoch: group.NewGroupEpoch(v.Epoch), TreeHash: v.TreeHash, ConfirmedTranscriptHash: v.Transcript,
		}).Marshal()
		for message, want := range map[string]hexBytes{string(v.Protected): v.Proposal, string(v.CommitPub): v.Commit} {
			m, err := framing.UnmarshalMLSMessage([]byte(message))
			require.NoError(t, err)
			public, ok := m.AsPublic()
			require.True(t, ok)
			require.NoError(t, public.VerifyMembershipTagWithContext(suite, secretOf(v.Membership), gc))
			content := framing.AuthenticatedContent{
				WireFormat: framing.WireFormatPublicMessage, Content: public.Content, Auth: public.Auth, GroupContext: gc,
			}
			pub := ciphersuite.NewMLSSignaturePublicKey(v.Pub, suite.SignatureScheme())
			require.NoError(t, ciphersuite.VerifyWithLabel(pub, "FramedContentTBS", content.MarshalTBS(), public.Auth.Signature))
			body, _ := public.Content.CommitData()
			if body == nil {
				body, _ = public.Content.ProposalData()
			}
			require.Equal(t, []byte(want), body)
		}
	}
}

func TestVectorsTranscriptHashes(t *testing.T) {
	type hashes struct {
		Content         hexBytes `json:"authenticated_content"`
		Before          hexBytes `json:"interim_transcript_hash_before"`
		Confirmed       hexBytes `json:"confirmed_transcript_hash_after"`
		Interim         hexBytes `json:"interim_transcript_hash_after"`
		ConfirmationKey hexBytes `json:"confirmation_key"`
	}
	for _, v := range vectors[hashes](t, "transcript-hashes") {
		content, err := framing.UnmarshalAuthenticatedContent(v.Content)
		require.NoError(t, err)
		input, err := framing.NewConfirmedTranscriptHashInput(content)
		require.NoError(t, err)
		confirmed, err := input.Compute(suite, v.Before)
		require.NoError(t, err)
		require.Equal(t, []byte(v.Confirmed), confirmed)
		tag := schedule.ComputeConfirmationTag(suite, v.ConfirmationKey, confirmed)
		require.Equal(t, content.Auth.ConfirmationTag, tag)
		interim := framing.InterimTranscriptHashInput{ConfirmationTag: tag}
		require.Equal(t, []byte(v.Interim), interim.Compute(suite, confirmed))
	}
}
