package dave

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/internal/mls"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

var testSecret = []byte("0123456789abcdef")

// testKey derives the key of a generation the way the whitepaper writes it.
func testKey(t testing.TB, generation int) cipher.AEAD {
	t.Helper()
	s := testSecret
	for g := range uint32(generation) {
		next, err := mls.DeriveTreeSecret(s, "secret", g, 32)
		require.NoError(t, err)
		s = next
	}
	key, err := mls.DeriveTreeSecret(s, "key", uint32(generation), 16)
	require.NoError(t, err)
	block, err := aes.NewCipher(key)
	require.NoError(t, err)
	aead, err := cipher.NewGCM(block)
	require.NoError(t, err)
	return aead
}

func TestRatchet(t *testing.T) {
	_, err := newRatchet(make([]byte, 15))
	require.ErrorIs(t, err, ErrSecret)
	_, err = NewEncryptor(make([]byte, 17))
	require.ErrorIs(t, err, ErrSecret)

	r, err := newRatchet(testSecret)
	require.NoError(t, err)
	base := r.secret()
	iv := make([]byte, 12)
	for g := range 5 {
		aead, err := r.step()
		require.NoError(t, err)
		require.Equal(t, testKey(t, g).Seal(nil, iv, testSecret, nil), aead.Seal(nil, iv, testSecret, nil), "generation %d", g)
	}
	require.Equal(t, make([]byte, 16), base, "what was derived from is gone")
	last := r.secret()
	r.wipe()
	require.Equal(t, make([]byte, 32), last)
}

func TestNoSecretInStrings(t *testing.T) {
	e, err := NewEncryptor(testSecret)
	require.NoError(t, err)
	d := &Decryptor{}
	require.NoError(t, d.Add(epoch, testSecret))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		for _, v := range []any{e, *e, &e.ratchet, d, *d, d.epochs[0], *d.epochs[0]} {
			s := fmt.Sprintf(verb, v)
			require.NotContains(t, s, string(testSecret[:8]))
			require.NotContains(t, s, hex.EncodeToString(testSecret[:4]))
			require.NotContains(t, s, "48 49 50")
			require.NotContains(t, s, "0x30, 0x31")
		}
	}
	require.Equal(t, "dave encryptor", fmt.Sprint(e))
	require.Equal(t, "dave decryptor of 1 epochs", fmt.Sprint(d))
}
