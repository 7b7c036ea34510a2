package mlsgo

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/thomas-vilte/mls-go/keypackages"
)

// Thirteen bytes of anybody: the suite of a Welcome is not looked at before
// its hash function is called, and an unknown suite has none.
func TestNeedWelcomeOfUnknownSuitePanics(t *testing.T) {
	p := newPeer(t, 1)
	require.Panics(t, func() { _ = p.join([]byte("00\x06000000\x040000")) })
}

// A key package whose signature key is no point reads well and panics when it
// is written back, so it must be verified before anything else is done to it.
func TestNeedKeyPackageWithoutKeyPanics(t *testing.T) {
	pkg, err := keypackages.UnmarshalKeyPackage([]byte("0000\x00\x00\x00\x00\x00\x00\x0200\x0200\x0200\x0200\x02" +
		"0000000000000000000\x00\x1400000000000000000000\r0000000000000\x040000"))
	require.NoError(t, err)
	require.Error(t, pkg.Verify(suite))
	require.Panics(t, func() { pkg.Marshal() })
}

// One bit of a key package makes its credential none at all, and the members
// panic when the Add of it is proposed to them.
func TestNeedAddOfNoCredentialPanics(t *testing.T) {
	c := newCall(t, 2)
	pkg := newPeer(t, 9).pkg.Marshal()
	credential := []byte{0, 1, 8, 0, 0, 0, 0, 0, 0, 0, 9} // basic, eight bytes
	at := bytes.Index(pkg, credential)
	require.Positive(t, at)
	pkg[at+1] = 0
	message, _ := c.service.add(t, 1, pkg)
	require.Panics(t, func() { _ = c.members[0].receive(message) })
}
