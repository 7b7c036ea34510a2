package pcm

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// wavOf writes sound in a format, into memory: the header stays that of a stream.
func wavOf(t testing.TB, f Format, p []float32) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWAVWriter(&b, f)
	require.NoError(t, err)
	require.NoError(t, w.WritePCM(p))
	require.NoError(t, w.Close())
	return b.Bytes()
}

// TestWAVThereAndBack wants each format to keep what it can.
func TestWAVThereAndBack(t *testing.T) {
	want := all(t, Sweep(100, 10_000, 0.9, 100*time.Millisecond))
	for s, step := range map[Sample]float64{
		Uint8: 1.0 / 128, Int16: 1.0 / (1 << 15), Int24: 1.0 / (1 << 23), Int32: 1e-7, Float32: 0, Float64: 0,
	} {
		name := filepath.Join(t.TempDir(), "a.wav")
		f, err := os.Create(name)
		require.NoError(t, err)
		w, err := NewWAVWriter(f, Format{Sample: s})
		require.NoError(t, err)
		require.NoError(t, w.WritePCM(want))
		require.NoError(t, w.Close())
		require.ErrorIs(t, w.Close(), ErrClosed)
		require.ErrorIs(t, w.WritePCM(want), ErrClosed)
		require.EqualValues(t, len(want)/2, w.Samples())
		require.NoError(t, f.Close())

		file, err := Open(name)
		require.NoError(t, err)
		length, ok := file.Length()
		require.True(t, ok)
		require.Equal(t, 100*time.Millisecond, length)
		got := all(t, file)
		require.Equal(t, len(want), len(got))
		for i := range want {
			require.InDelta(t, want[i], got[i], step, "sample %d, value %d", s, i)
		}
		require.NoError(t, file.Seek(50*time.Millisecond))
		same(t, got[len(got)/2:], all(t, file), "the second half")
		require.NoError(t, file.Close())

		header, err := os.ReadFile(name)
		require.NoError(t, err)
		require.EqualValues(t, len(header)-8, binary.LittleEndian.Uint32(header[4:]), "the header was completed")

		stream := wavOf(t, Format{Sample: s}, want) // its length is unknown
		r, err := NewWAVReader(onlyReader{bytes.NewReader(stream)})
		require.NoError(t, err)
		_, ok = r.Length()
		require.False(t, ok)
		require.ErrorIs(t, r.Seek(0), ErrNotSeekable)
		same(t, got, all(t, r), "the stream")
	}
}

// onlyReader hides that a reader can seek.
type onlyReader struct{ io.Reader }

// TestWAVConverts reads other rates and channels.
func TestWAVConverts(t *testing.T) {
	for _, f := range []Format{{Rate: 44100, Channels: 1}, {Rate: 8000, Channels: 2}, {Rate: 96000, Channels: 6, Sample: Int24}, {Rate: 22050, Channels: 8, Sample: Float32}} {
		p := make([]float32, f.Rate/2*f.Channels)
		for i := range p {
			p[i] = float32(0.5 * math.Sin(2*math.Pi*440*float64(i/f.Channels)/float64(f.Rate)))
		}
		r, err := NewWAVReader(bytes.NewReader(wavOf(t, f, p)))
		require.NoError(t, err)
		require.Equal(t, f, r.Format())
		got := all(t, r)
		require.InDelta(t, Rate, len(got), 4)
		c, late := likeness(all(t, Tone(440, 0.5, time.Second/2)), got, 40)
		require.Greater(t, c, 0.999, "%+v", f)
		require.Zero(t, late)
	}
}

// TestWAVOver4GB writes the header only.
func TestWAVOver4GB(t *testing.T) {
	w, err := NewWAVWriter(io.Discard, Format{Sample: Float32})
	require.NoError(t, err)
	header := w.header(6 << 30)
	require.Equal(t, "RF64", string(header[:4]))
	r, err := NewWAVReader(onlyReader{io.MultiReader(bytes.NewReader(header), bytes.NewReader(make([]byte, 800)))})
	require.NoError(t, err)
	length, ok := r.Length()
	require.True(t, ok)
	require.Equal(t, time.Duration(6<<30/8)*time.Second/Rate, length)
	require.Equal(t, 200, len(all(t, r)), "and reads what there is")
}

