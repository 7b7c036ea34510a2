package dave

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// clearParts encrypts a frame and returns what it became, with dots for what is
// encrypted.
func clearParts(t testing.TB, in []byte, c Codec) (clear, out []byte) {
	t.Helper()
	e, d := pair(t)
	b, err := e.Encrypt(nil, in, c)
	require.NoError(t, err)
	out, err = d.Decrypt(nil, b, epoch)
	require.NoError(t, err)
	f, ok := parseFrame(b)
	require.True(t, ok)
	require.Len(t, out, len(f.media))
	clear = bytes.Repeat([]byte{'.'}, len(f.media))
	for rest := f.ranges; len(rest) > 0; {
		var s span
		s, rest = nextRange(rest)
		require.Equal(t, out[s.offset:s.end()], f.media[s.offset:s.end()])
		copy(clear[s.offset:], f.media[s.offset:s.end()])
	}
	return clear, out
}

func TestCodecs(t *testing.T) {
	key := "\x00123456789"
	for _, c := range []struct {
		what            string
		codec           Codec
		in, clear, want string // want is what comes out, empty: what went in
	}{
		{"Opus", Opus, "frame", ".....", ""},
		{"empty Opus", Opus, "", "", ""},
		{"unknown", 99, "frame", ".....", ""},
		{"VP9", VP9, "frame", ".....", ""},

		{"VP8 key frame", VP8, key + "picture", key + ".......", ""},
		{"VP8 key frame without a picture", VP8, key, key, ""},
		{"VP8 half a header", VP8, key[:9], ".........", ""},
		{"VP8 delta frame", VP8, "\x01picture", "\x01.......", ""},
		{"VP8 empty", VP8, "", "", ""},

		{"H264 parameter sets and slice", H264, "\x00\x00\x01\x67sps\x00\x00\x00\x01\x68pps\x00\x00\x01\x65\xe0slice",
			"\x00\x00\x00\x01\x67sps\x00\x00\x00\x01\x68pps\x00\x00\x00\x01\x65\xe0.....",
			"\x00\x00\x00\x01\x67sps\x00\x00\x00\x01\x68pps\x00\x00\x00\x01\x65\xe0slice"},
		{"H264 long numbers", H264, "\x00\x00\x00\x01\x41\x08\x42\x10\x80slice", "\x00\x00\x00\x01\x41\x08\x42\x10......", ""},
		{"H264 emulation prevention", H264, "\x00\x00\x00\x01\x41\x00\x00\x03\x80\x00\x01\x80slice", "", ""},
		{"H264 data partition", H264, "\x00\x00\x00\x01\x42data", "\x00\x00\x00\x01\x42....", ""},
		{"H264 zeros in front", H264, "\x00\x00\x00\x00\x01\x09\x10", "\x00\x00\x00\x01\x09\x10", "\x00\x00\x00\x01\x09\x10"},
		{"H264 without start code", H264, "\x67sps", "....", ""},
		{"H264 bytes in front", H264, "x\x00\x00\x01\x67sps", "........", ""},
		{"H264 empty unit", H264, "\x00\x00\x01\x67sps\x00\x00\x01", "..........", ""},
		{"H264 cut slice", H264, "\x00\x00\x01\x65\x00\x00", "......", ""},

		{"H265", H265, "\x00\x00\x00\x01\x40\x01vps\x00\x00\x01\x26\x01slice",
			"\x00\x00\x00\x01\x40\x01vps\x00\x00\x00\x01\x26\x01.....",
			"\x00\x00\x00\x01\x40\x01vps\x00\x00\x00\x01\x26\x01slice"},
		{"H265 cut unit", H265, "\x00\x00\x01\x26", "....", ""},

		{"AV1", AV1, "\x12\x00\x0a\x03seq\x32\x05frame", "\x0a\x03...\x30.....", "\x0a\x03seq\x30frame"},
		{"AV1 with extension", AV1, "\x0e\x55\x03seq\x36\x66\x05frame", "\x0e\x55\x03...\x34\x66.....", "\x0e\x55\x03seq\x34\x66frame"},
		{"AV1 padded size", AV1, "\x0a\x83\x80\x00seq\x30frame", "\x0a\x03...\x30.....", "\x0a\x03seq\x30frame"},
		{"AV1 padding at the end", AV1, "\x32\x05frame\x7a\x02xx", "\x30.....", "\x30frame"},
		{"AV1 empty payload", AV1, "\x0a\x03seq\x32\x00", "\x0a\x03...\x30", "\x0a\x03seq\x30"},
		{"AV1 nothing left", AV1, "\x12\x00", "..", ""},
		{"AV1 too large size", AV1, "\x0a\x04seq", ".....", ""},
		{"AV1 endless size", AV1, "\x0a\xff\xff", "...", ""},
		{"AV1 cut extension", AV1, "\x0c", ".", ""},
		{"AV1 empty", AV1, "", "", ""},
	} {
		clear, out := clearParts(t, []byte(c.in), c.codec)
		if c.want == "" {
			c.want = c.in
		}
		require.Equal(t, c.want, string(out), c.what)
		if c.clear != "" || c.in == "" {
			require.Equal(t, c.clear, string(clear), c.what)
		}
	}
	require.Equal(t, "AV1", AV1.String())
	require.Equal(t, "unknown codec", Codec(6).String())
}

