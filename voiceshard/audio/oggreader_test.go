package audio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

// A testPage is a page to be written.
type testPage struct {
	flags   byte
	granule int64
	serial  uint32
	number  uint32
	lacing  []byte
	body    []byte
}

// whole makes a page of packets that begin and end on it.
func whole(serial, number uint32, granule int64, flags byte, packets ...[]byte) testPage {
	p := testPage{flags: flags, granule: granule, serial: serial, number: number}
	for _, b := range packets {
		n := len(b)
		for ; n >= 255; n -= 255 {
			p.lacing = append(p.lacing, 255)
		}
		p.lacing = append(p.lacing, byte(n))
		p.body = append(p.body, b...)
	}
	return p
}

func (p testPage) bytes() []byte {
	b := append([]byte(oggCapture), 0, p.flags)
	b = binary.LittleEndian.AppendUint64(b, uint64(p.granule))
	b = binary.LittleEndian.AppendUint32(b, p.serial)
	b = binary.LittleEndian.AppendUint32(b, p.number)
	b = append(b, 0, 0, 0, 0, byte(len(p.lacing)))
	b = append(append(b, p.lacing...), p.body...)
	binary.LittleEndian.PutUint32(b[22:], oggChecksum(b))
	return b
}

func join(pages ...testPage) (out []byte) {
	for _, p := range pages {
		out = append(out, p.bytes()...)
	}
	return out
}

// headers are the two first pages of a stream.
func headers(serial uint32, preSkip int) []byte {
	return join(
		whole(serial, 0, 0, oggBOS, OpusHead{Channels: 1, PreSkip: preSkip}.append(nil)),
		whole(serial, 1, 0, 0, OpusTags{Vendor: "x"}.append(nil)))
}

// pkt is a packet of 20 ms that is told from others by a number.
func pkt(n byte) []byte { return []byte{0xf8, n} }

// numbers reads a source up to an error, which it returns.
func numbers(s Source) (out []byte, err error) {
	for {
		p, err := s.ReadFrame()
		if err != nil {
			return out, err
		}
		out = append(out, p[1])
	}
}

func ogg(t *testing.T, parts ...[]byte) *OggReader {
	t.Helper()
	r, err := NewOggReader(bytes.NewReader(bytes.Join(parts, nil)))
	require.NoError(t, err)
	return r
}

func TestOggChecksum(t *testing.T) {
	b := load(t, "speech.opus")
	size := oggFixed + 1 + opusHeadSize
	require.Equal(t, binary.LittleEndian.Uint32(b[22:]), oggChecksum(b[:size]))
}

func TestOggTags(t *testing.T) {
	r := ogg(t, load(t, "speech.opus"))
	require.Equal(t, OpusHead{Channels: 1, PreSkip: 312, InputSampleRate: 22050}, r.Head())
	require.Equal(t, "Not a single stutter", r.Tags().Value("TITLE"))
	require.Equal(t, "espeak-ng", r.Tags().Value("artist"))
	require.Empty(t, r.Tags().Value("ALBUM"))
	require.Contains(t, r.Tags().Vendor, "libopus")
}

func TestOggContinuedPackets(t *testing.T) {
	long := append(pkt(7), make([]byte, 700)...)
	r := ogg(t, headers(1, 0), join(
		testPage{granule: 960, serial: 1, number: 2, lacing: []byte{2, 255}, body: append(pkt(1), long[:255]...)},
		testPage{flags: oggContinued, granule: noGranule, serial: 1, number: 3, lacing: []byte{255}, body: long[255:510]},
		testPage{flags: oggContinued, granule: 3 * 960, serial: 1, number: 4, lacing: []byte{192, 2}, body: append(bytes.Clone(long[510:]), pkt(3)...)},
	))
	for i, want := range [][]byte{pkt(1), long, pkt(3)} {
		p, err := r.ReadFrame()
		require.NoError(t, err)
		require.Equal(t, want, p)
		require.Equal(t, time.Duration(i+1)*20*ms, r.Position())
	}
	_, err := r.ReadFrame()
	require.Equal(t, io.EOF, err)
	require.Zero(t, r.Damaged())
}