// TestWAVLies feeds headers that claim what is not so.
func TestWAVLies(t *testing.T) {
	good := wavOf(t, Format{}, make([]float32, 200))
	at := func(offset int, b ...byte) []byte {
		bad := bytes.Clone(good)
		copy(bad[offset:], b)
		return bad
	}
	format := bytes.Index(good, []byte("fmt ")) + 8
	for reason, file := range map[string][]byte{
		"no WAV file":          at(8, []byte("AVI ")...),
		"ends in the header":   good[:11],
		"ends in a chunk":      append(bytes.Clone(good[:12]), "LIST\xff\xff\xff\x7fabc"...),
		"before its format":    append(bytes.Clone(good[:12]), "data\x04\x00\x00\x00abcd"...),
		"neither integers":     at(format, 0x55),
		"no channels":          at(format+2, 0, 0),
		"9 channels":           append(at(format+2, 9, 0)[:format+12], at(format+12, 18, 0)[format+12:]...),
		"rate of":              at(format+4, 0xff, 0xff, 0xff, 0xff),
		"contradicts its bits": at(format+12, 1),
		"has a wrong size":     at(format-4, 0xff, 0xff, 0xff, 0xff),
		"unknown sub-format":   at(format, 0xfe, 0xff),
	} {
		_, err := NewWAVReader(bytes.NewReader(file))
		require.ErrorIs(t, err, ErrFormat, reason)
		require.ErrorContains(t, err, reason)
	}
	many := bytes.Clone(good[:12])
	for range maxWAVChunks {
		many = append(many, "junk\x00\x00\x00\x00"...)
	}
	_, err := NewWAVReader(bytes.NewReader(append(many, good[12:]...)))
	require.ErrorContains(t, err, "no sound")

	// Gigabytes of sound, in a file of some hundred bytes.
	lie := at(format+16+4, 0x00, 0x00, 0x00, 0x70)
	for _, r := range []io.Reader{bytes.NewReader(lie), onlyReader{bytes.NewReader(lie)}} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		w, err := NewWAVReader(r)
		require.NoError(t, err)
		require.Equal(t, 200, len(all(t, w)))
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
	}
}

func TestRawFormats(t *testing.T) {
	for _, f := range []Format{{Rate: 999}, {Rate: 1 << 30}, {Channels: -1}, {Channels: 9}, {Sample: 99}} {
		_, err := SourceOf(strings.NewReader(""), f)
		require.ErrorContains(t, err, "pcm: ")
		_, err = NewWAVWriter(io.Discard, f)
		require.ErrorContains(t, err, "pcm: ")
	}
	s, err := SourceOf(iotest{strings.NewReader("\x00\x40\x00\xc0\x00\x20\x01")}, Format{Channels: 1})
	require.NoError(t, err)
	require.Equal(t, []float32{0.5, 0.5, -0.5, -0.5, 0.25, 0.25}, all(t, s), "byte by byte, with a rest")
	for channels := 1; channels <= maxChannels; channels++ {
		frame := make([]float32, channels)
		for i := range frame {
			frame[i] = 1
		}
		out := appendStereo(nil, frame)
		require.Len(t, out, 2)
		require.InDelta(t, 1, out[0], 1e-6, "%d channels at full scale stay there", channels)
		require.InDelta(t, 1, out[1], 1e-6, "%d channels", channels)
	}
	w, err := NewWAVWriter(io.Discard, Format{})
	require.NoError(t, err)
	require.Error(t, w.WritePCM(make([]float32, 3)))
}

// iotest reads a byte at a time.
type iotest struct{ io.Reader }

func (r iotest) Read(p []byte) (int, error) { return r.Reader.Read(p[:min(len(p), 1)]) }

func TestOpen(t *testing.T) {
	_, err := Open(filepath.Join(t.TempDir(), "none.wav"))
	require.ErrorIs(t, err, os.ErrNotExist)
	for start, what := range map[string]string{"fLaC": "FLAC", "ID3\x04": "MP3", "": "", "hello": ""} {
		name := filepath.Join(t.TempDir(), "x")
		require.NoError(t, os.WriteFile(name, []byte(start+strings.Repeat(" ", 100)), 0o600))
		_, err = Open(name)
		require.ErrorIs(t, err, ErrUnknown)
		require.ErrorContains(t, err, what)
		require.ErrorContains(t, err, name)
	}
}

func FuzzWAV(f *testing.F) {
	for _, s := range []Sample{Uint8, Int16, Int24, Int32, Float32, Float64} {
		f.Add(wavOf(f, Format{Sample: s, Rate: 44100, Channels: 3}, make([]float32, 30)))
	}
	w, err := NewWAVWriter(io.Discard, Format{})
	require.NoError(f, err)
	f.Add(append(w.header(6<<30), 1, 2, 3, 4, 5))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, r := range []io.Reader{bytes.NewReader(b), onlyReader{bytes.NewReader(b)}} {
			w, err := NewWAVReader(r)
			if err != nil {
				require.ErrorIs(t, err, ErrFormat)
				continue
			}
			n, p := 0, make([]float32, 4096)
			for {
				k, err := w.ReadPCM(p)
				require.Zero(t, k%2)
				for _, v := range p[:k] {
					require.False(t, v != v, "a value that is no number")
				}
				if n += k; err != nil {
					require.Equal(t, io.EOF, err)
					break
				}
			}
			require.LessOrEqual(t, n, 2*(len(b)+100)*Rate/MinRate, "no more than the file has")
			_ = w.Seek(time.Second)
		}
	})
}
