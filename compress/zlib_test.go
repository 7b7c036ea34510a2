package compress

import (
	"bytes"
	"compress/zlib"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

type decompressor interface {
	Name() string
	Decompress(dst, src []byte, limit int) (out []byte, complete bool, err error)
}

type compressor interface {
	Name() string
	Compress(dst, src []byte) ([]byte, error)
	Close() error
}

func read(tb testing.TB, name string) []byte {
	b, err := os.ReadFile("testdata/" + name)
	require.NoError(tb, err)
	return b
}

// carry compresses each message for the wire.
func carry(tb testing.TB, c compressor, messages [][]byte) [][]byte {
	wire := make([][]byte, len(messages))
	for i, m := range messages {
		var err error
		wire[i], err = c.Compress(nil, m)
		require.NoError(tb, err)
	}
	return wire
}

// carryZlib does so with the standard library.
func carryZlib(tb testing.TB, level int, messages [][]byte) [][]byte {
	var b bytes.Buffer
	w, err := zlib.NewWriterLevel(&b, level)
	require.NoError(tb, err)
	wire := make([][]byte, len(messages))
	for i, m := range messages {
		_, err = w.Write(m)
		require.NoError(tb, err)
		require.NoError(tb, w.Flush())
		wire[i] = bytes.Clone(b.Bytes())
		b.Reset()
	}
	return wire
}

// requireMessages inflates one message from each element of wire.
func requireMessages(tb testing.TB, d decompressor, want, wire [][]byte) {
	var out []byte
	for i := range wire {
		var complete bool
		var err error
		out, complete, err = d.Decompress(out[:0], wire[i], 1<<20)
		if err != nil || !complete || !bytes.Equal(want[i], out) {
			require.NoError(tb, err, "message %d", i)
			require.True(tb, complete, "message %d", i)
			require.Equal(tb, string(want[i]), string(out), "message %d", i)
		}
	}
}

func TestZlibStreamReadsDiscordsHello(t *testing.T) {
	z := NewZlibStream()
	require.Equal(t, "zlib-stream", z.Name())
	out, complete, err := z.Decompress([]byte("> "), read(t, "twilight_hello.zlib"), 1<<20)
	require.NoError(t, err)
	require.True(t, complete)
	require.Equal(t, "> "+string(read(t, "twilight_hello.zlib.json")), string(out), "the message is appended")
}

// TestZlibStreamAcrossItsWindow ends messages exactly where the window of 32 KiB wraps, and everywhere else.
func TestZlibStreamAcrossItsWindow(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	text := bytes.Join(dispatches(400, 3), nil)
	var messages [][]byte
	for total := 0; len(messages) < 2000; {
		n := 1 + r.IntN(3000)
		switch r.IntN(16) {
		case 0:
			n = windowSize - total%windowSize
		case 1, 2, 3, 4, 5, 6:
			n = min(n, 20)
		}
		if r.IntN(100) == 0 {
			n += windowSize * (1 + r.IntN(2))
		}
		at := r.IntN(len(text) - n)
		messages = append(messages, text[at:at+n])
		total += n
	}
	for _, level := range []int{zlib.NoCompression, zlib.DefaultCompression} {
		z := NewZlibStream()
		requireMessages(t, z, messages, carryZlib(t, level, messages))
		require.Equal(t, windowSize, cap(z.window.ring), "all that the connection holds")
		require.Zero(t, cap(z.pending))
	}
}

func TestZlibStreamHoldsNoMoreThanWasInflated(t *testing.T) {
	z := NewZlibStream()
	require.Zero(t, cap(z.window.ring))
	messages := dispatches(1, 1)
	requireMessages(t, z, messages, carryZlib(t, zlib.BestSpeed, messages))
	require.Equal(t, len(messages[0]), cap(z.window.ring))
}

func TestZlibStreamMessageInSeveralWebsocketMessages(t *testing.T) {
	messages := dispatches(50, 4)
	for _, size := range []int{1, 2, 3, 7, 100} {
		z := NewZlibStream()
		for i, wire := range carryZlib(t, zlib.DefaultCompression, messages) {
			for len(wire) > size {
				out, complete, err := z.Decompress([]byte("kept"), wire[:size], 1<<20)
				require.NoError(t, err)
				require.False(t, complete)
				require.Equal(t, "kept", string(out), "an incomplete message leaves dst as it was")
				wire = wire[size:]
			}
			out, complete, err := z.Decompress(nil, wire, 1<<20)
			require.NoError(t, err)
			require.True(t, complete)
			require.Equal(t, string(messages[i]), string(out))
		}
	}
}

// stored is a stored block of p: it carries the flush marker as content.
func stored(p ...byte) []byte {
	return append([]byte{0, byte(len(p)), 0, ^byte(len(p)), 0xff}, p...)
}

func TestZlibStreamMarkerInsideAMessage(t *testing.T) {
	z := NewZlibStream()
	content := []byte("ab\x00\x00\xff\xff")
	first := append([]byte("\x78\x9c"), stored(content...)...)
	out, complete, err := z.Decompress(nil, first, 1<<20)
	require.NoError(t, err)
	require.False(t, complete, "a block's content ends in the marker: no flush")
	require.Empty(t, out)
	out, complete, err = z.Decompress(nil, stored(content...)[:9], 1<<20)
	require.NoError(t, err)
	require.False(t, complete, "inside a block")
	require.Empty(t, out)
	out, complete, err = z.Decompress(nil, append([]byte{0xff, 0xff}, stored()...), 1<<20)
	require.NoError(t, err)
	require.True(t, complete)
	require.Equal(t, string(content)+string(content), string(out))
}

func TestZlibStreamRefusesEndlessFalseMarkers(t *testing.T) {
	z := NewZlibStream()
	src := append([]byte("\x78\x9c"), stored(syncFlush...)...)
	for range maxFalseMarkers {
		_, complete, err := z.Decompress(nil, src, 1<<20)
		require.NoError(t, err)
		require.False(t, complete)
		src = stored(syncFlush...)
	}
	_, _, err := z.Decompress(nil, src, 1<<20)
	require.ErrorIs(t, err, ErrCorrupt, "each of them inflates the message again")
}

func TestZlibStreamFlushWithoutContentIsNoMessage(t *testing.T) {
	z := NewZlibStream()
	out, complete, err := z.Decompress(nil, append([]byte("\x78\x9c"), stored()...), 1<<20)
	require.NoError(t, err)
	require.False(t, complete)
	require.Empty(t, out)
	out, complete, err = z.Decompress(nil, append(stored('h', 'i'), stored()...), 1<<20)
	require.NoError(t, err)
	require.True(t, complete)
	require.Equal(t, "hi", string(out))
}

func TestZlibStreamRefuses(t *testing.T) {
	for name, src := range map[string]string{
		"plain text":              `{"op":10}`,
		"a dictionary":            "\x78\xbb\x00\x00\xff\xff",
		"a window over 32 KiB":    "\x88\x1c\x00\x00\xff\xff",
		"another method":          "\x77\x85\x00\x00\xff\xff",
		"a final block":           "\x78\x9c\x01\x00\x00\xff\xff",
		"a reserved block type":   "\x78\x9c\x07\x00\x00\xff\xff",
		"a distance into nothing": "\x78\x9c\x02\x02\x00\x00\x00\xff\xff",
	} {
		z := NewZlibStream()
		out, complete, err := z.Decompress([]byte("x"), []byte(src), 1<<20)
		require.ErrorIs(t, err, ErrCorrupt, name)
		require.False(t, complete)
		require.Equal(t, "x", string(out))
		_, _, again := z.Decompress(nil, append([]byte("\x78\x9c"), stored('a')...), 1<<20)
		require.Equal(t, err, again, "an error is final")
	}
}

func TestZlibStreamLimit(t *testing.T) {
	message := bytes.Repeat([]byte("a"), 1000)
	wire := carryZlib(t, zlib.BestSpeed, [][]byte{message})[0]
	out, complete, err := NewZlibStream().Decompress(make([]byte, 5), wire, 1005)
	require.NoError(t, err)
	require.True(t, complete)
	require.Equal(t, 1005, cap(out), "dst grows to the limit and not beyond")
	_, _, err = NewZlibStream().Decompress(make([]byte, 5), wire, 1004)
	require.ErrorIs(t, err, ErrTooLarge)
	require.EqualError(t, err, "compress: zlib-stream: compress: message too large: over 1004 bytes")
	_, _, err = NewZlibStream().Decompress(make([]byte, 5), wire, 3)
	require.ErrorIs(t, err, ErrTooLarge, "dst is beyond the limit already")
}

func TestZlibStreamBoundsWhatItKeeps(t *testing.T) {
	z := NewZlibStream()
	src := append([]byte("\x78\x9c"), make([]byte, 1000)...)
	var err error
	for range 100 {
		if _, _, err = z.Decompress(nil, src, 10_000); err != nil {
			break
		}
	}
	require.ErrorIs(t, err, ErrTooLarge, "a message that never ends")
	require.LessOrEqual(t, len(z.pending), 10_200)

	z = NewZlibStream()
	noise := contents()["noise"][:60_000]
	wire := carryZlib(t, zlib.NoCompression, [][]byte{noise})[0]
	_, _, err = z.Decompress(nil, wire[:50_000], 60_000)
	require.NoError(t, err)
	out, complete, err := z.Decompress(nil, wire[50_000:], 60_000)
	require.NoError(t, err, "a message of exactly the limit, longer on the wire")
	require.True(t, complete)
	require.Equal(t, noise, out)
	require.Nil(t, z.pending, "a large one is not kept")

	_, _, err = NewZlibStream().Decompress(nil, wire[:100], math.MaxInt)
	require.NoError(t, err, "no limit at all")
}
