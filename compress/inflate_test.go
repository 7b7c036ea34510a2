package compress

import (
	"bytes"
	"compress/flate"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// inflateRaw inflates a whole deflate stream.
func inflateRaw(src []byte, limit int) ([]byte, error) {
	var f inflater
	f.begin(nil, src, limit, &noWindow)
	_, err := f.finish()
	return f.end(), err
}

// deflateRaw makes a whole deflate stream with the standard library.
func deflateRaw(tb testing.TB, level int, p []byte) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	require.NoError(tb, err)
	_, err = w.Write(p)
	require.NoError(tb, err)
	require.NoError(tb, w.Close())
	return b.Bytes()
}

// contents are byte sequences that make an encoder use all it has: stored blocks, fixed and dynamic codes,
// codes longer than the first tables, short and long, near and far, overlapping and plain matches.
func contents() map[string][]byte {
	r := rand.New(rand.NewPCG(3, 3))
	noise := make([]byte, 100_000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	var skewed []byte // Fibonacci frequencies make the longest codes
	for i, a, b := 0, 1, 1; i < 22; i, a, b = i+1, b, a+b {
		skewed = append(skewed, bytes.Repeat([]byte{byte(i * 11)}, a)...)
	}
	r.Shuffle(len(skewed), func(i, j int) { skewed[i], skewed[j] = skewed[j], skewed[i] })
	var far []byte // words of the noise at all distances
	for range 20_000 {
		at := r.IntN(32_000)
		far = append(far, noise[at:at+3+r.IntN(12)]...)
	}
	return map[string][]byte{
		"nothing": nil, "one byte": {7}, "zeros": make([]byte, 300_000), "noise": noise, "skewed": skewed, "far": far,
		"dispatches": bytes.Join(dispatches(300, 5), nil), "period 3": bytes.Repeat([]byte("abc"), 10_000),
	}
}

func TestInflateReadsWhatTheStandardLibraryWrites(t *testing.T) {
	for name, want := range contents() {
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, flate.BestSpeed, flate.BestCompression} {
			got, err := inflateRaw(deflateRaw(t, level, want), len(want))
			require.NoError(t, err, "%s, level %d", name, level)
			require.Equal(t, string(want), string(got), "%s, level %d", name, level)
		}
	}
}

func TestInflateRefusesEveryBeginning(t *testing.T) {
	for name, want := range map[string][]byte{"dynamic": dispatches(3, 1)[0], "fixed": []byte("hello hello"), "stored": {1, 2, 250}} {
		src := deflateRaw(t, flate.BestCompression, want)
		for n := range src {
			_, err := inflateRaw(src[:n], 1<<20)
			require.ErrorIs(t, err, ErrCorrupt, "%s cut to %d bytes", name, n)
		}
	}
}

// bitString packs bits, written as they follow each other in a stream, into bytes; spaces are for the reader.
func bitString(s string) []byte {
	var b []byte
	n := 0
	for _, c := range s {
		if c == ' ' {
			continue
		}
		if n%8 == 0 {
			b = append(b, 0)
		}
		b[n/8] |= byte(c-'0') << (n % 8)
		n++
	}
	return append(b, make([]byte, 8)...)
}

// dynamic begins a final block with 257 literals, one distance and a code of the code lengths that has the given symbols;
// then come the code lengths, 256 zeros of them where skip is true: symbol 18 has the code 0.
func dynamic(pre map[int]string, skip bool, lens string) []byte {
	s := "1 01 00000 00000 1111 "
	for _, sym := range preOrder {
		l, ok := pre[int(sym)]
		if !ok {
			l = "000"
		}
		s += l + " "
	}
	if skip {
		s += "0 1111111 0 1101011 "
	}
	return bitString(s + lens)
}

