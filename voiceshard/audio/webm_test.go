package audio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

// el makes an element.
func el(id uint32, parts ...[]byte) []byte {
	data := bytes.Join(parts, nil)
	return append(sized(id, uint64(len(data))), data...)
}

// open makes the head of an element that does not tell its size.
func open(id uint32) []byte { return append(idBytes(id), 0xff) }

func sized(id uint32, n uint64) []byte {
	return binary.BigEndian.AppendUint64(idBytes(id), n|1<<56)
}

func idBytes(id uint32) []byte {
	return bytes.TrimLeft(binary.BigEndian.AppendUint32(nil, id), "\x00")
}

func num(id uint32, v uint64) []byte { return el(id, binary.BigEndian.AppendUint64(nil, v)) }

func str(id uint32, s string) []byte { return el(id, []byte(s)) }

// blk makes the content of a block.
func blk(track byte, ticks int16, flags byte, data ...byte) []byte {
	b := binary.BigEndian.AppendUint16([]byte{track | 0x80}, uint16(ticks))
	return append(append(b, flags), data...)
}

func simple(ticks int16, n byte) []byte { return el(idSimpleBlock, blk(1, ticks, 0x80, pkt(n)...)) }

func opusTrack(more ...[]byte) []byte {
	private := OpusHead{Channels: 1}.append(nil)
	return el(idTracks, el(idTrack, append([][]byte{num(idTrackNumber, 1), num(idTrackType, trackAudio), str(idCodec, codecOpus), el(idCodecPrivate, private)}, more...)...))
}

var ebmlHeader = el(idEBML, num(0x4286, 1), str(idDocType, "webm"))

// webm makes a live stream of clusters.
func webm(clusters ...[]byte) []byte {
	return bytes.Join(append([][]byte{ebmlHeader, open(idSegment), opusTrack()}, clusters...), nil)
}

func cluster(ticks uint64, parts ...[]byte) []byte {
	return append(append(open(idCluster), num(idTimestamp, ticks)...), bytes.Join(parts, nil)...)
}

func readWebM(t *testing.T, b []byte) (*WebMReader, []byte, error) {
	t.Helper()
	r, err := NewWebMReader(bytes.NewReader(b))
	require.NoError(t, err)
	got, err := numbers(r)
	return r, got, err
}

func TestWebMLacing(t *testing.T) {
	three := append(append(pkt(1), 0xf8, 2, 0), pkt(3)...) // of 2, 3 and 2 bytes
	long := append(append(pkt(1), make([]byte, 298)...), pkt(2)...)
	for name, data := range map[string][]byte{
		"none":      blk(1, 0, 0x80, pkt(1)...),
		"xiph":      blk(1, 0, lacingXiph, append([]byte{2, 2, 3}, three...)...),
		"xiph long": blk(1, 0, lacingXiph, append([]byte{1, 255, 45}, long...)...),
		"ebml":      blk(1, 0, lacingEBML, append([]byte{2, 0x82, 0xc0}, three...)...),
		"ebml long": blk(1, 0, lacingEBML, append([]byte{1, 0x41, 0x2c}, long...)...),
		"fixed":     blk(1, 0, lacingFixed, append([]byte{1}, append(pkt(1), pkt(2)...)...)...),
	} {
		want := map[string][]byte{"none": {1}, "xiph": {1, 2, 3}, "ebml": {1, 2, 3}}[name]
		if want == nil {
			want = []byte{1, 2}
		}
		r, got, err := readWebM(t, webm(cluster(0, el(idSimpleBlock, data))))
		require.Equal(t, io.EOF, err, name)
		require.Equal(t, want, got, name)
		require.Equal(t, time.Duration(len(want))*20*ms, r.Position(), name)
	}
	for name, data := range map[string][]byte{
		"no track":             {},
		"no flags":             {0x81, 0, 0},
		"no count":             blk(1, 0, lacingXiph),
		"xiph ends":            blk(1, 0, lacingXiph, 1, 255),
		"xiph too long":        blk(1, 0, lacingXiph, 1, 9, 0xf8),
		"ebml ends":            blk(1, 0, lacingEBML, 1),
		"ebml too long":        blk(1, 0, lacingEBML, 1, 0x89, 0xf8),
		"ebml too long in all": blk(1, 0, lacingEBML, 2, 0x82, 0xc1, 0xf8, 0, 0xf8),
		"ebml negative":        blk(1, 0, lacingEBML, 2, 0x81, 0x81, 0xf8),
	} {
		_, _, err := readWebM(t, webm(cluster(0, el(idSimpleBlock, data))))
		require.ErrorIs(t, err, ErrFormat, name)
	}
}