func TestOggPacketOf255HasAnEmptyEnd(t *testing.T) {
	exact := append(pkt(1), make([]byte, 253)...)
	r := ogg(t, headers(1, 0), join(
		testPage{granule: noGranule, serial: 1, number: 2, lacing: []byte{255}, body: exact},
		testPage{flags: oggContinued, granule: 1920, serial: 1, number: 3, lacing: []byte{0, 2}, body: pkt(2)},
	))
	p, err := r.ReadFrame()
	require.NoError(t, err)
	require.Equal(t, exact, p)
	got, err := numbers(r)
	require.Equal(t, io.EOF, err)
	require.Equal(t, []byte{2}, got)
}

func TestOggPageIsLost(t *testing.T) {
	long := append(pkt(9), make([]byte, 300)...)
	pages := []testPage{
		{granule: 960, serial: 1, number: 2, lacing: []byte{2, 255}, body: append(pkt(1), long[:255]...)},
		{flags: oggContinued, granule: 3 * 960, serial: 1, number: 3, lacing: []byte{47, 2}, body: append(bytes.Clone(long[255:]), pkt(3)...)},
		whole(1, 4, 4*960, 0, pkt(4)),
		whole(1, 5, 5*960, oggEOS, pkt(5)),
	}
	for lost, want := range [][]byte{{3, 4, 5}, {1, 4, 5}, {1, 9, 3, 5}, {1, 9, 3, 4}} {
		var rest []testPage
		rest = append(append(rest, pages[:lost]...), pages[lost+1:]...)
		r := ogg(t, headers(1, 0), join(rest...))
		got, err := numbers(r)
		require.Equal(t, io.EOF, err)
		require.Equal(t, want, got, "without page %d", lost)
		if lost == 1 || lost == 2 {
			require.Equal(t, 100*ms, r.Position(), "the page says where it is")
		}

		broken := join(pages...)
		broken[len(join(pages[:lost+1]...))-1] ^= 1
		r = ogg(t, headers(1, 0), broken)
		got, err = numbers(r)
		require.Equal(t, io.EOF, err)
		require.Equal(t, want, got, "page %d is damaged", lost)
		require.Positive(t, r.Damaged())
	}
}

func TestOggJunk(t *testing.T) {
	data := join(whole(1, 2, 960, 0, pkt(1)))
	junk := []byte(strings.Repeat("OggS junk Ogg", 3000))
	r := ogg(t, headers(1, 0), junk, data, junk, join(whole(1, 3, 1920, 0, pkt(2))), []byte("Og"))
	got, err := numbers(r)
	require.Equal(t, io.EOF, err)
	require.Equal(t, []byte{1, 2}, got)
	require.Equal(t, 2, r.Damaged())

	r = ogg(t, headers(1, 0), data, make([]byte, maxJunk+inputSize))
	got, err = numbers(r)
	require.ErrorIs(t, err, ErrFormat)
	require.ErrorContains(t, err, "no page in a megabyte")
	require.Equal(t, []byte{1}, got)
}

func TestOggTruncated(t *testing.T) {
	r := ogg(t, headers(1, 0), join(whole(1, 2, 960, 0, pkt(1))), join(whole(1, 3, 1920, 0, pkt(2)))[:29])
	got, err := numbers(r)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.ErrorIs(t, err, ErrFormat)
	require.Equal(t, []byte{1}, got)
	length, ok := r.Length()
	require.True(t, ok)
	require.Equal(t, 20*ms, length)
	require.NoError(t, r.Seek(0))
	got, _ = numbers(r)
	require.Equal(t, []byte{1}, got)
	for n := range len(headers(1, 0)) {
		_, err := NewOggReader(bytes.NewReader(headers(1, 0)[:n]))
		require.ErrorIs(t, err, ErrFormat, n)
	}
}

func TestOggMultiplexed(t *testing.T) {
	video := func(number uint32) testPage { return whole(9, number, 5, 0, []byte("frame")) }
	tags := whole(1, 1, 0, 0, OpusTags{}.append(nil))
	b := join(
		whole(9, 0, 0, oggBOS, []byte("\x80theora")),
		whole(1, 0, 0, oggBOS, OpusHead{Channels: 2}.append(nil)),
		whole(2, 0, 0, oggBOS, OpusHead{Channels: 1}.append(nil)), // another language
		video(1), tags, video(2), whole(2, 1, 0, 0, OpusTags{}.append(nil)),
		video(3), whole(1, 2, 960, 0, pkt(1)), whole(2, 2, 960, 0, pkt(100)), video(4), whole(1, 3, 1920, oggEOS, pkt(2)), video(5),
	)
	r := ogg(t, b)
	require.Equal(t, 2, r.Head().Channels)
	length, ok := r.Length()
	require.True(t, ok)
	require.Equal(t, 40*ms, length)
	got, err := numbers(r)
	require.Equal(t, io.EOF, err)
	require.Equal(t, []byte{1, 2}, got)
	require.Zero(t, r.Damaged())
}