// TestSliceHeaderModel writes three random numbers as the standard does,
// escapes them, and compares the size.
func TestSliceHeaderModel(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 20000 {
		var bits []byte
		for range 3 {
			v := uint64(r.Uint32()>>r.IntN(32)) >> 1
			n := 0
			for v+1 >= 2<<n {
				n++
			}
			for i := 2 * n; i >= 0; i-- {
				bits = append(bits, byte((v+1)>>i&1))
			}
		}
		payload := make([]byte, (len(bits)+7)/8)
		for i, b := range bits {
			payload[i/8] |= b << (7 - i%8)
		}
		unit := []byte{0x41}
		for _, b := range payload {
			if n := len(unit); n >= 3 && b <= 3 && unit[n-1] == 0 && unit[n-2] == 0 {
				unit = append(unit, 3)
			}
			unit = append(unit, b)
		}
		require.Equal(t, len(unit), sliceHeader(append(unit, 0xff, 0xff)), "%x", unit)
		require.Equal(t, -1, sliceHeader(unit[:len(unit)-1]), "%x", unit)
	}
}

// TestNoStartCode encrypts so much that start codes would appear, in the
// ciphertext and at its borders.
func TestNoStartCode(t *testing.T) {
	e, d := pair(t)
	in := append([]byte("\x00\x00\x00\x01\x26\x01"), make([]byte, 60000)...)
	in = append(in, "\x00\x00\x00\x01\x00\x00"...)
	in = append(in, bytes.Repeat([]byte{7}, 1000)...)
	in = append(in, "\x00\x00\x00\x01\x02\x00"...)
	for i := range 3000 {
		b, err := e.Encrypt(nil, in[:6+i], H265)
		require.NoError(t, err)
		require.Equal(t, 1, bytes.Count(b, []byte{0, 0, 1}))
		_, err = d.Decrypt(nil, b, epoch)
		require.NoError(t, err)
	}
	before := e.count
	for range 200 {
		_, err := e.Encrypt(nil, in, H265)
		require.NoError(t, err)
	}
	require.Greater(t, e.count, before+200, "sixty kilobytes have a start code in every three hundredth frame")
}

// TestStartCodeThatCannotBeAvoided encrypts what becomes a start code with each
// of the next ten nonces, in another place each time.
func TestStartCodeThatCannotBeAvoided(t *testing.T) {
	e, _ := pair(t)
	header := "\x00\x00\x00\x01\x26\x01"
	unit := bytes.Repeat([]byte{0x55}, 16*(startCodeAttempts+1))
	iv := make([]byte, 12)
	for i := range startCodeAttempts {
		binary.LittleEndian.PutUint32(iv[8:], uint32(i+1))
		stream := testKey(t, 0).Seal(nil, iv, make([]byte, len(unit)), nil)
		for j, want := range []byte{0, 0, 1} {
			unit[16*i+j] = stream[16*i+j] ^ want
		}
	}
	in := append([]byte(header), unit...)
	out, err := e.Encrypt([]byte("dst"), in, H265)
	require.ErrorIs(t, err, ErrStartCode)
	require.Equal(t, "dst", string(out))
	out, err = e.Encrypt(nil, in, H265)
	require.NoError(t, err, "other nonces")
	require.Equal(t, 1, bytes.Count(out, []byte{0, 0, 1}))
}

func TestTooManyRanges(t *testing.T) {
	e, _ := pair(t)
	in := bytes.Repeat(append([]byte{0, 0, 1, 0x26, 1}, bytes.Repeat([]byte{9}, 300)...), 100)
	out, err := e.Encrypt([]byte("dst"), in, H265)
	require.ErrorIs(t, err, ErrRanges)
	require.Equal(t, "dst", string(out))
	require.Zero(t, e.count, "no nonce is spent")
	in = in[:38*305]
	b, err := e.Encrypt(nil, in, H265)
	require.NoError(t, err)
	_, ok := parseFrame(b)
	require.True(t, ok)
}