func TestWebMOtherElementsAreSkipped(t *testing.T) {
	void := el(0xec, make([]byte, 100))
	other := el(idSimpleBlock, blk(2, 0, 0x80, pkt(99)...))
	video := el(idSimpleBlock, blk(2, 0, 0x80, make([]byte, maxBlock)...))
	r, got, err := readWebM(t, webm(void, cluster(0, void, other, simple(0, 1), video, el(idBlockGroup, void)),
		el(0x1254c367, void), cluster(20, simple(0, 2), el(idBlockGroup, num(0x9b, 20), el(idBlock, blk(1, 20, 0, pkt(3)...)))), el(idCues)))
	require.Equal(t, io.EOF, err)
	require.Equal(t, []byte{1, 2, 3}, got)
	require.Zero(t, r.Damaged())
	require.Equal(t, 1, r.Head().Channels)
}

func TestWebMPositions(t *testing.T) {
	b := webm(cluster(0, simple(0, 1), simple(21, 2)), cluster(1000, simple(-20, 3), simple(0, 4)))
	r, err := NewWebMReader(bytes.NewReader(b))
	require.NoError(t, err)
	for _, want := range []time.Duration{20, 40, 1000, 1020} { // a tick of rounding does not count, a gap does
		_, err := r.ReadFrame()
		require.NoError(t, err)
		require.Equal(t, want*ms, r.Position())
	}
	length, ok := r.Length()
	require.True(t, ok)
	require.Equal(t, 1020*ms, length)
}

func TestWebMTrimming(t *testing.T) {
	group := el(idBlockGroup, el(idBlock, blk(1, 40, lacingFixed, append([]byte{1}, append(pkt(3), pkt(4)...)...)...)), num(idDiscard, uint64(25*ms)))
	b := bytes.Join([][]byte{ebmlHeader, open(idSegment), opusTrack(num(idCodecDelay, uint64(20*ms))), cluster(0, simple(0, 1), simple(20, 2), group)}, nil)
	r, got, err := readWebM(t, b)
	require.Equal(t, io.EOF, err)
	require.Equal(t, []byte{2, 3}, got, "20 ms before the beginning, 25 behind the end")
	length, _ := r.Length()
	require.Equal(t, 60*ms, length)
}

func TestWebMHeaderStripping(t *testing.T) {
	encoding := func(settings ...[]byte) []byte {
		return el(idEncodings, el(idEncoding, num(0x5031, 0), el(idCompression, settings...)))
	}
	strip := bytes.Join([][]byte{ebmlHeader, open(idSegment), opusTrack(encoding(num(idAlgorithm, headersOnly), el(idSettings, []byte{0xf8}))),
		cluster(0, el(idSimpleBlock, blk(1, 0, 0, 7)), el(idSimpleBlock, blk(1, 20, 0, 8)))}, nil)
	_, got, err := readWebM(t, strip)
	require.Equal(t, io.EOF, err)
	require.Equal(t, []byte{7, 8}, got)
	for _, e := range [][]byte{
		encoding(num(idAlgorithm, 0)), encoding(), encoding(num(idAlgorithm, headersOnly), el(idSettings, make([]byte, 256))),
		el(idEncodings, el(idEncoding, el(idEncryption))),
	} {
		_, err := NewWebMReader(bytes.NewReader(bytes.Join([][]byte{ebmlHeader, open(idSegment), opusTrack(e), cluster(0)}, nil)))
		require.ErrorContains(t, err, "compressed or encrypted")
	}
}