func TestOggChained(t *testing.T) {
	song := func(serial uint32) []byte {
		return append(headers(serial, 960), join(whole(serial, 2, 3*960, oggEOS, pkt(1), pkt(2), pkt(3)))...)
	}
	first := song(1)
	second := append(headers(2, 0), join(whole(2, 2, 2*960-100, oggEOS, pkt(4), pkt(5)))...)
	r := ogg(t, first, second, song(3))
	length, ok := r.Length()
	require.True(t, ok)
	require.Equal(t, duration(2*960+2*960-100+2*960), length)
	got, err := numbers(r)
	require.Equal(t, io.EOF, err)
	require.Equal(t, []byte{2, 3, 4, 5, 2, 3}, got, "the pre-skip of 20 ms is left out")
	require.Equal(t, length, r.Position())
	require.NoError(t, r.Seek(length))
	require.Equal(t, "x", r.Tags().Vendor)
	got, _ = numbers(r)
	require.Equal(t, []byte{2, 3}, got)
	require.NoError(t, r.Seek(0))
	require.Equal(t, 960, r.Head().PreSkip)
	require.Equal(t, "x", r.Tags().Vendor)

	r = ogg(t, first, first) // one serial number for two streams: against the rules, but it can be read
	got, err = numbers(r)
	require.Equal(t, io.EOF, err)
	require.Equal(t, []byte{2, 3, 2, 3}, got)

	vorbis := join(whole(3, 0, 0, oggBOS, []byte("\x01vorbis")), whole(3, 1, 0, 0, []byte("x")))
	r = ogg(t, first, vorbis)
	got, err = numbers(r)
	require.ErrorIs(t, err, ErrNotOpus)
	require.Equal(t, []byte{2, 3}, got)
	length, ok = r.Length()
	require.True(t, ok)
	require.Equal(t, 40*ms, length)
}

