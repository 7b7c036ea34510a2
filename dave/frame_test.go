package dave

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// protocolFrame builds a frame of media and the rest of a footer.
func protocolFrame(media int, afterTag ...byte) []byte {
	b := bytes.Repeat([]byte{0x11}, media)
	b = append(b, "tagtagta"...)
	b = append(b, afterTag...)
	return append(b, byte(tagSize+len(afterTag)+trailerSize), marker, marker)
}

func TestParseFrame(t *testing.T) {
	f, ok := parseFrame(protocolFrame(4, 0x81, 0x01, 0, 1, 2, 2))
	require.True(t, ok)
	require.Len(t, f.media, 4)
	require.Equal(t, "tagtagta", string(f.tag))
	require.EqualValues(t, 129, f.nonce)
	require.Equal(t, []byte{0, 1, 2, 2}, f.ranges)

	_, ok = parseFrame(protocolFrame(0, 1))
	require.True(t, ok, "an empty frame")
	_, ok = parseFrame(protocolFrame(3, 1, 0, 3))
	require.True(t, ok, "nothing is encrypted")
}

func TestParseFrameRefuses(t *testing.T) {
	good := protocolFrame(4, 1)
	size := len(good) - trailerSize
	with := func(at int, v byte) []byte {
		b := bytes.Clone(good)
		b[at] = v
		return b
	}
	for why, b := range map[string][]byte{
		"empty":                nil,
		"short":                good[len(good)-minFooterSize+1:],
		"first marker":         with(size+1, 0xfb),
		"second marker":        with(size+2, 0xaf),
		"footer too small":     with(size, minFooterSize-1),
		"footer too large":     with(size, byte(len(good)+1)),
		"no end of nonce":      protocolFrame(4, 0x81),
		"nonce over 32 bits":   protocolFrame(4, 0xff, 0xff, 0xff, 0xff, 0x1f),
		"half a range":         protocolFrame(4, 1, 0),
		"no end of range":      protocolFrame(4, 1, 0, 0x80),
		"overlapping ranges":   protocolFrame(4, 1, 0, 2, 1, 1),
		"descending ranges":    protocolFrame(4, 1, 2, 1, 0, 1),
		"range beyond":         protocolFrame(4, 1, 2, 3),
		"range far beyond":     protocolFrame(4, 1, 5, 0),
		"range that overflows": protocolFrame(4, 1, 1, 0xff, 0xff, 0xff, 0xff, 0x0f),
	} {
		_, ok := parseFrame(b)
		require.False(t, ok, why)
	}
}

func TestSplitAndJoin(t *testing.T) {
	b := protocolFrame(0, 1, 0, 1, 3, 2, 5, 0, 6, 1)
	f, ok := parseFrame(append([]byte("aBCdeFg"), b...))
	require.True(t, ok)
	aad, sealed := f.split(nil, nil)
	require.Equal(t, "adeg", string(aad))
	require.Equal(t, "BCF", string(sealed))
	require.Equal(t, "->axydezg", string(f.join([]byte("->"), aad, []byte("xyz"))))
}
