package mlsgo

import (
	"encoding/binary"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/thomas-vilte/mls-go/ciphersuite"
	"github.com/thomas-vilte/mls-go/framing"
	"github.com/thomas-vilte/mls-go/keypackages"
)

// hostileWelcome puts any bytes in the place of the GroupInfo. Nobody needs to
// be in a group for that: the key package is public, and the joiner parses the
// tree before it knows whose signature to check.
func hostileWelcome(t testing.TB, pkg *keypackages.KeyPackage, info []byte) []byte {
	joiner := make([]byte, suite.HashLength())
	member, err := ciphersuite.NewSecret(joiner).HKDFExtract(ciphersuite.ZeroSecretCS(suite))
	require.NoError(t, err)
	secret, err := member.DeriveSecret(suite, "welcome")
	require.NoError(t, err)
	key, err := secret.KdfExpandLabel("key", nil, suite.AEADKeyLength())
	require.NoError(t, err)
	nonce, err := secret.KdfExpandLabel("nonce", nil, suite.AEADNonceLength())
	require.NoError(t, err)
	sealed, err := ciphersuite.EncryptWithCipherSuite(key.AsSlice(), nonce.AsSlice(), info, nil, suite)
	require.NoError(t, err)
	secrets := append(vector(joiner), 0, 0) // no path secret, no PSK
	one, err := ciphersuite.EncryptWithLabel(pkg.InitKey, "Welcome", sealed, secrets, suite)
	require.NoError(t, err)
	ref := ciphersuite.MakeKeyPackageRef(pkg.Marshal(), suite.HashFunction()).AsSlice()
	entry := append(vector(ref), append(vector(one.KEMOutput), vector(one.Ciphertext)...)...)
	w := append(binary.BigEndian.AppendUint16(nil, uint16(suite)), vector(entry)...)
	return append(w, vector(sealed)...)
}

// treeInfo is a GroupInfo whose ratchet_tree extension is the bytes given.
func treeInfo(tree []byte) []byte {
	b := append([]byte{0, 1, 0, 2}, vector(channel)...) // mls10, suite 2
	b = binary.BigEndian.AppendUint64(b, 1)
	b = append(b, 0, 0, 0) // tree hash, transcript hash, group extensions
	b = append(b, vector(append([]byte{0, 2}, vector(tree)...))...)
	return append(b, 0, 0, 0, 0, 0, 0) // confirmation tag, signer, signature
}

// A tree that is not a vector of nodes is taken for the library's own storage
// format, which begins with the number of leaves, and room for that many is
// made at once: 72 bytes for a node.
func TestNeedWelcomeAllocatesWhatItDeclares(t *testing.T) {
	p := newPeer(t, 1)
	w := hostileWelcome(t, p.pkg, treeInfo([]byte{0, 1, 0, 0}))
	require.Less(t, len(w), 350)
	require.Greater(t, allocated(func() { require.Error(t, p.join(w)) }), uint64(9<<20))
}

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Where a message does not parse, the decoder tries every length of its body
// in turn and parses the commit anew each time. It does so before it has
// looked at a signature, so that any sender makes it work the square of the
// length of what it sends.
func TestNeedDecodingIsQuadratic(t *testing.T) {
	small := allocated(func() { hostileCommit(t, 1<<11) })
	large := allocated(func() { hostileCommit(t, 1<<12) })
	require.Greater(t, float64(large)/float64(small), 3.5, "%d and %d bytes allocated", small, large)
}

func hostileCommit(t *testing.T, size int) {
	refs := make([]byte, 0, size)
	for len(refs) < size/2 {
		refs = append(refs, 2, 0) // a reference of no bytes
	}
	b := append([]byte{0, 1, 0, 1}, vector(channel)...)
	b = binary.BigEndian.AppendUint64(b, 1)
	b = append(b, 1, 0, 0, 0, 0, 0, 3) // member 0, no authenticated data, commit
	b = append(b, vector(refs)...)
	b = append(b, 0) // no path
	for len(b) < size {
		b = append(b, 0xff) // no vector begins so
	}
	_, err := framing.UnmarshalMLSMessage(b)
	require.Error(t, err)
}