func TestOggTrimming(t *testing.T) {
	for _, tt := range []struct {
		name    string
		preSkip int
		pages   []testPage
		want    []byte
		length  time.Duration
	}{
		{"nothing", 0, []testPage{whole(1, 2, 1920, oggEOS, pkt(1), pkt(2))}, []byte{1, 2}, 40 * ms},
		{"pre-skip within a packet", 312, []testPage{whole(1, 2, 1920, oggEOS, pkt(1), pkt(2))}, []byte{1, 2}, 33500 * time.Microsecond},
		{"pre-skip of whole packets", 2000, []testPage{whole(1, 2, 2880, 0, pkt(1), pkt(2), pkt(3))}, []byte{3}, duration(880)},
		{"end on the first page", 0, []testPage{whole(1, 2, 1000, oggEOS, pkt(1), pkt(2), pkt(3))}, []byte{1, 2}, duration(1000)},
		{"end on another page", 0, []testPage{whole(1, 2, 960, 0, pkt(1)), whole(1, 3, 1500, oggEOS, pkt(2), pkt(3))}, []byte{1, 2}, duration(1500)},
		{"begins late", 0, []testPage{whole(1, 2, 1<<40, 0, pkt(1)), whole(1, 3, 1<<40+960, 0, pkt(2))}, []byte{1, 2}, 40 * ms},
		{"a hole", 0, []testPage{whole(1, 2, 960, 0, pkt(1)), whole(1, 3, 9600, 0, pkt(2))}, []byte{1, 2}, 200 * ms},
		{"an empty last page", 0, []testPage{whole(1, 2, 960, 0, pkt(1)), whole(1, 3, noGranule, oggEOS)}, []byte{1}, 20 * ms},
		{"impossible position", 0, []testPage{whole(1, 2, 960, 0, pkt(1)), whole(1, 3, maxGranule+1, 0, pkt(2))}, []byte{1, 2}, 20 * ms},
		{"less than nothing", 0, []testPage{whole(1, 2, 100, 0, pkt(1)), whole(1, 3, 1060, 0, pkt(2))}, []byte{1, 2}, duration(1060)},
		{"no packets", 0, nil, nil, 0},
		{"empty packets", 0, []testPage{whole(1, 2, 960, 0, nil, pkt(1), nil)}, []byte{1}, 20 * ms},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := ogg(t, headers(1, tt.preSkip), join(tt.pages...))
			length, ok := r.Length()
			require.True(t, ok)
			require.Equal(t, tt.length, length)
			got, err := numbers(r)
			require.Equal(t, io.EOF, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestOggHugeHeader(t *testing.T) {
	tags := OpusTags{Vendor: "x", Comments: []string{"TITLE=here", "METADATA_BLOCK_PICTURE=" + strings.Repeat("A", 300_000), "ALBUM=gone"}}.append(nil)
	pages := join(whole(1, 0, 0, oggBOS, OpusHead{Channels: 1}.append(nil)))
	for n := uint32(1); len(tags) > 0; n++ {
		p := testPage{serial: 1, number: n, granule: noGranule}
		if n > 1 {
			p.flags = oggContinued
		}
		for len(p.lacing) < oggLacing && len(tags) > 0 {
			k := min(255, len(tags))
			p.lacing, p.body = append(p.lacing, byte(k)), append(p.body, tags[:k]...)
			tags = tags[k:]
		}
		pages = append(pages, p.bytes()...)
	}
	r := ogg(t, pages, join(whole(1, 9, 960, 0, pkt(1))))
	require.Equal(t, "here", r.Tags().Value("title"))
	require.Empty(t, r.Tags().Value("album"))
	got, err := numbers(r)
	require.Equal(t, io.EOF, err)
	require.Equal(t, []byte{1}, got)
}

func TestOggRefused(t *testing.T) {
	head := OpusHead{Channels: 1}
	surround := append(OpusHead{Channels: 6}.append(nil), 4, 2, 0, 4, 1, 2, 3, 5)
	surround[18] = 1
	odd := append(OpusHead{Channels: 2}.append(nil), 1, 1, 0, 1)
	odd[18] = 255
	many := make([]testPage, maxStreams+1)
	for i := range many {
		many[i] = whole(uint32(i), 0, 0, oggBOS, []byte("x"))
	}
	for reason, b := range map[string][]byte{
		"Vorbis, not Opus":       join(whole(1, 0, 0, oggBOS, []byte("\x01vorbis")), whole(1, 1, 0, 0, nil)),
		"a codec without a name": join(whole(1, 0, 0, oggBOS, []byte("what")), whole(1, 1, 0, 0, nil)),
		"not that of a stream":   join(whole(1, 0, 0, 0, pkt(1))),
		"malformed OpusHead":     join(whole(1, 0, 0, oggBOS, head.append(nil)[:18])),
		"more than two channels": join(whole(1, 0, 0, oggBOS, surround)),
		"no OpusTags":            join(whole(1, 0, 0, oggBOS, head.append(nil)), whole(1, 1, 960, 0, pkt(1))),
		"headers do not end":     join(whole(1, 0, 0, oggBOS, head.append(nil)), whole(2, 7, 0, 0, pkt(1)), whole(1, 0, 0, oggBOS, nil)),
		"more than 64 streams":   join(many...),
		"half of the headers":    join(whole(1, 0, 0, oggBOS, head.append(nil))),
	} {
		_, err := NewOggReader(bytes.NewReader(b))
		require.ErrorContains(t, err, reason)
	}
	_, err := NewOggReader(bytes.NewReader(join(whole(1, 0, 0, oggBOS, odd), whole(1, 1, 0, 0, OpusTags{}.append(nil)))))
	require.NoError(t, err, "one stream is one stream, whatever the mapping")
	_, err = parseOpusHead(odd[:19])
	require.Equal(t, errOpusHead, err)
	wide := OpusHead{Channels: 3}.append(nil)
	_, err = parseOpusHead(wide)
	require.Equal(t, ErrChannels, err)
}

func TestOggFileShrinks(t *testing.T) {
	f := &trap{Reader: *bytes.NewReader(load(t, "60ms.opus"))}
	r, err := NewOggReader(f)
	require.NoError(t, err)
	f.Reset(nil)
	_, ok := r.Length()
	require.False(t, ok)
	require.ErrorIs(t, r.Seek(0), ErrFormat)
}

func TestOggReadError(t *testing.T) {
	broken := errors.New("the cable is loose")
	in := io.MultiReader(bytes.NewReader(headers(1, 0)), iotest.ErrReader(broken))
	r, err := NewOggReader(in)
	require.NoError(t, err)
	_, err = r.ReadFrame()
	require.ErrorIs(t, err, broken)
}

func TestOpusTagsDamaged(t *testing.T) {
	b := OpusTags{Vendor: "v", Comments: []string{"A=1", "B=2"}}.append(nil)
	for n := range b {
		_, ok := parseOpusTags(b[:n])
		require.Equal(t, n >= 8, ok, "what is there counts")
	}
	tags, ok := parseOpusTags([]byte("OpusTags\x01\x00\x00\x00\xff\xff\xff\xff\xff"))
	require.True(t, ok)
	require.Equal(t, OpusTags{Vendor: "\uFFFD"}, tags)
}

// TestOggSeekInALargeFile reads little of it.
func TestOggSeekInALargeFile(t *testing.T) {
	var packets [][]byte
	const part = 4 * time.Minute
	for i := range int(part / (20 * ms)) {
		packets = append(packets, binary.BigEndian.AppendUint32([]byte{0xf8}, uint32(i)))
		packets[i] = append(packets[i], make([]byte, 500)...)
	}
	var b []byte
	for serial := range uint32(3) {
		b = append(b, write(t, packets, WithSerial(serial), WithOpusHead(OpusHead{Channels: 1}))...)
	}
	file := &counted{Reader: *bytes.NewReader(b)}
	r, err := NewOggReader(file)
	require.NoError(t, err)
	length, ok := r.Length()
	require.True(t, ok)
	require.Equal(t, 3*part, length)
	require.Less(t, file.bytes, len(b)/4, "of %d", len(b))
	for _, to := range []time.Duration{0, part - time.Second, part + 2*time.Minute, time.Minute, length - time.Second} {
		file.bytes = 0
		require.NoError(t, r.Seek(to))
		at := r.Position()
		require.LessOrEqual(t, at, to)
		require.GreaterOrEqual(t, at, to-100*ms)
		p, err := r.ReadFrame()
		require.NoError(t, err)
		require.Equal(t, at%part, time.Duration(binary.BigEndian.Uint32(p[1:]))*20*ms)
		require.Less(t, file.bytes, 20*inputSize)
	}
}

// counted counts what is read.
type counted struct {
	bytes.Reader
	bytes int
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.bytes += n
	return n, err
}

func FuzzOggReader(f *testing.F) {
	f.Add(load(f, "60ms.opus"))
	f.Add(load(f, "speech.opus")[:2500])
	f.Add(append(headers(1, 960), join(whole(1, 2, 3*960, oggEOS, pkt(1), pkt(2), pkt(3)))...))
	long := append(pkt(7), make([]byte, 300)...)
	f.Add(append(headers(1, 0), join(
		testPage{granule: 960, serial: 1, number: 2, lacing: []byte{2, 255}, body: append(pkt(1), long[:255]...)},
		testPage{flags: oggContinued, granule: 1920, serial: 1, number: 3, lacing: []byte{47}, body: long[255:]},
	)...))
	f.Fuzz(func(t *testing.T, in []byte) {
		fixChecksums(in)
		r, err := NewOggReader(bytes.NewReader(in))
		if err == nil {
			fuzzStream(t, r, len(in))
		}
	})
}

// fixChecksums makes good pages out of those that only lack a checksum, which
// no mutation finds.
func fixChecksums(b []byte) {
	for len(b) >= oggFixed {
		i := bytes.Index(b, []byte(oggCapture))
		if i < 0 || len(b)-i < oggFixed {
			return
		}
		b = b[i:]
		n := oggFixed + int(b[26])
		if n > len(b) {
			return
		}
		for _, v := range b[oggFixed:n] {
			n += int(v)
		}
		if n > len(b) {
			return
		}
		binary.LittleEndian.PutUint32(b[22:], oggChecksum(b[:n]))
		b = b[n:]
	}
}
