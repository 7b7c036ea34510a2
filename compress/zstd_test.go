package compress

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

// carryZstd compresses each message for the wire with the given options, all in one frame.
func carryZstd(tb testing.TB, messages [][]byte, options ...zstd.EOption) [][]byte {
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, append([]zstd.EOption{zstd.WithEncoderConcurrency(1)}, options...)...)
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

// frames compresses each message to a frame of its own.
func frames(tb testing.TB, messages [][]byte, options ...zstd.EOption) [][]byte {
	w, err := zstd.NewWriter(nil, options...)
	require.NoError(tb, err)
	wire := make([][]byte, len(messages))
	for i, m := range messages {
		wire[i] = w.EncodeAll(m, nil)
	}
	return wire
}

var text = sync.OnceValue(func() []byte { return bytes.Join(dispatches(1200, 6), nil) })

// slices returns n pieces of a text, some of them large, which repeat each other at all distances.
func slices(n int) [][]byte {
	r := rand.New(rand.NewPCG(6, 6))
	text := text()
	messages := make([][]byte, n)
	for i := range messages {
		size := 1 + r.IntN(4000)
		if r.IntN(40) == 0 {
			size = 100_000 + r.IntN(400_000)
		}
		at := r.IntN(len(text) - size)
		messages[i] = text[at : at+size]
	}
	return messages
}

func TestZstdStreamReadsDiscordsHello(t *testing.T) {
	z := NewZstdStream()
	require.Equal(t, "zstd-stream", z.Name())
	hello := read(t, "twilight_hello.zstd")
	out, complete, err := z.Decompress([]byte("> "), hello, 1<<20)
	require.NoError(t, err)
	require.True(t, complete)
	require.Equal(t, "> "+string(read(t, "twilight_hello.zstd.json")), string(out), "the message is appended")
	frame, _, err := parseZstdFrame(hello)
	require.NoError(t, err)
	require.Equal(t, zstdFrame{window: zstdWindow, content: zstdUnknownSize}, frame, "our writer declares the same")
}

func TestZstdStreamOneFramePerConnection(t *testing.T) {
	messages := slices(400)
	for name, options := range map[string][]zstd.EOption{
		"a window like Discord's": {zstd.WithWindowSize(zstdWindow)},
		"8 MiB":                   {zstd.WithWindowSize(maxZstdWindow)},
		"1 KiB":                   {zstd.WithWindowSize(1 << 10)},
		"32 KiB":                  {zstd.WithWindowSize(32 << 10), zstd.WithEncoderLevel(zstd.SpeedBetterCompression)},
	} {
		t.Run(name, func(t *testing.T) {
			z := NewZstdStream()
			requireMessages(t, z, messages, carryZstd(t, messages, options...))
			require.Empty(t, z.inflater.replay, "nothing is remembered once the window is as large as declared")
			require.NoError(t, z.Close())
		})
	}
}

func TestZstdStreamOneFramePerMessage(t *testing.T) {
	messages := slices(100)
	for name, options := range map[string][]zstd.EOption{
		"checksum":            {zstd.WithEncoderCRC(true)},
		"no checksum":         {zstd.WithEncoderCRC(false)},
		"single segment":      {zstd.WithSingleSegment(true)},
		"no entropy":          {zstd.WithNoEntropyCompression(true)},
		"skippable follows":   {zstd.WithEncoderPadding(512)},
		"window of one block": {zstd.WithWindowSize(128 << 10)},
	} {
		t.Run(name, func(t *testing.T) {
			z := NewZstdStream()
			requireMessages(t, z, messages, frames(t, messages, options...))
			require.Nil(t, z.inflater.decoder, "no decoder is held between frames")
		})
	}
}

func TestZstdStreamMessageInSeveralWebsocketMessages(t *testing.T) {
	messages := append(slices(20), dispatches(50, 2)...)
	for name, wire := range map[string][][]byte{
		"per connection": carryZstd(t, messages),
		"per message":    frames(t, messages, zstd.WithSingleSegment(true), zstd.WithEncoderPadding(256)),
	} {
		r := rand.New(rand.NewPCG(8, 8))
		z := NewZstdStream()
		for i := range wire {
			var got []byte
			for rest := wire[i]; len(rest) > 0; {
				n := min(1+r.IntN(5000), len(rest))
				out, complete, err := z.Decompress([]byte("> "), rest[:n], 2<<20)
				require.NoError(t, err, name)
				if rest = rest[n:]; !complete {
					require.Equal(t, "> ", string(out), "an incomplete message leaves dst as it was")
					continue
				}
				got = append(got, out[2:]...) // a cut between two blocks cannot be told from an end
			}
			require.Equal(t, string(messages[i]), string(got), name)
		}
		require.Empty(t, z.held)
	}
}

// zstdRaw is a block as it is.
func zstdRaw(last bool, p string) []byte { return append(zstdHeader(last, 0, len(p)), p...) }

// zstdRepeat is a block of n times c.
func zstdRepeat(n int, c byte) []byte { return append(zstdHeader(false, 1, n), c) }

