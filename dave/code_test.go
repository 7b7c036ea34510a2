package dave

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDisplayableCode(t *testing.T) {
	code, err := DisplayableCode(unhex(t, "aabbccddee"), 5, 5)
	require.NoError(t, err)
	require.Equal(t, "05870", code)
	code, err = DisplayableCode(unhex(t, "aabbccddeebbccddeeffccddeeffaaddeeffaabbeeffaabbccffaabbccdd"), 30, 5)
	require.NoError(t, err)
	require.Equal(t, "058708105556138052119572494877", code)

	for _, c := range []struct{ data, length, group int }{{4, 5, 5}, {4, 4, 3}, {1024, 1023, 11}, {8, 8, 8}, {8, 8, 0}, {8, -5, 5}, {8, 8, -4}} {
		_, err := DisplayableCode(make([]byte, c.data), c.length, c.group)
		require.ErrorIs(t, err, ErrCode)
	}
}

func TestPairwiseFingerprint(t *testing.T) {
	f, err := PairwiseFingerprint(5678, make([]byte, 65), 1234, make([]byte, 33))
	require.NoError(t, err)
	require.Equal(t, "8581f12c24874fc31b1c97457cc5bd29c007102d4ff78a3a7ea1b2880c6d60a4"+
		"a95c02e888ae4a9cad90bfb8222df28829850e9e774fcc3006dc7906f20ba43c", hex.EncodeToString(f[:]), "in the order of the arguments")
	require.Len(t, f.Code(), 45)

	f, err = PairwiseFingerprint(1, []byte{0, 100}, 2, []byte{0, 20})
	require.NoError(t, err)
	require.Equal(t, "8da9c28f164816f50d8c42e49fc3656a77f045bfb2e3c27ea2ffde948a0521d7"+
		"f0a7eaf595b62e140453bf1fa54afda5c7101d47c1cda99aff9a221e5eabf72b", hex.EncodeToString(f[:]), "in the other order, by unsigned bytes")

	_, err = PairwiseFingerprint(1, nil, 2, []byte{0})
	require.ErrorIs(t, err, ErrFingerprint)
}
