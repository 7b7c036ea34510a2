package compress

import (
	"bytes"
	"compress/zlib"
	"testing"

	"github.com/stretchr/testify/require"
)

// zlibOf is p as one zlib stream of the standard library.
func zlibOf(tb testing.TB, level int, p []byte) []byte {
	var b bytes.Buffer
	w, err := zlib.NewWriterLevel(&b, level)
	require.NoError(tb, err)
	_, err = w.Write(p)
	require.NoError(tb, err)
	require.NoError(tb, w.Close())
	return b.Bytes()
}

func TestPayloadPassesWhatIsNotCompressed(t *testing.T) {
	p := NewPayload()
	require.Empty(t, p.Name())
	for _, src := range []string{`{"op":11}`, `[1]`, "\x83m", " {}", ""} {
		out, complete, err := p.Decompress([]byte("> "), []byte(src), 100)
		require.NoError(t, err)
		require.True(t, complete)
		require.Equal(t, "> "+src, string(out))
	}
	src := []byte(`{"op":11}`)
	out, _, err := p.Decompress(nil, src, 100)
	require.NoError(t, err)
	src[0] = '!'
	require.Equal(t, `{"op":11}`, string(out), "src is not kept")
	_, _, err = p.Decompress([]byte("12345"), []byte(`{"op":11}`), 13)
	require.ErrorIs(t, err, ErrTooLarge)
}

func TestPayloadInflates(t *testing.T) {
	p := NewPayload()
	for name, want := range contents() {
		for _, level := range []int{zlib.NoCompression, zlib.BestSpeed} {
			out, complete, err := p.Decompress([]byte("> "), zlibOf(t, level, want), 2+len(want))
			require.NoError(t, err, name)
			require.True(t, complete)
			require.Equal(t, "> "+string(want), string(out), name)
		}
	}
}

func TestPayloadRefuses(t *testing.T) {
	whole := zlibOf(t, zlib.BestSpeed, []byte("hello hello hello"))
	for n := 1; n < len(whole); n++ {
		_, _, err := NewPayload().Decompress(nil, whole[:n], 100)
		require.ErrorIs(t, err, ErrCorrupt, "cut to %d bytes", n)
	}
	_, _, err := NewPayload().Decompress(nil, append(whole, 0), 100)
	require.ErrorIs(t, err, ErrCorrupt, "something follows")
	whole[len(whole)-1]++
	out, complete, err := NewPayload().Decompress([]byte("x"), whole, 100)
	require.ErrorIs(t, err, ErrCorrupt)
	require.EqualError(t, err, "compress: payload: compress: corrupt data: zlib checksum")
	require.False(t, complete)
	require.Equal(t, "x", string(out))
	_, _, err = NewPayload().Decompress(nil, whole, 16)
	require.ErrorIs(t, err, ErrTooLarge)
	_, _, err = NewPayload().Decompress(nil, []byte("\x78\xbb\x00\x00\x00\x00"), 100)
	require.ErrorIs(t, err, ErrCorrupt, "a dictionary")
}