func zstdHeader(last bool, kind, n int) []byte {
	h := n<<3 | kind<<1
	if last {
		h |= 1
	}
	return []byte{byte(h), byte(h >> 8), byte(h >> 16)}
}

const zstdStart = "\x28\xb5\x2f\xfd\x00\x40" // Discord's: a window of 256 KiB, nothing else

func TestZstdStreamBlocksWithoutContent(t *testing.T) {
	z := NewZstdStream()
	for _, src := range []string{"", zstdStart, string(zstdRaw(false, "")), string(zstdRepeat(0, 'x')), "\x50\x2a\x4d"} {
		if src == "\x50\x2a\x4d" {
			src = string(zstdRaw(true, "")) + src
		}
		out, complete, err := z.Decompress(nil, []byte(src), 100)
		require.NoError(t, err)
		require.False(t, complete, "%q is no message", src)
		require.Empty(t, out)
	}
	out, complete, err := z.Decompress(nil, []byte("\x18\x02\x00\x00\x00"+"ab"+zstdStart+string(zstdRaw(false, "hi"))), 100)
	require.NoError(t, err, "a skippable frame in two parts, then a message")
	require.True(t, complete)
	require.Equal(t, "hi", string(out))
}

func TestZstdStreamRefuses(t *testing.T) {
	for name, src := range map[string]string{
		"plain text":              `{"op":10,"d":{}}`,
		"reserved bit":            "\x28\xb5\x2f\xfd\x08\x40\x00\x00\x00",
		"dictionary":              "\x28\xb5\x2f\xfd\x01\x40\x07" + string(zstdRaw(false, "hi")),
		"reserved block type":     zstdStart + string(zstdHeader(false, 3, 1)) + "x",
		"block over 128 KiB":      zstdStart + string(zstdHeader(false, 1, zstdMaxBlock+1)) + "x",
		"compressed garbage":      zstdStart + string(zstdHeader(false, 2, 5)) + "\xff\xff\xff\xff\xff",
		"compressed, no content":  zstdStart + string(zstdHeader(false, 2, 2)) + "\x00\x00",
		"wrong checksum":          "\x28\xb5\x2f\xfd\x04\x40" + string(zstdRaw(true, "hi")) + "\x00\x00\x00\x00",
		"wrong checksum, nothing": "\x28\xb5\x2f\xfd\x04\x40" + string(zstdRaw(true, "")) + "\x00\x00\x00\x00",
		"more than declared":      "\x28\xb5\x2f\xfd\x20\x02" + string(zstdRaw(true, "three")),
		"less than declared":      "\x28\xb5\x2f\xfd\x20\x09" + string(zstdRaw(true, "three")),
	} {
		z := NewZstdStream()
		out, complete, err := z.Decompress([]byte("x"), []byte(src), 1<<20)
		require.ErrorIs(t, err, ErrCorrupt, name)
		require.False(t, complete)
		require.Equal(t, "x", string(out))
		_, _, again := z.Decompress(nil, []byte(zstdStart), 1<<20)
		require.Equal(t, err, again, "an error is final")
		require.Nil(t, z.inflater.decoder, "and frees the decoder")
	}
}

func TestZstdStreamLimit(t *testing.T) {
	src := []byte(zstdStart + string(zstdRepeat(900, 'a')) + string(zstdRaw(false, "b")))
	out, complete, err := NewZstdStream().Decompress(make([]byte, 5), src, 906)
	require.NoError(t, err)
	require.True(t, complete)
	require.Len(t, out, 906)
	_, _, err = NewZstdStream().Decompress(make([]byte, 5), src, 905)
	require.ErrorIs(t, err, ErrTooLarge)
	_, _, err = NewZstdStream().Decompress(nil, []byte("\x28\xb5\x2f\xfd\x00\x69\x00\x00\x00"), 905)
	require.ErrorIs(t, err, ErrTooLarge, "a window of 9 MiB")

	z := NewZstdStream()
	_, complete, err = z.Decompress(nil, src[:len(src)-1], 1000)
	require.NoError(t, err)
	require.False(t, complete)
	_, _, err = z.Decompress(make([]byte, 101), src[len(src)-1:], 1000)
	require.ErrorIs(t, err, ErrTooLarge, "what is held counts")
}

func TestZstdStreamClose(t *testing.T) {
	z := NewZstdStream()
	_, _, err := z.Decompress(nil, read(t, "twilight_hello.zstd"), 1<<20)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	require.NoError(t, z.Close())
	_, _, err = z.Decompress(nil, nil, 1<<20)
	require.ErrorIs(t, err, ErrClosed)
}

func TestZstdContentSize(t *testing.T) {
	for field, want := range map[string]uint64{
		"": zstdUnknownSize, "\x05": 5, "\x05\x01": 517, "\x01\x00\x00\x01": 1<<24 + 1, "\x01\x00\x00\x00\x00\x00\x00\x01": 1<<56 + 1,
	} {
		require.Equal(t, want, zstdContentSize([]byte(field)), "%x", field)
	}
}