func TestWebMWrongCodec(t *testing.T) {
	tracks := func(entries ...[]byte) []byte {
		return bytes.Join([][]byte{ebmlHeader, open(idSegment), el(idTracks, entries...), cluster(0)}, nil)
	}
	video := el(idTrack, num(idTrackNumber, 1), num(idTrackType, 1), str(idCodec, "V_VP9"))
	sound := func(codec string) []byte {
		return el(idTrack, num(idTrackNumber, 2), num(idTrackType, trackAudio), str(idCodec, codec))
	}
	for want, b := range map[string][]byte{
		"Vorbis and DTS, not Opus":      tracks(video, sound("A_VORBIS"), sound("A_DTS")),
		"video without sound, not Opus": tracks(video),
	} {
		_, err := NewReader(bytes.NewReader(b))
		require.ErrorIs(t, err, ErrNotOpus)
		require.ErrorContains(t, err, want)
	}
	surround := append(OpusHead{Channels: 6}.append(nil), 4, 2)
	surround[18] = 1
	_, err := NewReader(bytes.NewReader(tracks(el(idTrack, num(idTrackNumber, 1), str(idCodec, codecOpus), el(idCodecPrivate, surround)))))
	require.Equal(t, ErrChannels, err)
}

func TestWebMMalformed(t *testing.T) {
	track := opusTrack()
	start := func(parts ...[]byte) []byte {
		return bytes.Join(append([][]byte{ebmlHeader, open(idSegment)}, parts...), nil)
	}
	bad := []byte{0x01} // no element
	for name, b := range map[string][]byte{
		"nothing":            {},
		"no EBML":            open(idSegment),
		"EBML is cut":        ebmlHeader[:10],
		"EBML is broken":     el(idEBML, bad),
		"other DocType":      el(idEBML, str(idDocType, "html")),
		"huge EBML":          sized(idEBML, maxMaster+1),
		"no cluster":         start(track),
		"no tracks":          start(cluster(0)),
		"empty tracks":       start(el(idTracks, bad), cluster(0)),
		"track is broken":    start(el(idTracks, el(idTrack, bad)), cluster(0)),
		"no track number":    start(el(idTracks, el(idTrack, str(idCodec, codecOpus), el(idCodecPrivate, OpusHead{Channels: 1}.append(nil)))), cluster(0)),
		"no OpusHead":        start(el(idTracks, el(idTrack, num(idTrackNumber, 1), str(idCodec, codecOpus))), cluster(0)),
		"long number":        start(el(idTracks, el(idTrack, el(idTrackNumber, make([]byte, 9)))), cluster(0)),
		"delay":              start(opusTrack(num(idCodecDelay, math.MaxUint64)), cluster(0)),
		"encodings":          start(opusTrack(el(idEncodings, bad)), cluster(0)),
		"deep encodings":     start(opusTrack(el(idEncodings, el(idEncoding, el(idEncoding, el(idEncoding))))), cluster(0)),
		"info":               start(el(idInfo, bad), track, cluster(0)),
		"tick of nothing":    start(el(idInfo, num(idTimestamps, 0)), track, cluster(0)),
		"tick of an hour":    start(el(idInfo, num(idTimestamps, uint64(time.Hour))), track, cluster(0)),
		"duration":           start(el(idInfo, el(idDuration, []byte{1})), track, cluster(0)),
		"seek head":          start(el(idSeekHead, el(idSeek, bad)), track, cluster(0)),
		"unknown size":       start(open(idTracks), cluster(0)),
		"other is cut":       start(sized(0xec, 100)),
		"tracks are cut":     start(sized(idTracks, 100)),
		"child is too long":  start(el(idTracks, sized(idTrack, 5)), cluster(0)),
		"child without end":  start(el(idTracks, open(idTrack)), cluster(0)),
		"child without size": start(el(idTracks, []byte{idTrack}), cluster(0)),
	} {
		_, err := NewWebMReader(bytes.NewReader(b))
		require.ErrorIs(t, err, ErrFormat, name)
	}
	_, err := NewWebMReader(io.MultiReader(bytes.NewReader(start(sized(0xec, maxHeaders))), endless{}))
	require.ErrorContains(t, err, "the headers do not end")
	for name, b := range map[string][]byte{
		"time":         webm(cluster(math.MaxUint64)),
		"time is long": webm(open(idCluster), el(idTimestamp, make([]byte, 9))),
		"time is cut":  webm(open(idCluster), sized(idTimestamp, 8)),
		"block is cut": webm(cluster(0), sized(idSimpleBlock, 8)),
		"group":        webm(cluster(0, el(idBlockGroup, bad))),
		"discard":      webm(cluster(0, el(idBlockGroup, el(idDiscard, make([]byte, 9))))),
		"another file": webm(cluster(0), ebmlHeader),
		"no element":   webm(cluster(0), make([]byte, 20)),
		"half a head":  webm(cluster(0), []byte{0x1f}),
		"skip is cut":  webm(cluster(0), sized(0xec, 100)),
		"video is cut": webm(cluster(0), sized(idSimpleBlock, maxBlock+1)),
	} {
		_, _, err := readWebM(t, b)
		require.ErrorIs(t, err, ErrFormat, name)
	}
}

