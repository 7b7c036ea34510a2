package rtp

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSelectMode(t *testing.T) {
	for _, tt := range []struct {
		offered string
		want    Mode
	}{
		{"aead_aes256_gcm_rtpsize aead_xchacha20_poly1305_rtpsize", AES256GCM},
		{"xsalsa20_poly1305 aead_xchacha20_poly1305_rtpsize aead_aes256_gcm_rtpsize", AES256GCM},
		{"aead_xchacha20_poly1305_rtpsize", XChaCha20Poly1305},
		{"aead_aes256_gcm aead_xchacha20_poly1305_rtpsize", XChaCha20Poly1305},
	} {
		got, err := SelectMode(strings.Fields(tt.offered))
		require.NoError(t, err, tt.offered)
		require.Equal(t, tt.want, got, tt.offered)
	}
}

func TestNoMode(t *testing.T) {
	_, err := SelectMode([]string{"xsalsa20_poly1305", "aead_aes256_gcm", "AEAD_AES256_GCM_RTPSIZE"})
	require.ErrorIs(t, err, ErrNoMode)
	require.ErrorContains(t, err, "4016")
	require.ErrorContains(t, err, `"xsalsa20_poly1305"`)

	_, err = SelectMode(nil)
	require.ErrorIs(t, err, ErrNoMode)

	many := make([]string, 1000)
	for i := range many {
		many[i] = strings.Repeat("x", 1000)
	}
	_, err = SelectMode(many)
	require.ErrorIs(t, err, ErrNoMode)
	require.Less(t, len(err.Error()), 1000, "what a server says is not repeated without end")

	_, err = NewSealer("xsalsa20_poly1305", testKey(1), ClientNonces())
	require.ErrorIs(t, err, ErrNoMode)
}

// TestModesIsACopy: nobody changes the preference of others.
func TestModesIsACopy(t *testing.T) {
	Modes()[0] = "plain"
	require.Equal(t, []Mode{AES256GCM, XChaCha20Poly1305}, Modes())
}
