package rtp

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPacketUnmarshalRefuses(t *testing.T) {
	with := func(first byte, body ...byte) []byte {
		b := append(plain(), body...)
		b[0] = first
		return b
	}
	for _, tt := range []struct {
		name string
		b    []byte
		want error
	}{
		{"no header", plain()[:4], ErrShort},
		{"an extension without its body", with(0x90, 0xbe, 0xde, 0, 1), ErrExtension},
		{"an extension of 256 KiB", with(0x90, 0xbe, 0xde, 0xff, 0xff, 1, 2, 3, 4), ErrExtension},
		{"padding of nothing", with(0xa0), ErrPadding},
		{"padding of 0", with(0xa0, 1, 2, 0), ErrPadding},
		{"more padding than payload", with(0xa0, 1, 2, 4), ErrPadding},
		{"padding that reaches into the extension", with(0xb0, 0xbe, 0xde, 0, 1, 9, 9, 9, 9, 1, 3), ErrPadding},
		{"no padding behind the extension", with(0xb0, 0xbe, 0xde, 0, 1, 9, 9, 9, 1), ErrPadding},
	} {
		p := Packet{PaddingSize: 42}
		require.ErrorIs(t, p.Unmarshal(tt.b), tt.want, tt.name)
		require.Equal(t, Packet{PaddingSize: 42}, p, "%s: unchanged", tt.name)
	}
}

// TestPaddingHidesNoTrailer has a frame that is end-to-end encrypted: what
// marks it are its last bytes, which padding comes after.
func TestPaddingHidesNoTrailer(t *testing.T) {
	b := plain()
	b[0] |= 0x20
	b = append(b, 1, 2, 3, 0xfa, 0xfa, 0, 0, 3)
	var p Packet
	require.NoError(t, p.Unmarshal(b))
	require.Equal(t, []byte{1, 2, 3, 0xfa, 0xfa}, p.Payload)
	require.EqualValues(t, 3, p.PaddingSize)
}

// TestExtensionIsToldByItsBit: the bytes of a profile may stand behind the
// header by chance, and profiles differ.
func TestExtensionIsToldByItsBit(t *testing.T) {
	var p Packet
	require.NoError(t, p.Unmarshal(append(plain(), 0xbe, 0xde, 0, 0, 1)))
	require.Equal(t, []byte{0xbe, 0xde, 0, 0, 1}, p.Payload)

	b := append(plain(), 0x10, 0x00, 0, 1, 5, 6, 7, 8, 1)
	b[0] |= 0x10
	b[1] |= 0x80 // a marker changes nothing about it
	require.NoError(t, p.Unmarshal(b))
	require.Equal(t, []byte{5, 6, 7, 8}, p.ExtensionBody)
	require.Equal(t, []byte{1}, p.Payload)
}

// TestPacketSlicesEnd: appending to a payload must not overwrite the padding,
// nor to an extension the payload.
func TestPacketSlicesEnd(t *testing.T) {
	b := append(plain(), 0xbe, 0xde, 0, 1, 5, 6, 7, 8, 1, 1)
	b[0] |= 0x30
	var p Packet
	require.NoError(t, p.Unmarshal(b))
	_ = append(p.ExtensionBody, 99)
	_ = append(p.Payload, 99)
	require.Equal(t, []byte{1, 1}, b[20:])
}

func TestPacketMarshalRefuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		p    Packet
		size int
		want error
	}{
		{"an extension that is not announced", Packet{ExtensionBody: make([]byte, 4)}, 100, ErrHeader},
		{"an extension of no whole words", Packet{Header: Header{Extension: true}, ExtensionBody: make([]byte, 5)}, 100, ErrHeader},
		{"an extension of 256 KiB", Packet{Header: Header{Extension: true}, ExtensionBody: make([]byte, 1<<18)}, 1 << 19, ErrHeader},
		{"too many sources", Packet{Header: Header{CSRCCount: 16}}, 100, ErrHeader},
		{"no room", Packet{Payload: make([]byte, 4), PaddingSize: 1}, 16, io.ErrShortBuffer},
	} {
		n, err := tt.p.MarshalTo(make([]byte, tt.size))
		require.ErrorIs(t, err, tt.want, tt.name)
		require.Zero(t, n, tt.name)
	}
}

// TestPacketMarshalTellsTheTruth: what the header claims of the rest is not
// taken from the header.
func TestPacketMarshalTellsTheTruth(t *testing.T) {
	p := Packet{Header: Header{Padding: true, Extension: true, ExtensionWords: 700}, Payload: []byte{1}}
	b := make([]byte, 100)
	n, err := p.MarshalTo(b)
	require.NoError(t, err)
	var got Packet
	require.NoError(t, got.Unmarshal(b[:n]))
	require.False(t, got.Padding)
	require.Zero(t, got.ExtensionWords)
	require.Equal(t, []byte{1}, got.Payload)
	require.True(t, p.Padding, "p itself is not changed")
}

// TestPacketMarshalInPlace: the payload lies behind the header already, or
// moves to make room for an extension.
func TestPacketMarshalInPlace(t *testing.T) {
	b := make([]byte, 100)
	copy(b[16:], "payload")
	p := Packet{Header: Header{Extension: true}, Payload: b[16:23]}
	n, err := p.MarshalTo(b)
	require.NoError(t, err)
	require.Equal(t, "payload", string(b[16:n]))

	p.ExtensionBody, p.PaddingSize = []byte("body"), 2
	n, err = p.MarshalTo(b)
	require.NoError(t, err)
	require.Equal(t, "bodypayload\x00\x02", string(b[16:n]))
}
