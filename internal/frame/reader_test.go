package frame

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"
)

func serverFrame(fin bool, op ws.OpCode, payload string) []byte {
	var b bytes.Buffer
	_ = ws.WriteFrame(&b, ws.NewFrame(op, fin, []byte(payload)))
	return b.Bytes()
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

type read struct {
	op      ws.OpCode
	payload string
}

// all reads to the end.
func all(r *Reader) (got []read, err error) {
	for {
		op, payload, err := r.Next()
		if err != nil {
			return got, err
		}
		got = append(got, read{op, string(payload)})
	}
}

func clientReader(b []byte, limit int) *Reader {
	return NewReader(bytes.NewReader(b), ws.StateClientSide, limit, nil)
}

func TestMessages(t *testing.T) {
	large := strings.Repeat("x", 100_000)
	stream := join(
		serverFrame(true, ws.OpText, "one"),
		serverFrame(true, ws.OpBinary, ""),
		serverFrame(false, ws.OpText, "fr"),
		serverFrame(true, ws.OpPing, "between"),
		serverFrame(false, ws.OpContinuation, ""),
		serverFrame(true, ws.OpContinuation, "agments"),
		serverFrame(true, ws.OpText, large),
		serverFrame(false, ws.OpBinary, large),
		serverFrame(true, ws.OpContinuation, large),
		serverFrame(true, ws.OpClose, "\x03\xe8bye"),
	)
	want := []read{
		{ws.OpText, "one"}, {ws.OpBinary, ""}, {ws.OpPing, "between"}, {ws.OpText, "fragments"},
		{ws.OpText, large}, {ws.OpBinary, large + large}, {ws.OpClose, "\x03\xe8bye"},
	}
	for name, src := range map[string]io.Reader{
		"at once":        bytes.NewReader(stream),
		"byte by byte":   iotest.OneByteReader(bytes.NewReader(stream)),
		"halves":         iotest.HalfReader(bytes.NewReader(stream)),
		"end with bytes": iotest.DataErrReader(bytes.NewReader(stream)),
	} {
		got, err := all(NewReader(src, ws.StateClientSide, 1<<20, nil))
		require.Equal(t, io.EOF, err, name)
		require.Equal(t, want, got, name)
	}
	for _, cut := range []int{1, 4, 5, 5000} {
		got, err := all(NewReader(bytes.NewReader(stream[cut:]), ws.StateClientSide, 1<<20, stream[:cut]))
		require.Equal(t, io.EOF, err)
		require.Equal(t, want, got, "%d early bytes", cut)
	}
}

func TestServerSideUnmasks(t *testing.T) {
	for _, size := range []int{0, 1, 125, 126, 1<<16 - 1, 1 << 16} {
		payload := bytes.Repeat([]byte{7}, size)
		r := NewReader(bytes.NewReader(AppendClient(nil, ws.OpText, payload)), ws.StateServerSide, 1<<20, nil)
		op, got, err := r.Next()
		require.NoError(t, err)
		require.Equal(t, ws.OpText, op)
		require.True(t, bytes.Equal(payload, got), "%d bytes", size)

		op, got, err = clientReader(AppendServer(nil, ws.OpBinary, payload), 1<<20).Next()
		require.NoError(t, err)
		require.Equal(t, ws.OpBinary, op)
		require.True(t, bytes.Equal(payload, got), "%d bytes", size)
	}
}

func TestMasksDiffer(t *testing.T) {
	payload := []byte("the same payload")
	require.NotEqual(t, AppendClient(nil, ws.OpText, payload), AppendClient(nil, ws.OpText, payload))
}

func TestViolations(t *testing.T) {
	rsv := serverFrame(true, ws.OpText, "x")
	rsv[0] |= 0x40
	for name, stream := range map[string][]byte{
		"reserved bit":          rsv,
		"reserved opcode":       {0x83, 0},
		"masked":                AppendClient(nil, ws.OpText, []byte("x")),
		"continuation of none":  serverFrame(true, ws.OpContinuation, "x"),
		"message inside other":  join(serverFrame(false, ws.OpText, "x"), serverFrame(true, ws.OpText, "y")),
		"fragmented control":    serverFrame(false, ws.OpPing, "x"),
		"control of 126 bytes":  serverFrame(true, ws.OpPing, strings.Repeat("x", 126)),
		"control of 2^62 bytes": {0x89, 127, 0x40, 0, 0, 0, 0, 0, 0, 0},
		"negative length":       {0x82, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	} {
		_, err := all(clientReader(stream, 1000))
		var broken *ProtocolError
		require.ErrorAs(t, err, &broken, name)
		require.NotEmpty(t, broken.Error())
		require.Error(t, errors.Unwrap(broken))
	}
}

func TestLimit(t *testing.T) {
	exact := join(serverFrame(false, ws.OpText, strings.Repeat("x", 60)), serverFrame(true, ws.OpPing, strings.Repeat("p", 125)),
		serverFrame(true, ws.OpContinuation, strings.Repeat("y", 40)), serverFrame(true, ws.OpText, strings.Repeat("z", 100)))
	got, err := all(clientReader(exact, 100))
	require.Equal(t, io.EOF, err)
	require.Len(t, got, 3, "a message of the limit is allowed, and control frames do not count")

	for name, stream := range map[string][]byte{
		"one frame":   serverFrame(true, ws.OpText, strings.Repeat("x", 101)),
		"fragments":   join(serverFrame(false, ws.OpText, strings.Repeat("x", 60)), serverFrame(true, ws.OpContinuation, strings.Repeat("x", 41))),
		"announced":   {0x82, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"announced 2": {0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0},
	} {
		_, err := all(clientReader(stream, 100))
		require.ErrorIs(t, err, ErrTooLarge, name)
	}
}

func TestEnds(t *testing.T) {
	stream := join(serverFrame(true, ws.OpText, strings.Repeat("x", 300)), serverFrame(true, ws.OpText, "y"))
	for cut := range stream {
		_, err := all(clientReader(stream[:cut], 1000))
		if cut == 0 || cut == 304 {
			require.Equal(t, io.EOF, err, "%d bytes", cut)
		} else {
			require.Equal(t, io.ErrUnexpectedEOF, err, "%d bytes", cut)
		}
	}
}

func TestSourceErrors(t *testing.T) {
	wrong := errors.New("wrong")
	src := io.MultiReader(bytes.NewReader(serverFrame(true, ws.OpText, "x")), iotest.ErrReader(wrong))
	got, err := all(NewReader(src, ws.StateClientSide, 100, nil))
	require.Len(t, got, 1)
	require.Equal(t, wrong, err)

	_, err = all(NewReader(idle{}, ws.StateClientSide, 100, nil))
	require.Equal(t, io.ErrNoProgress, err)
	_, err = all(NewReader(liar{}, ws.StateClientSide, 100, nil))
	require.ErrorContains(t, err, "invalid count")

	r := clientReader(serverFrame(true, ws.OpText, "x"), 100)
	r.Close()
	r.Close()
	_, _, err = r.Next()
	require.Error(t, err)
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

type liar struct{}

func (liar) Read(p []byte) (int, error) { return len(p) + 1, nil }

// A peer announces much and sends little.
func TestMemoryFollowsWhatArrives(t *testing.T) {
	header := []byte{0x82, 127, 0, 0, 0, 0, 0x3f, 0, 0, 0} // 1 GiB
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := all(NewReader(io.MultiReader(bytes.NewReader(header), bytes.NewReader(make([]byte, 10_000))), ws.StateClientSide, 1<<31-1, nil))
	runtime.ReadMemStats(&after)
	require.Equal(t, io.ErrUnexpectedEOF, err)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(200_000))
}

// All buffers that a message takes, freed or not, are at most twice the limit.
func TestMemoryOfMessages(t *testing.T) {
	const limit = 8 << 20
	whole := strings.Repeat("x", limit)
	many := func(size int) []byte {
		var b bytes.Buffer
		b.Write(serverFrame(false, ws.OpText, ""))
		for left := limit; left > 0; left -= size {
			b.Write(serverFrame(false, ws.OpContinuation, whole[:min(size, left)]))
			b.Write(serverFrame(false, ws.OpContinuation, ""))
		}
		b.Write(serverFrame(true, ws.OpContinuation, ""))
		return b.Bytes()
	}
	for name, stream := range map[string][]byte{
		"one frame":           serverFrame(true, ws.OpText, whole),
		"a little, much":      join(serverFrame(false, ws.OpText, "x"), serverFrame(true, ws.OpContinuation, whole[1:])),
		"much, a little":      join(serverFrame(false, ws.OpText, whole[1:]), serverFrame(true, ws.OpContinuation, "x")),
		"halves":              join(serverFrame(false, ws.OpText, whole[:limit/2]), serverFrame(true, ws.OpContinuation, whole[limit/2:])),
		"fragments of 1 MiB":  many(1 << 20),
		"fragments of 100 B":  many(100),
		"fragments of 3000 B": many(3000),
	} {
		var got []byte
		var err error
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r := clientReader(stream, limit)
		_, got, err = r.Next()
		runtime.ReadMemStats(&after)
		require.NoError(t, err, name)
		require.True(t, string(got) == whole, name)
		require.LessOrEqual(t, after.TotalAlloc-before.TotalAlloc, uint64(2*limit), name)
		r.Close()
	}
}

// A million empty fragments neither grow the buffer nor move what is held.
func TestEmptyFragments(t *testing.T) {
	const limit = 8 << 20
	empty := serverFrame(false, ws.OpContinuation, "")
	r := NewReader(io.MultiReader(
		bytes.NewReader(serverFrame(false, ws.OpText, strings.Repeat("x", limit))),
		bytes.NewReader(bytes.Repeat(empty, 1e6)),
		bytes.NewReader(serverFrame(true, ws.OpContinuation, "")),
	), ws.StateClientSide, limit, nil)
	_, got, err := r.Next()
	require.NoError(t, err)
	require.Len(t, got, limit)
	require.LessOrEqual(t, len(r.block.b), limit+spare)
}

func TestBufferShrinks(t *testing.T) {
	small := serverFrame(true, ws.OpText, "x")
	src := &batches{{}, serverFrame(true, ws.OpText, strings.Repeat("x", 3<<20)), small, small, small}
	r := NewReader(src, ws.StateClientSide, 1<<30, nil)
	largest := 0
	for {
		if _, _, err := r.Next(); err != nil {
			break
		}
		largest = max(largest, len(r.block.b))
	}
	require.Greater(t, largest, 3<<20)
	require.Less(t, largest, 8<<20)
	require.Equal(t, 1<<minShift, len(r.block.b))
	require.Zero(t, r.Buffered())
}

// Batches are returned one in each Read, as a network does.
type batches [][]byte

func (s *batches) Read(p []byte) (int, error) {
	for len(*s) > 0 && len((*s)[0]) == 0 {
		*s = (*s)[1:]
	}
	if len(*s) == 0 {
		return 0, io.EOF
	}
	n := copy(p, (*s)[0])
	(*s)[0] = (*s)[0][n:]
	return n, nil
}

func TestNoAllocations(t *testing.T) {
	one := join(serverFrame(true, ws.OpText, strings.Repeat("x", 800)), serverFrame(true, ws.OpPing, "p"),
		serverFrame(false, ws.OpText, "frag"), serverFrame(true, ws.OpContinuation, "mented"))
	r := NewReader(&endless{one: one}, ws.StateClientSide, 1<<20, nil)
	require.Zero(t, testing.AllocsPerRun(10_000, func() {
		if _, _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}))
}

type endless struct {
	one []byte
	at  int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.one[e.at:])
	e.at = (e.at + n) % len(e.one)
	return n, nil
}

func TestParseClose(t *testing.T) {
	for payload, want := range map[string]uint16{"": 1005, "\x03": 1005, "\x03\xe8": 1000, "\x03\xf4why": 1012, "\x0f\xa4why": 4004} {
		code, reason := ParseClose([]byte(payload))
		require.Equal(t, want, code)
		if len(payload) > 2 {
			require.Equal(t, "why", reason)
		}
	}
}

// Random frames of both ends come out as they went in.
func TestRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var stream []byte
		var want []read
		for range 20 {
			payload := make([]byte, random.IntN(1<<random.IntN(17)))
			op := []ws.OpCode{ws.OpText, ws.OpBinary}[random.IntN(2)]
			stream = AppendClient(stream, op, payload)
			want = append(want, read{op, string(payload)})
		}
		got, err := all(NewReader(&ragged{bytes.NewReader(stream), random}, ws.StateServerSide, 1<<20, nil))
		require.Equal(t, io.EOF, err)
		require.Equal(t, len(want), len(got))
		for i := range want {
			require.True(t, want[i] == got[i], "message %d", i)
		}
	}
}