func TestInflateRefusesWhatRFC1951Excludes(t *testing.T) {
	one, two := "100", "010" // lengths of codes, low bit first
	for name, src := range map[string][]byte{
		"reserved block type":             {0x07},
		"length of a stored block":        {0x01, 1, 0, 0, 0, 9},
		"distance before the first byte":  {0x03, 0x02, 0x00},
		"too many symbols":                {0xfd, 0x00, 0x00},
		"no code for the lengths":         {0x05, 0, 0, 0, 0, 0, 0, 0, 0},
		"code of the lengths overflows":   {0x05, 0xe0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"repeats no length":               dynamic(map[int]string{0: one, 16: one}, false, "1 00"),
		"too many lengths":                dynamic(map[int]string{0: one, 18: one}, false, "1 1111111 1 1111111"),
		"no end of block":                 dynamic(map[int]string{0: two, 2: two, 18: one}, true, "10 11"),
		"one literal of two bits":         dynamic(map[int]string{0: two, 2: two, 18: one}, true, "11 10"),
		"one distance of two bits":        dynamic(map[int]string{1: two, 2: two, 18: one}, true, "10 11"),
		"a code length without a code":    dynamic(map[int]string{0: one}, false, "0 0 1"),
		"a symbol without a code":         dynamic(map[int]string{0: two, 1: two, 18: one}, true, "11 10 1"),
		"distance 30, which is no use":    bitString("1 10 00110000 0000001 11110"),
		"fixed code 286, which is no use": {0x1b, 0x03, 0, 0, 0, 0},
	} {
		_, err := inflateRaw(src, 1<<20)
		require.ErrorIs(t, err, ErrCorrupt, name)
		_, err = io.ReadAll(flate.NewReader(bytes.NewReader(src)))
		require.Error(t, err, "the standard library agrees: %s", name)
	}
}

func TestInflateRefusesLongCodesCutShort(t *testing.T) {
	src := deflateRaw(t, flate.HuffmanOnly, contents()["skewed"])
	for n := len(src) - 200; n < len(src); n++ {
		_, err := inflateRaw(src[:n], 1<<20)
		require.ErrorIs(t, err, ErrCorrupt, "cut to %d bytes", n)
	}
}

func TestInflateStopsAtTheLimit(t *testing.T) {
	for name, want := range contents() {
		src := deflateRaw(t, flate.DefaultCompression, want)
		if len(want) == 0 {
			continue
		}
		out, err := inflateRaw(src, len(want)-1)
		require.ErrorIs(t, err, ErrTooLarge, name)
		require.LessOrEqual(t, cap(out), len(want)+8192, "%s: the capacity stays near the limit", name)
	}
}

// TestTables compares the tables with the definition of a canonical code, for random complete codes.
func TestTables(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for range 200 {
		lens := randomCode(r, 2+r.IntN(287), maxCodeLen)
		checkTable(t, make([]uint32, litSize), litBits, lens)
		lens = randomCode(r, 2+r.IntN(31), maxCodeLen)
		checkTable(t, make([]uint32, distSize), distBits, lens)
		lens = randomCode(r, 2+r.IntN(18), preBits)
		checkTable(t, make([]uint32, 1<<preBits), preBits, lens)
	}
}

func TestTablesRefuseIncompleteAndOversubscribedCodes(t *testing.T) {
	table, values := make([]uint32, litSize), litValues[:]
	require.True(t, build(table, litBits, []uint8{0, 0, 0}, values), "no symbol at all")
	require.True(t, build(table, litBits, []uint8{0, 1, 0}, values), "one symbol of one bit")
	require.False(t, build(table, litBits, []uint8{0, 2, 0}, values), "one symbol of two bits")
	require.False(t, build(table, litBits, []uint8{1, 2, 0}, values), "incomplete")
	require.False(t, build(table, litBits, []uint8{1, 1, 1}, values), "oversubscribed")
	require.False(t, build(table, litBits, []uint8{1, 1, 15}, values), "oversubscribed by one long code")
}

// randomCode splits the space of codes at random until n symbols have one.
func randomCode(r *rand.Rand, n, longest int) []uint8 {
	leaves := []uint8{1, 1}
	for len(leaves) < n {
		i := r.IntN(len(leaves))
		if r.IntN(4) > 0 {
			i = len(leaves) - 1 // deep rather than wide
		}
		if int(leaves[i]) == longest {
			if i = r.IntN(len(leaves)); int(leaves[i]) == longest {
				continue
			}
		}
		leaves[i]++
		leaves = append(leaves, leaves[i])
	}
	r.Shuffle(n, func(i, j int) { leaves[i], leaves[j] = leaves[j], leaves[i] })
	return leaves
}

// checkTable looks up every code, with all its bits and as many others as there is room for.
func checkTable(t *testing.T, table []uint32, tableBits int, lens []uint8) {
	values := make([]uint32, 288)
	for i := range values {
		values[i] = uint32(i) << 16
	}
	require.True(t, build(table, tableBits, lens, values), "lengths %v", lens)
	code := 0
	for l := 1; l <= maxCodeLen; l++ {
		for sym, n := range lens {
			if int(n) != l {
				continue
			}
			reversed := 0
			for i := range l {
				reversed |= code >> (l - 1 - i) & 1 << i
			}
			for _, above := range []int{0, 0x7fff &^ (1<<l - 1), 0x5555 &^ (1<<l - 1)} {
				got, used := lookUp(table, tableBits, reversed|above)
				require.Equal(t, sym, got, "lengths %v", lens)
				require.Equal(t, l, used, "lengths %v", lens)
			}
			code++
		}
		code <<= 1
	}
}

func lookUp(table []uint32, tableBits, hold int) (sym, used int) {
	e := table[hold&(1<<tableBits-1)]
	if e&entryLink != 0 {
		used = tableBits
		e = table[int(e>>16&0x7fff)+hold>>tableBits&(1<<(e>>8&15)-1)]
	}
	return int(e >> 16), used + int(e&0xff)
}
