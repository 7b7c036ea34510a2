package audio

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// dcaFile returns the speech as DCA.
func dcaFile(tb testing.TB, header bool) []byte {
	tb.Helper()
	s, err := NewReader(bytes.NewReader(load(tb, "speech.opus")))
	require.NoError(tb, err)
	packets, _ := readAll(tb, s)
	var out []byte
	if header {
		const meta = `{"dca":{"version":1}}`
		out = binary.LittleEndian.AppendUint32([]byte(dcaMagic), uint32(len(meta)))
		out = append(out, meta...)
	}
	for _, p := range packets {
		out = append(binary.LittleEndian.AppendUint16(out, uint16(len(p))), p...)
	}
	return out
}

func TestDCA(t *testing.T) {
	ogg, err := NewReader(bytes.NewReader(load(t, "speech.opus")))
	require.NoError(t, err)
	want, _ := readAll(t, ogg)
	for _, header := range []bool{false, true} {
		b := dcaFile(t, header)
		s, err := NewReader(pipe(b))
		require.NoError(t, err)
		require.IsType(t, &DCAReader{}, s)
		got, _ := readAll(t, s)
		require.Equal(t, want, got)
		if header {
			require.JSONEq(t, `{"dca":{"version":1}}`, string(s.(*DCAReader).Metadata()))
		} else {
			require.Nil(t, s.(*DCAReader).Metadata())
		}
		_, ok := s.Length()
		require.False(t, ok)
	}
}

func TestDCAShortFileIsRecognized(t *testing.T) {
	for in, ok := range map[string]bool{
		"\x01\x00\xf8\x03\x00\xf8\xff\xfe":             true,
		"\x03\x00\xf8\xff\xfe\x01\x00\xf8":             true,
		"\x03\x00\xf8\xff\xfe\x01\x00\xf8\x00":         false, // something is left over
		"\x03\x00\xf8\xff\xfe":                         false, // once is chance
		"\x03\x00\xf8\xff\xfe\x00\x00\xf8\x01\x00\xf8": false,
	} {
		_, err := NewReader(pipe([]byte(in)))
		if ok {
			require.NoError(t, err, "%q", in)
		} else {
			require.Equal(t, ErrContainer, err, "%q", in)
		}
	}
}

func TestDCADamaged(t *testing.T) {
	for in, reason := range map[string]string{
		"DCA1":                         "header: the file ends here",
		"DCA1\x02\x00\x00\x80":         "impossible size",
		"DCA1\x00\x00\x20\x00":         "impossible size",
		"DCA1\x02\x00\x00\x00{":        "metadata: the file ends here",
		"DCA1\x02\x00\x00\x00{{":       "no JSON",
		"\x03":                         "length of a packet: the file ends here",
		"\x00\x00\x00":                 "impossible length",
		"\xff\xff\x00":                 "impossible length",
		"\x03\x00\xf8":                 "packet: the file ends here",
		"\x02\x00\x03\x00\x01\x00\x00": "no packet of Opus",
	} {
		r, err := NewDCAReader(pipe([]byte(in)))
		if err == nil {
			_, err = r.ReadFrame()
			_, again := r.ReadFrame()
			require.Equal(t, err, again)
		}
		require.ErrorIs(t, err, ErrFormat, "%q", in)
		require.ErrorContains(t, err, reason, "%q", in)
	}
	r, err := NewDCAReader(bytes.NewReader([]byte("\x03\x00\xf8\xff\xfe\x02\x00\x03\x00")))
	require.NoError(t, err)
	require.ErrorIs(t, r.Seek(1<<40), ErrFormat)
	require.NoError(t, r.Seek(0))
	_, err = r.ReadFrame()
	require.NoError(t, err)
	for _, rest := range []string{"\x09\x00\xf8\xff", "\x00", "\x00\x00\xf8\x00"} {
		r, err = NewDCAReader(bytes.NewReader([]byte("\x03\x00\xf8\xff\xfe" + rest)))
		require.NoError(t, err)
		length, ok := r.Length()
		require.True(t, ok)
		require.Equal(t, 20*ms, length, "up to where it is damaged")
		require.ErrorIs(t, r.Seek(1<<40), ErrFormat)
	}
}

func FuzzDCAReader(f *testing.F) {
	f.Add(dcaFile(f, false)[:2000])
	f.Add(dcaFile(f, true)[:500])
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := NewDCAReader(bytes.NewReader(in))
		if err == nil {
			fuzzStream(t, r, len(in))
		}
	})
}

// fuzzStream reads what there is, twice, and looks that both are the same.
func fuzzStream(t *testing.T, s Stream, size int) {
	var first [][]byte
	read := func() (out [][]byte, err error) {
		for {
			p, err := s.ReadFrame()
			if err != nil {
				return out, err
			}
			if len(out) > size || len(p) > MaxPacket || len(p) == 0 {
				t.Fatalf("%d packets of %d bytes out of %d", len(out), len(p), size)
			}
			out = append(out, bytes.Clone(p))
		}
	}
	first, end := read()
	if _, err := s.ReadFrame(); err != end {
		t.Fatalf("after the end: %v, then %v", end, err)
	}
	length, known := s.Length()
	if length < 0 || s.Position() < 0 {
		t.Fatalf("length %v, position %v", length, s.Position())
	}
	if s.Seek(0) == nil {
		w, isWebM := s.(*WebMReader)
		misled := isWebM && len(w.cues) > 0 // by cues that lead elsewhere
		if second, _ := read(); known && end == io.EOF && !misled && len(second) != len(first) {
			t.Fatalf("%d packets, then %d", len(first), len(second))
		}
	}
	_ = s.Seek(length / 2)
	_, _ = s.ReadFrame()
}