// A ragged reader returns pieces of random size.
type ragged struct {
	src    io.Reader
	random *rand.Rand
}

func (r *ragged) Read(p []byte) (int, error) {
	return r.src.Read(p[:min(len(p), 1+r.random.IntN(6000))])
}

// Messages of drawn sizes come in drawn fragments, with pings between them, in
// drawn pieces.
func TestDrawnFragments(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var stream bytes.Buffer
		var want []read
		for range 1 + rnd.IntN(6) {
			payload := make([]byte, rnd.IntN(1<<uint(rnd.IntN(18))))
			for i := range payload {
				payload[i] = byte(rnd.IntN(256))
			}
			op := ws.OpBinary
			for left := payload; ; {
				n := min(len(left), rnd.IntN(1<<uint(rnd.IntN(18))))
				last := n == len(left) && rnd.IntN(3) > 0
				stream.Write(serverFrame(last, op, string(left[:n])))
				left, op = left[n:], ws.OpContinuation
				if rnd.IntN(4) == 0 {
					ping := string(payload[:min(len(payload), rnd.IntN(126))])
					if stream.Write(serverFrame(true, ws.OpPing, ping)); !last {
						want = append(want, read{ws.OpPing, ping})
					} else {
						want = append(want, read{ws.OpBinary, string(payload)}, read{ws.OpPing, ping})
						break
					}
				} else if last {
					want = append(want, read{ws.OpBinary, string(payload)})
				}
				if last {
					break
				}
			}
		}
		src := &pieces{stream.Bytes(), 1 + rnd.IntN(1<<uint(rnd.IntN(17)))}
		got, err := all(NewReader(src, ws.StateClientSide, 1<<18, nil))
		require.Equal(t, io.EOF, err, "seed %d", seed)
		require.Equal(t, len(want), len(got), "seed %d", seed)
		for i := range want {
			require.True(t, want[i] == got[i], "seed %d, message %d", seed, i)
		}
	}
}