// TestRangesAreAuthentic changes a clear byte.
func TestRangesAreAuthentic(t *testing.T) {
	e, d := pair(t)
	b, err := e.Encrypt(nil, []byte("\x01picture"), VP8)
	require.NoError(t, err)
	b[0] ^= 2
	requireRefused(t, d, epoch, ErrAuthentication, b)
	b[0] ^= 2
	requireFrame(t, d, epoch, "\x01picture", b)
}

func FuzzEncrypt(f *testing.F) {
	f.Add([]byte("\x00\x00\x01\x67sps\x00\x00\x00\x01\x68pps\x00\x00\x01\x65\xe0slice"), byte(H264))
	f.Add([]byte("\x00\x00\x00\x01\x40\x01vps\x00\x00\x01\x26\x01slice"), byte(H265))
	f.Add([]byte("\x0e\x55\x03seq\x36\x66\x05frame"), byte(AV1))
	f.Add([]byte("\x0a\x83\x80\x00seq\x30frame\x7a\x01x"), byte(AV1))
	f.Add([]byte("\x00123456789picture"), byte(VP8))
	f.Add([]byte("opus"), byte(Opus))
	f.Fuzz(func(t *testing.T, in []byte, codec byte) {
		e, d := pair(t)
		whole := bytes.Clone(in)
		b, err := e.Encrypt(nil, in, Codec(codec))
		require.Equal(t, whole, in)
		if err != nil {
			require.ErrorIs(t, err, ErrRanges)
			return
		}
		out, err := d.Decrypt(nil, b, epoch)
		require.NoError(t, err)
		if codec > byte(AV1) || Codec(codec) < H264 {
			require.Equal(t, in, append([]byte{}, out...))
		}
		again, err := e.Encrypt(nil, out, Codec(codec))
		require.NoError(t, err)
		settled, err := d.Decrypt(nil, again, epoch)
		require.NoError(t, err)
		require.Equal(t, out, settled, "what was rewritten needs no rewriting")
	})
}

func FuzzDecrypt(f *testing.F) {
	e, _ := pair(f)
	b, err := e.Encrypt(nil, []byte("\x00\x00\x01\x67sps\x00\x00\x01\x65\xe0slice"), H264)
	require.NoError(f, err)
	f.Add(b)
	f.Add(encrypt(f, e, "opus"))
	f.Add(protocolFrame(4, 0x81, 0x01, 0, 1, 2, 2))
	f.Add(protocolFrame(4, 1, 1, 0xff, 0xff, 0xff, 0xff, 0x0f))
	f.Add([]byte{0xf8, 0xff, 0xfe})
	f.Fuzz(func(t *testing.T, b []byte) {
		_, d := pair(t)
		in := bytes.Clone(b)
		out, err := d.Decrypt(nil, b, epoch.Add(1e6*time.Hour))
		require.Equal(t, in, b)
		fr, ok := parseFrame(b)
		if err != nil {
			require.Empty(t, out)
			return
		}
		if ok {
			require.Len(t, out, len(fr.media))
			aad, sealed := fr.split(nil, nil)
			require.Len(t, fr.media, len(aad)+len(sealed))
			require.Equal(t, fr.media, append([]byte{}, fr.join(nil, aad, sealed)...))
		}
	})
}

func TestFramesDoNotAllocate(t *testing.T) {
	e, d := pair(t)
	for _, c := range []struct {
		codec Codec
		in    []byte
	}{
		{Opus, make([]byte, 160)},
		{VP8, append([]byte{0}, make([]byte, 1000)...)},
		{H264, append([]byte("\x00\x00\x00\x01\x67sps\x00\x00\x00\x01\x65\xe0"), bytes.Repeat([]byte{5}, 1000)...)},
		{AV1, append([]byte("\x0a\x03seq\x30"), make([]byte, 1000)...)},
	} {
		var sealed, opened []byte
		now := epoch
		round := func() {
			var err error
			if sealed, err = e.Encrypt(sealed[:0], c.in, c.codec); err != nil {
				t.Fatal(err)
			}
			if opened, err = d.Decrypt(opened[:0], sealed, now); err != nil {
				t.Fatal(err)
			}
		}
		round()
		require.Zero(t, testing.AllocsPerRun(100, round), c.codec.String())
		require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = d.Decrypt(opened[:0], sealed, now) }), "refused")
	}
}
