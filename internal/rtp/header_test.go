package rtp

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// plain is the shortest header.
func plain() []byte { return []byte{0x80, 0x78, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3} }

func TestHeaderUnmarshalRefuses(t *testing.T) {
	with := func(first, second byte, more int) []byte {
		b := append(plain(), make([]byte, more)...)
		b[0], b[1] = first, second
		return b
	}
	for _, tt := range []struct {
		name string
		b    []byte
		want error
	}{
		{"nothing", nil, ErrShort},
		{"eleven bytes", plain()[:11], ErrShort},
		{"version 0", with(0x00, 0x78, 0), ErrVersion},
		{"version 1", with(0x40, 0x78, 0), ErrVersion},
		{"version 3", with(0xc0, 0x78, 0), ErrVersion},
		{"a source that is not there", with(0x81, 0x78, 3), ErrShort},
		{"fifteen sources, one byte too few", with(0x8f, 0x78, 59), ErrShort},
		{"an extension that is not there", with(0x90, 0x78, 3), ErrShort},
		{"sources and an extension, one byte too few", with(0x92, 0x78, 11), ErrShort},
		{"a sender report", with(0x80, 200, 0), ErrRTCP},
		{"feedback", with(0x81, 205, 40), ErrRTCP},
	} {
		h := Header{SSRC: 42}
		n, err := h.Unmarshal(tt.b)
		require.ErrorIs(t, err, tt.want, tt.name)
		require.Zero(t, n, tt.name)
		require.Equal(t, Header{SSRC: 42}, h, "%s: unchanged", tt.name)
	}
}

func TestHeaderMarshalRefuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		h    Header
		size int
		want error
	}{
		{"sixteen sources", Header{CSRCCount: 16}, 200, ErrHeader},
		{"eight bits of type", Header{PayloadType: 128}, 200, ErrHeader},
		{"RTCP with a marker", Header{PayloadType: 72}, 200, ErrHeader},
		{"RTCP with a marker, the last", Header{PayloadType: 79}, 200, ErrHeader},
		{"no room", Header{}, 11, io.ErrShortBuffer},
		{"no room for the extension", Header{Extension: true}, 15, io.ErrShortBuffer},
		{"no room for the sources", Header{CSRCCount: 15}, 71, io.ErrShortBuffer},
	} {
		b := make([]byte, tt.size)
		n, err := tt.h.MarshalTo(b)
		require.ErrorIs(t, err, tt.want, tt.name)
		require.Zero(t, n, tt.name)
		require.Equal(t, make([]byte, tt.size), b, "%s: nothing is written", tt.name)
	}
}

func TestMaxHeaderSize(t *testing.T) {
	h := Header{CSRCCount: MaxCSRC, Extension: true}
	require.Equal(t, MaxHeaderSize, h.Size())
	n, err := h.MarshalTo(make([]byte, MaxHeaderSize))
	require.NoError(t, err)
	require.Equal(t, MaxHeaderSize, n)
}

// TestMarkerIsNotPartOfTheType: a comparison of the second byte with 0x78
// drops every packet that has the marker.
func TestMarkerIsNotPartOfTheType(t *testing.T) {
	b := plain()
	b[1] = 0xf8
	var h Header
	_, err := h.Unmarshal(b)
	require.NoError(t, err)
	require.True(t, h.Marker)
	require.EqualValues(t, PayloadTypeOpus, h.PayloadType)
}

// TestPaddingBit: 0x04 belongs to the count of sources.
func TestPaddingBit(t *testing.T) {
	b := append(plain(), make([]byte, 16)...)
	b[0] |= 0x04
	var h Header
	_, err := h.Unmarshal(b)
	require.NoError(t, err)
	require.False(t, h.Padding)
	require.EqualValues(t, 4, h.CSRCCount)

	b[0] = 0x80 | 0x20
	_, err = h.Unmarshal(b)
	require.NoError(t, err)
	require.True(t, h.Padding)
	require.Zero(t, h.CSRCCount)
}
