package audio

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/internal/rtp"
)

// speech returns the packets of a file.
func speech(tb testing.TB) [][]byte {
	tb.Helper()
	r, err := NewReader(bytes.NewReader(load(tb, "speech.opus")))
	require.NoError(tb, err)
	packets, _ := readAll(tb, r)
	return packets
}

func write(tb testing.TB, packets [][]byte, options ...OggOption) []byte {
	tb.Helper()
	var out bytes.Buffer
	w, err := NewOggWriter(&out, options...)
	require.NoError(tb, err)
	for _, p := range packets {
		require.NoError(tb, w.WriteFrame(p))
	}
	require.NoError(tb, w.Close())
	return out.Bytes()
}

func TestWriterRoundTrip(t *testing.T) {
	tags := OpusTags{Vendor: "me", Comments: []string{"TITLE=Über", "ARTIST="}}
	head := OpusHead{Channels: 1, PreSkip: 500, InputSampleRate: 16000, Gain: -3}
	for _, page := range []time.Duration{0, 100 * ms, time.Second, time.Hour} {
		b := write(t, speech(t), WithOpusTags(tags), WithOpusHead(head), WithPageDuration(page))
		r, err := NewOggReader(bytes.NewReader(b))
		require.NoError(t, err)
		require.Equal(t, tags, r.Tags())
		require.Equal(t, head, r.Head())
		length, ok := r.Length()
		require.True(t, ok)
		require.Equal(t, duration(157*960-500), length)
		got, _ := readAll(t, r)
		require.Equal(t, speech(t), got)
		require.Zero(t, r.Damaged())
	}
}

// TestWriterPages checks that a page has no more than it should, that the last
// one says so, and that positions are those of the packets.
func TestWriterPages(t *testing.T) {
	b := write(t, speech(t), WithSerial(7))
	pages := pageReader{in: newInput(bytes.NewReader(b))}
	var granules []int64
	var flags []byte
	for {
		p, err := pages.next()
		if err != nil {
			break
		}
		require.EqualValues(t, 7, p.serial)
		require.EqualValues(t, len(granules), p.number)
		granules, flags = append(granules, p.granule), append(flags, p.flags)
	}
	require.Equal(t, []int64{0, 0, 48000, 96000, 144000, 150720}, granules)
	require.Equal(t, []byte{oggBOS, 0, 0, 0, 0, oggEOS}, flags)
	require.Zero(t, pages.damaged)
}

func TestWriterLargestPackets(t *testing.T) {
	large := func(n int) []byte { return append([]byte{0xf8}, bytes.Repeat([]byte{1}, n-1)...) }
	packets := [][]byte{large(MaxPacket), large(254), large(255), large(256), large(MaxPacket - 1), large(510)}
	r, err := NewOggReader(bytes.NewReader(write(t, packets)))
	require.NoError(t, err)
	got, _ := readAll(t, r)
	require.Equal(t, packets, got)

	w, err := NewOggWriter(&bytes.Buffer{})
	require.NoError(t, err)
	for _, p := range [][]byte{large(MaxPacket + 1), {}, {3}, {3, 0}} {
		require.ErrorIs(t, w.WriteFrame(p), ErrPacket)
	}
	require.Zero(t, w.Position())
}

func TestWriterFlush(t *testing.T) {
	var out bytes.Buffer
	w, err := NewOggWriter(&out)
	require.NoError(t, err)
	for _, p := range speech(t)[:10] {
		require.NoError(t, w.WriteFrame(p))
		before := out.Len()
		require.NoError(t, w.Flush())
		require.Greater(t, out.Len(), before+len(p))
		before = out.Len()
		require.NoError(t, w.Flush())
		require.Equal(t, before, out.Len(), "there is nothing more")
	}
	live, err := NewOggReader(bytes.NewReader(out.Bytes()))
	require.NoError(t, err)
	got, _ := readAll(t, live)
	require.Len(t, got, 10)
	require.Equal(t, duration(10*960-312), w.Position())
	require.NoError(t, w.Close())
	require.Equal(t, ErrClosed, w.Close())
	require.Equal(t, ErrClosed, w.Flush())
	require.Equal(t, ErrClosed, w.WriteFrame(got[0]))
	length, ok := live.Length()
	require.True(t, ok)
	require.Equal(t, duration(10*960-312), length)
}

