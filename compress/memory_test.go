package compress

import (
	"bytes"
	"compress/zlib"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

const gibibyte = 1 << 30

// zlibBomb is a message of a gibibyte of zeros.
func zlibBomb(tb testing.TB, c compressor) []byte {
	zeros := make([]byte, gibibyte/1024)
	wire := carry(tb, c, [][]byte{zeros, zeros})
	return append(wire[0], bytes.Repeat(wire[1], 1023)...) // after the first, the window is all zeros: each is the same
}

// zstdBomb is the same for zstd: 32 KiB.
func zstdBomb() []byte {
	return append([]byte(zstdStart), bytes.Repeat(zstdRepeat(zstdMaxBlock, 0), gibibyte/zstdMaxBlock)...)
}

// allocated is how much memory f takes from the heap in all, freed or not.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestBombs(t *testing.T) {
	const limit = 1 << 20
	for name, bomb := range map[string]struct {
		d    decompressor
		wire []byte
	}{
		"zlib-stream": {NewZlibStream(), zlibBomb(t, NewZlibStreamWriter())},
		"zstd-stream": {NewZstdStream(), zstdBomb()},
		"payload":     {NewPayload(), zlibOf(t, zlib.BestSpeed, make([]byte, gibibyte/64))},
	} {
		var err error
		took := allocated(func() { _, _, err = bomb.d.Decompress(nil, bomb.wire, limit) })
		require.ErrorIs(t, err, ErrTooLarge, name)
		require.Less(t, took, uint64(4*limit), "%s: the limit, the steps of growing to it, and the decoder", name)
	}
}

// TestDeclaredWindowCostsNothing sends little content in frames that declare the largest window.
func TestDeclaredWindowCostsNothing(t *testing.T) {
	wire := carryZstd(t, dispatches(10, 1))
	require.Equal(t, byte(13<<3), wire[0][5], "8 MiB")
	took := allocated(func() { requireMessages(t, NewZstdStream(), dispatches(10, 1), wire) })
	require.Less(t, took, uint64(2<<20), "the library takes twice the window")
}

// TestMemoryPerConnection guards the table in the package's documentation.
func TestMemoryPerConnection(t *testing.T) {
	messages := dispatches(500, 21)
	for name, most := range map[string]uint64{"zlib-stream": 34 << 10, "zstd-stream": 700 << 10, "": 16} {
		each := heldPerConnection(t, name, 20, messages)
		require.LessOrEqual(t, each, most, "%q after 350 kB", name)
		t.Logf("%q: %d bytes per connection", name, each)
	}
	require.LessOrEqual(t, heldPerConnection(t, "zstd-stream", 20, messages[:8]), uint64(110<<10), "an idle connection")
}

// heldPerConnection is the heap that each of n decompressors holds after the
// messages: the least of three attempts, because whatever else the process does
// meanwhile counts as well.
func heldPerConnection(tb testing.TB, name string, n int, messages [][]byte) uint64 {
	return min(held(tb, name, n, messages), held(tb, name, n, messages), held(tb, name, n, messages))
}

func held(tb testing.TB, name string, n int, messages [][]byte) uint64 {
	wire := carry(tb, ends[name].server(), messages)
	connections := make([]decompressor, n)
	runtime.GC()
	runtime.GC() // the second empties the pools
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range connections {
		connections[i] = ends[name].client()
		requireMessages(tb, connections[i], messages, wire)
	}
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(connections)
	runtime.KeepAlive(wire)
	return (max(after.HeapAlloc, before.HeapAlloc) - before.HeapAlloc) / uint64(n)
}

func TestNoAllocationPerMessage(t *testing.T) {
	messages := dispatches(1010, 22)
	for name, e := range ends {
		client, wire := e.client(), carry(t, e.server(), messages)
		out := make([]byte, 0, 64<<10)
		i := 0
		next := func() {
			var complete bool
			var err error
			if out, complete, err = client.Decompress(out[:0], wire[i], 1<<20); err != nil || !complete {
				t.Fatal(name, i, err)
			}
			i++
		}
		for range 500 { // the windows fill
			next()
		}
		require.Zero(t, testing.AllocsPerRun(500, next), "%q", name)
	}
}
