package rtp

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// hexed is bytes that JSON has as hex.
type hexed []byte

func (h *hexed) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// A vector is a packet that other software made, see testdata/README.md.
type vector struct {
	Name      string
	Mode      Mode
	Key       hexed
	Nonce     uint32
	Marker    bool
	Type      uint8
	Sequence  uint16
	Timestamp uint32
	SSRC      uint32
	CSRC      []uint32
	Padding   uint8
	Extension *struct {
		Profile uint16
		Body    hexed
	}
	Payload, Plain, Sealed hexed
}

func vectors(tb testing.TB) []vector {
	tb.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	require.NoError(tb, err)
	var all []vector
	require.NoError(tb, json.Unmarshal(data, &all))
	require.Len(tb, all, 32)
	return all
}

// packet returns the packet that v describes.
func (v *vector) packet() Packet {
	p := Packet{
		Header: Header{
			Padding:     v.Padding > 0,
			Marker:      v.Marker,
			PayloadType: v.Type,
			Sequence:    v.Sequence,
			Timestamp:   v.Timestamp,
			SSRC:        v.SSRC,
			CSRCCount:   uint8(len(v.CSRC)),
		},
		ExtensionBody: []byte{},
		Payload:       v.Payload,
		PaddingSize:   v.Padding,
	}
	copy(p.CSRC[:], v.CSRC)
	if e := v.Extension; e != nil {
		p.Extension, p.ExtensionProfile, p.ExtensionWords = true, e.Profile, uint16(len(e.Body)/4)
		p.ExtensionBody = e.Body
	}
	return p
}

func TestVectorsUnmarshal(t *testing.T) {
	for _, v := range vectors(t) {
		var p Packet
		require.NoError(t, p.Unmarshal(v.Plain), v.Name)
		require.Equal(t, v.packet(), p, v.Name)

		var h Header
		n, err := h.Unmarshal(v.Sealed)
		require.NoError(t, err, v.Name)
		require.Equal(t, p.Header, h, "%s: all of the header is readable while sealed", v.Name)
		require.Equal(t, h.Size(), n, v.Name)
	}
}

func TestVectorsMarshal(t *testing.T) {
	for _, v := range vectors(t) {
		p := v.packet()
		b := make([]byte, p.Size())
		n, err := p.MarshalTo(b)
		require.NoError(t, err, v.Name)
		require.Equal(t, []byte(v.Plain), b[:n], v.Name)
	}
}

func TestVectorsSeal(t *testing.T) {
	for _, v := range vectors(t) {
		s, err := NewSealer(v.Mode, v.Key, Nonces{Next: v.Nonce, Left: 1})
		require.NoError(t, err, v.Name)
		packet := slices.Grow(slices.Clone(v.Plain), Overhead)
		sealed, err := s.Seal(packet)
		require.NoError(t, err, v.Name)
		require.Equal(t, []byte(v.Sealed), sealed, v.Name)
		require.Same(t, &packet[0], &sealed[0], "%s: in place", v.Name)
	}
}

func TestVectorsOpen(t *testing.T) {
	for _, v := range vectors(t) {
		o, err := NewOpener(v.Mode, v.Key)
		require.NoError(t, err, v.Name)
		packet := slices.Clone(v.Sealed)
		plain, err := o.Open(packet)
		require.NoError(t, err, v.Name)
		require.Equal(t, []byte(v.Plain), plain, v.Name)
		require.Same(t, &packet[0], &plain[0], "%s: in place", v.Name)
	}
}

// TestEveryByteIsAuthentic changes each bit of a packet, and the length.
func TestEveryByteIsAuthentic(t *testing.T) {
	for _, v := range vectors(t) {
		if len(v.Sealed) > 250 {
			continue
		}
		o, err := NewOpener(v.Mode, v.Key)
		require.NoError(t, err)
		for i := range v.Sealed {
			for b := range 8 {
				packet := slices.Clone(v.Sealed)
				packet[i] ^= 1 << b
				_, err := o.Open(packet)
				require.Error(t, err, "%s: byte %d, bit %d", v.Name, i, b)
			}
			_, err := o.Open(slices.Clone(v.Sealed[:i]))
			require.Error(t, err, "%s: %d bytes", v.Name, i)
		}
		_, err = o.Open(append(slices.Clone(v.Sealed), 0))
		require.ErrorIs(t, err, ErrOpen)
	}
}