func TestWriterSilence(t *testing.T) {
	for _, d := range []time.Duration{0, 2 * ms, 2500 * time.Microsecond, 17 * ms, 20 * ms, 22500 * time.Microsecond, 119 * ms, 121 * ms, 3*time.Second + 3*ms} {
		var out bytes.Buffer
		w, err := NewOggWriter(&out, WithOpusHead(OpusHead{Channels: 1}))
		require.NoError(t, err)
		require.NoError(t, w.WriteSilence(d))
		require.Equal(t, d-d%shortest, w.Position())
		require.NoError(t, w.Close())
		r, err := NewOggReader(bytes.NewReader(out.Bytes()))
		require.NoError(t, err)
		_, total := readAll(t, r)
		require.Equal(t, d-d%shortest, total)
	}
	require.Equal(t, rtp.AppendSilence(nil), appendSilence(nil, 8), "that of Discord")
	var out bytes.Buffer
	w, err := NewOggWriter(&out)
	require.NoError(t, err)
	require.NoError(t, w.WriteSilence(time.Hour))
	require.Less(t, out.Len(), 600_000, "an hour")
}

func TestWriterRefuses(t *testing.T) {
	for _, h := range []OpusHead{{}, {Channels: 3}, {Channels: 1, PreSkip: -1}, {Channels: 1, PreSkip: 1 << 16}} {
		_, err := NewOggWriter(&bytes.Buffer{}, WithOpusHead(h))
		require.Equal(t, ErrHead, err)
	}
	for _, c := range []string{"", "title", "=x", "a\nb=c", "ü=u", "A=" + strings.Repeat("x", maxTags)} {
		_, err := NewOggWriter(&bytes.Buffer{}, WithOpusTags(OpusTags{Comments: []string{c}}))
		require.Equal(t, ErrTags, err, "%.10q", c)
	}
}

// full is a disk with room for some pages.
type full int

var errFull = errors.New("no space left")

func (f *full) Write(b []byte) (int, error) {
	if *f--; *f < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestWriterFailsOnceAndForAll(t *testing.T) {
	for pages := range full(2) {
		_, err := NewOggWriter(&pages)
		require.ErrorIs(t, err, errFull)
	}
	disk := full(3)
	w, err := NewOggWriter(&disk)
	require.NoError(t, err)
	require.NoError(t, w.WriteFrame([]byte{0xf8}))
	require.NoError(t, w.Flush())
	require.NoError(t, w.WriteFrame([]byte{0xf8}))
	require.ErrorIs(t, w.Flush(), errFull)
	require.ErrorIs(t, w.WriteFrame([]byte{0xf8}), errFull)
	require.ErrorIs(t, w.WriteSilence(time.Second), errFull)
	require.ErrorIs(t, w.Close(), errFull)
	require.EqualValues(t, -1, disk, "it was tried once")
}

func TestWriterDoesNotAllocate(t *testing.T) {
	sink := full(1 << 30)
	w, err := NewOggWriter(&sink)
	require.NoError(t, err)
	p := speech(t)[20]
	for range 200 {
		require.NoError(t, w.WriteFrame(p))
	}
	require.NoError(t, w.WriteSilence(time.Second))
	require.Zero(t, testing.AllocsPerRun(200, func() {
		if w.WriteFrame(p) != nil || w.WriteSilence(20*ms) != nil {
			t.Fatal("full")
		}
	}))
}

// TestForeignToolsReadWhatIsWritten asks those that are there.
func TestForeignToolsReadWhatIsWritten(t *testing.T) {
	var out bytes.Buffer
	w, err := NewOggWriter(&out, WithOpusTags(OpusTags{Vendor: "test", Comments: []string{"TITLE=test"}}))
	require.NoError(t, err)
	for _, p := range speech(t) {
		require.NoError(t, w.WriteFrame(p))
	}
	require.NoError(t, w.Flush())
	require.NoError(t, w.WriteSilence(1003*ms))
	require.NoError(t, w.Flush()) // the last page is empty
	require.NoError(t, w.Close())
	name := filepath.Join(t.TempDir(), "out.opus")
	require.NoError(t, os.WriteFile(name, out.Bytes(), 0o600))
	for _, tool := range [][]string{
		{"opusinfo", name},
		{"opusdec", "--quiet", name, os.DevNull},
		{"ffmpeg", "-hide_banner", "-v", "warning", "-i", name, "-f", "null", "-"},
	} {
		t.Run(tool[0], func(t *testing.T) {
			if _, err := exec.LookPath(tool[0]); err != nil {
				t.Skipf("%s is not installed (Debian has it in opus-tools or ffmpeg)", tool[0])
			}
			text, err := exec.Command(tool[0], tool[1:]...).CombinedOutput()
			require.NoError(t, err, "%s", text)
			require.NotContains(t, strings.ToLower(string(text)), "warning")
			require.NotContains(t, strings.ToLower(string(text)), "error")
			if tool[0] == "opusinfo" {
				require.Contains(t, string(text), "Playback length: 0m:04.136s")
			} else {
				require.Empty(t, string(text))
			}
		})
	}
}