// endless is a stream of nothing.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func TestWebMNotOpusPackets(t *testing.T) {
	r, got, err := readWebM(t, webm(cluster(0, simple(0, 1), el(idSimpleBlock, blk(1, 20, 0)), el(idSimpleBlock, blk(1, 20, 0, 3, 0)), simple(20, 2))))
	require.Equal(t, io.EOF, err)
	require.Equal(t, []byte{1, 2}, got)
	require.Equal(t, 2, r.Damaged())
}

func TestWebMDurations(t *testing.T) {
	for name, tt := range map[string]struct {
		duration []byte
		want     time.Duration
		ok       bool
	}{
		"float32":  {binary.BigEndian.AppendUint32(nil, math.Float32bits(1500)), 1500 * ms, true},
		"float64":  {binary.BigEndian.AppendUint64(nil, math.Float64bits(2500)), 2500 * ms, true},
		"empty":    {nil, 0, false},
		"negative": {binary.BigEndian.AppendUint64(nil, math.Float64bits(-1)), 0, false},
		"infinite": {binary.BigEndian.AppendUint64(nil, math.Float64bits(math.Inf(1))), 0, false},
		"NaN":      {binary.BigEndian.AppendUint64(nil, math.Float64bits(math.NaN())), 0, false},
	} {
		r, err := NewWebMReader(pipe(bytes.Join([][]byte{ebmlHeader, open(idSegment), el(idInfo, el(idDuration, tt.duration)), opusTrack(), opusTrack(), cluster(0)}, nil)))
		require.NoError(t, err, name)
		length, ok := r.Length()
		require.Equal(t, tt.want, length, name)
		require.Equal(t, tt.ok, ok, name)
	}
}

// indexed makes a file whose cues say where the clusters are, apart from those
// that are wrong.
func indexed(where func(i int, offset uint64) uint64) []byte {
	var body, cues []byte
	head := bytes.Join([][]byte{ebmlHeader, open(idSegment)}, nil)
	segment := uint64(len(head))
	seekHead := func(cues uint64) []byte {
		return el(idSeekHead, el(idSeek, el(idSeekID, idBytes(idCues)), num(idSeekPosition, cues)), el(0xec))
	}
	body = append(body, opusTrack()...)
	lead := uint64(len(seekHead(0)))
	for i := range 5 {
		at := where(i, lead+uint64(len(body)))
		cues = append(cues, el(idCue, num(idCueTime, uint64(i)*1000), el(idCuePositions, num(0xf7, 1), num(idCueCluster, at)))...)
		body = append(body, cluster(uint64(i)*1000, simple(0, byte(i)), simple(500, byte(100+i)))...)
	}
	_ = segment
	return bytes.Join([][]byte{head, seekHead(lead + uint64(len(body))), body, el(idCues, cues)}, nil)
}

