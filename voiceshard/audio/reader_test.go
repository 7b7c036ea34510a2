package audio

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/internal/rtp"
)

const ms = time.Millisecond

// load returns a file of testdata.
func load(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(tb, err)
	return b
}

// pipe hides that a file can seek.
func pipe(b []byte) io.Reader { return struct{ io.Reader }{bytes.NewReader(b)} }

// readAll returns the packets of a source and their playing time.
func readAll(tb testing.TB, s Source) (packets [][]byte, total time.Duration) {
	tb.Helper()
	for {
		p, err := s.ReadFrame()
		if err == io.EOF {
			return packets, total
		}
		require.NoError(tb, err)
		d, err := rtp.Duration(p)
		require.NoError(tb, err)
		packets, total = append(packets, bytes.Clone(p)), total+d
	}
}

func TestFiles(t *testing.T) {
	for _, tt := range []struct {
		name    string
		packet  time.Duration
		packets int
		length  time.Duration
	}{
		{"speech.opus", 20 * ms, 157, 3119 * ms},
		{"speech.webm", 20 * ms, 157, 3119 * ms},
		{"live.webm", 20 * ms, 157, 3133500 * time.Microsecond}, // without the end trimming that a header would tell
		{"2500us.opus", 2500 * time.Microsecond, 401, 1000 * ms},
		{"60ms.opus", 60 * ms, 17, 1000 * ms},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Open(filepath.Join("testdata", tt.name))
			require.NoError(t, err)
			defer func() { require.NoError(t, f.Close()) }()
			length, ok := f.Length()
			require.True(t, ok)
			require.InDelta(t, float64(tt.length), float64(length), float64(2*ms))
			packets, total := readAll(t, f)
			require.Len(t, packets, tt.packets)
			require.Equal(t, tt.packet, total/time.Duration(len(packets)))
			_, err = f.ReadFrame()
			require.Equal(t, io.EOF, err, "and again")

			one, err := NewReader(iotest.OneByteReader(pipe(load(t, tt.name))))
			require.NoError(t, err)
			_, ok = one.Length()
			require.Equal(t, tt.name == "speech.webm", ok, "only that file says how long it is")
			require.ErrorIs(t, one.Seek(0), ErrNotSeekable)
			again, _ := readAll(t, one)
			require.Equal(t, packets, again)
		})
	}
}

func TestWebMHasThePacketsOfOgg(t *testing.T) {
	var all [3][][]byte
	for i, name := range []string{"speech.opus", "speech.webm", "live.webm"} {
		s, err := NewReader(bytes.NewReader(load(t, name)))
		require.NoError(t, err)
		all[i], _ = readAll(t, s)
	}
	require.Equal(t, all[0], all[1])
	require.Equal(t, all[0], all[2])
}

// TestSeek goes everywhere in every file: what comes is what came in order, it
// begins a little before where it should, and the position says where.
func TestSeek(t *testing.T) {
	for _, name := range []string{"speech.opus", "speech.webm", "live.webm", "2500us.opus", "60ms.opus", "dca0", "dca1", "chain"} {
		t.Run(name, func(t *testing.T) {
			s, err := NewReader(bytes.NewReader(file(t, name)))
			require.NoError(t, err)
			var begins []time.Duration
			var packets [][]byte
			for {
				at := s.Position()
				p, err := s.ReadFrame()
				if err == io.EOF {
					break
				}
				require.NoError(t, err)
				packets, begins = append(packets, bytes.Clone(p)), append(begins, at)
			}
			length, ok := s.Length()
			require.True(t, ok)
			for _, to := range []time.Duration{0, 5 * ms, 100 * ms, 333 * ms, 700 * ms, 999 * ms, 500 * ms, -1, length - 1, length / 2} {
				require.NoError(t, s.Seek(to))
				at := s.Position()
				p, err := s.ReadFrame()
				require.NoError(t, err, "at %v", to)
				require.LessOrEqual(t, at, max(to, 0))
				require.GreaterOrEqual(t, at, to-200*ms)
				i := 0
				for i < len(begins)-1 && begins[i] < at-ms {
					i++
				}
				require.Equal(t, packets[i], p, "at %v", to)
				rest, _ := readAll(t, s)
				require.Equal(t, packets[i+1:], rest, "at %v", to)
			}
			require.NoError(t, s.Seek(length+time.Hour))
			_, err = s.ReadFrame()
			require.Equal(t, io.EOF, err)
			require.NoError(t, s.Seek(1<<63-1))
			require.NoError(t, s.Seek(0))
			all, _ := readAll(t, s)
			require.Equal(t, packets, all)
		})
	}
}

// file returns a file of testdata, or one made here.
func file(tb testing.TB, name string) []byte {
	tb.Helper()
	switch name {
	case "dca0", "dca1":
		return dcaFile(tb, name == "dca1")
	case "chain":
		return append(load(tb, "speech.opus"), load(tb, "60ms.opus")...)
	}
	return load(tb, name)
}

func TestOpenErrors(t *testing.T) {
	_, err := Open(filepath.Join("testdata", "nothing.opus"))
	require.ErrorIs(t, err, os.ErrNotExist)
	name := filepath.Join(t.TempDir(), "song.mp3")
	require.NoError(t, os.WriteFile(name, []byte("ID3\x04 and so on"), 0o600))
	_, err = Open(name)
	require.ErrorIs(t, err, ErrNotOpus)
	require.ErrorContains(t, err, "MP3, not Opus: convert it, with ffmpeg")
	require.ErrorContains(t, err, "song.mp3")
}

func TestNoContainer(t *testing.T) {
	for in, want := range map[string]error{
		"":                          ErrContainer,
		"x":                         ErrContainer,
		"Hello, world, how are you": ErrContainer,
		"RIFF\x00\x00\x00\x00WAVE":  &CodecError{"PCM in WAV"},
		"fLaC":                      &CodecError{"FLAC"},
		"\x00\x00\x00\x20ftypM4A ":  &CodecError{"MP4"},
	} {
		_, err := NewReader(bytes.NewReader([]byte(in)))
		require.Equal(t, want, err, "%q", in)
	}
	broken := errors.New("the disk is on fire")
	_, err := NewReader(iotest.ErrReader(broken))
	require.ErrorIs(t, err, broken)
}

// TestReadersDoNotAllocate once their buffers have grown.
func TestReadersDoNotAllocate(t *testing.T) {
	for _, name := range []string{"speech.opus", "speech.webm", "live.webm", "2500us.opus", "dca0"} {
		s, err := NewReader(bytes.NewReader(file(t, name)))
		require.NoError(t, err)
		_, _ = readAll(t, s)
		require.NoError(t, s.Seek(0))
		require.Zero(t, testing.AllocsPerRun(100, func() {
			if _, err := s.ReadFrame(); err != nil {
				t.Fatal(err)
			}
		}), name)
	}
}
