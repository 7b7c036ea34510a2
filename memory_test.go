package gateway_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/compress"
	"github.com/discordpkg/gateway/etf"
	"github.com/discordpkg/gateway/internal/frame"
)

const memoryLimit = 4 << 20 // of a message, as it comes and as it is handed out

// TestMemoryOfMessages keeps the promise of SECURITY.md: all that one message
// takes, freed or not, is at most 2 times the limit, 3 with compression, and 4
// with ETF and compression. The decoders of zstd come to that.
func TestMemoryOfMessages(t *testing.T) {
	zlib := gateway.WithTransportCompression(compress.NewZlibStream)
	zstd := gateway.WithTransportCompression(compress.NewZstdStream)
	payload := gateway.WithPayloadCompression(compress.NewPayload)
	terms := gateway.WithEncoding(etf.Codec{})
	const decoders = 2 << 20 // for the window that Discord declares
	for name, c := range map[string]struct {
		options []gateway.Option
		pack    func(testing.TB, []byte) []byte
		term    bool
		most    int
	}{
		"json":             {nil, asIs, false, 2 * memoryLimit},
		"json, zlib":       {[]gateway.Option{zlib}, deflated, false, 3 * memoryLimit},
		"json, stored":     {[]gateway.Option{zlib}, stored, false, 3 * memoryLimit},
		"json, zstd":       {[]gateway.Option{zstd}, zstandard, false, 3*memoryLimit + decoders},
		"json, in payload": {[]gateway.Option{payload}, inPayload, false, 3 * memoryLimit},
		"json, plain":      {[]gateway.Option{payload}, asIs, false, 3 * memoryLimit},
		"etf":              {[]gateway.Option{terms}, asIs, true, 3 * memoryLimit},
		"etf, zlib":        {[]gateway.Option{terms, zlib}, deflated, true, 4 * memoryLimit},
		"etf, stored":      {[]gateway.Option{terms, zlib}, stored, true, 4 * memoryLimit},
		"etf, zstd":        {[]gateway.Option{terms, zstd}, zstandard, true, 4*memoryLimit + decoders},
	} {
		for text, size := range map[string]int{"x": memoryLimit - 100, "\"": memoryLimit/2 - 100, "random": memoryLimit - 100, "\x01": memoryLimit/5 + 100, "y": memoryLimit/4 - 1000} {
			s, err := gateway.NewGatewayState("token", append([]gateway.Option{gateway.WithMessageLimit(memoryLimit)}, c.options...)...)
			require.NoError(t, err)
			wire := c.pack(t, dispatch(t, text, size, c.term))
			if len(wire) > memoryLimit {
				continue // the reader's limit ends that, see internal/frame
			}
			stream := frame.AppendServer(nil, ws.OpBinary, wire)
			var p *gateway.GatewayPayload
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r := frame.NewReader(bytes.NewReader(stream), ws.StateClientSide, memoryLimit, nil)
			_, msg, err := r.Next()
			if err == nil {
				p, _, err = s.ProcessMessage(msg, io.Discard, io.Discard)
			}
			runtime.ReadMemStats(&after)
			r.Close()
			if text == "\x01" { // six times as long in JSON
				require.ErrorIs(t, err, gateway.ErrMalformed, name)
			} else {
				require.NoError(t, err, "%s of %q", name, text)
				require.GreaterOrEqual(t, len(p.Data), size)
			}
			took := after.TotalAlloc - before.TotalAlloc
			require.LessOrEqual(t, took, uint64(c.most+256<<10), "%s of %q", name, text)
			t.Logf("%s of %q: %.2f times the limit", name, text, float64(took)/memoryLimit)
		}
	}
}

// dispatch is an event with a text of the size, as JSON or as a term.
func dispatch(t *testing.T, text string, size int, term bool) []byte {
	var b strings.Builder
	if text == "random" {
		rnd := rand.New(rand.NewPCG(1, 2))
		for range size {
			b.WriteByte('0' + byte(rnd.IntN('z'-'0'))&^'\\' | 1)
		}
	}
	content := b.String()
	if content == "" {
		content = strings.Repeat(text, size)
	}
	if term {
		head := "\x83t\x00\x00\x00\x04d\x00\x01tm\x00\x00\x00\x01Ed\x00\x01sa\x01d\x00\x02opa\x00d\x00\x01dm"
		return append(binary.BigEndian.AppendUint32([]byte(head), uint32(len(content))), content...)
	}
	if text == "\"" {
		content = strings.Repeat(`\"`, size)
	}
	return []byte(`{"t":"E","s":1,"op":0,"d":"` + content + `"}`)
}

func asIs(_ testing.TB, plain []byte) []byte { return plain }

func deflated(tb testing.TB, plain []byte) []byte {
	out, err := compress.NewZlibStreamWriter().Compress(nil, plain)
	require.NoError(tb, err)
	return out
}

func inPayload(tb testing.TB, plain []byte) []byte {
	out, err := compress.NewPayloadWriter().Compress(nil, plain)
	require.NoError(tb, err)
	return out
}

func zstandard(tb testing.TB, plain []byte) []byte {
	out, err := compress.NewZstdStreamWriter().Compress(nil, plain)
	require.NoError(tb, err)
	return out
}

// stored is a zlib stream that compresses nothing.
func stored(_ testing.TB, plain []byte) []byte {
	const most = 1<<16 - 1
	out := []byte{0x78, 0x01}
	for len(plain) > 0 {
		n := min(most, len(plain))
		out = append(out, 0, byte(n), byte(n>>8), ^byte(n), ^byte(n>>8))
		out = append(out, plain[:n]...)
		plain = plain[n:]
	}
	return append(out, 0, 0, 0, 0xff, 0xff)
}