func TestWebMCues(t *testing.T) {
	for name, where := range map[string]func(int, uint64) uint64{
		"good":    func(_ int, at uint64) uint64 { return at },
		"useless": func(int, uint64) uint64 { return 3 },
		"outside": func(int, uint64) uint64 { return 1 << 40 },
		"absurd":  func(int, uint64) uint64 { return math.MaxUint64 },
	} {
		r, err := NewWebMReader(bytes.NewReader(indexed(where)))
		require.NoError(t, err)
		for _, to := range []time.Duration{3400 * ms, 0, 4550 * ms, 1010 * ms, 2400 * ms} {
			require.NoError(t, r.Seek(to), name)
			p, err := r.ReadFrame()
			require.NoError(t, err, name)
			want := map[time.Duration]byte{3400 * ms: 103, 0: 0, 4550 * ms: 104, 1010 * ms: 1, 2400 * ms: 102}[to]
			require.Equal(t, pkt(want), p, "%s: %v", name, to)
		}
	}
	broken := indexed(func(_ int, at uint64) uint64 { return at })
	r, err := NewWebMReader(bytes.NewReader(broken[:len(broken)-10])) // the last cue is cut off, so there are none
	require.NoError(t, err)
	require.NoError(t, r.Seek(2400*ms))
	require.Empty(t, r.cues)
	require.Empty(t, parseCues(append(el(idCue, []byte{1}), el(idCue)...)))
}

// trap is a file that fails from some moment on.
type trap struct {
	bytes.Reader
	seeks, reads int // until it fails; 0: never
}

var errTrap = errors.New("the disk is gone")

func (f *trap) Seek(offset int64, whence int) (int64, error) {
	if f.seeks > 0 {
		if f.seeks--; f.seeks == 0 {
			f.seeks = 1
			return 0, errTrap
		}
	}
	return f.Reader.Seek(offset, whence)
}

func (f *trap) Read(b []byte) (int, error) {
	if f.reads > 0 {
		if f.reads--; f.reads == 0 {
			f.reads = 1
			return 0, errTrap
		}
	}
	return f.Reader.Read(b)
}

// TestSeekFails at each operation on the file in turn: there is an error, or
// the right packet.
func TestSeekFails(t *testing.T) {
	for _, name := range []string{"speech.opus", "speech.webm", "live.webm", "dca1", "chain"} {
		for n := 1; n < 40; n++ {
			for _, seeks := range []bool{true, false} {
				f := &trap{Reader: *bytes.NewReader(file(t, name))}
				s, err := NewReader(f)
				require.NoError(t, err)
				want, _ := s.ReadFrame()
				want = bytes.Clone(want)
				if seeks {
					f.seeks = n
				} else {
					f.reads = n
				}
				_, _ = s.Length()
				err = s.Seek(2 * time.Second)
				if err == nil {
					_, err = s.ReadFrame()
				}
				if err != nil {
					require.ErrorIs(t, err, errTrap, "%s, %d", name, n)
				}
				f.seeks, f.reads = 0, 0
				require.NoError(t, s.Seek(0), "%s, %d", name, n)
				got, err := s.ReadFrame()
				require.NoError(t, err)
				require.Equal(t, want, got)
			}
		}
	}
}

func TestWebMReadError(t *testing.T) {
	b := webm(cluster(0, simple(0, 1)))
	r, err := NewWebMReader(io.MultiReader(bytes.NewReader(b), iotest.ErrReader(errTrap)))
	require.NoError(t, err)
	got, err := numbers(r)
	require.ErrorIs(t, err, errTrap)
	require.Equal(t, []byte{1}, got)
}

func FuzzWebMReader(f *testing.F) {
	f.Add(load(f, "speech.webm")[:2500])
	f.Add(load(f, "live.webm")[:2500])
	f.Add(indexed(func(_ int, at uint64) uint64 { return at }))
	for _, lacing := range []byte{lacingXiph, lacingEBML, lacingFixed} {
		f.Add(webm(cluster(0, el(idSimpleBlock, blk(1, 0, lacing, 1, 0x82, 0xf8, 1, 0xf8, 2)))))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := NewWebMReader(bytes.NewReader(in))
		if err == nil {
			fuzzStream(t, r, len(in))
		}
	})
}
