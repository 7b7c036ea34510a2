package dave

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestULEB128(t *testing.T) {
	for _, c := range []struct {
		v    uint32
		want []byte
	}{
		{0, []byte{0}}, {1, []byte{1}}, {127, []byte{0x7f}}, {128, []byte{0x80, 1}},
		{624485, []byte{0xe5, 0x8e, 0x26}}, {math.MaxUint32, []byte{0xff, 0xff, 0xff, 0xff, 0x0f}},
	} {
		b := appendULEB128(nil, c.v)
		require.Equal(t, c.want, b)
		v, n := uleb128(append(b, 0xff))
		require.Equal(t, c.v, v)
		require.Equal(t, len(b), n)
	}
}

func TestULEB128Foreign(t *testing.T) {
	v, n := uleb128([]byte{0x85, 0x80, 0x00, 7})
	require.Equal(t, []int{5, 3}, []int{int(v), n}, "padding is accepted")
	for _, b := range [][]byte{
		{}, {0x80}, {0xff, 0xff, 0xff, 0xff, 0x1f},
		{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0}, // nine bytes
		{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01},
	} {
		_, n := uleb128(b)
		require.Zero(t, n, "%x", b)
	}
}
