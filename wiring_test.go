package gateway_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/compress"
	"github.com/discordpkg/gateway/etf"
	"github.com/discordpkg/gateway/event"
)

var (
	_ gateway.Codec        = etf.Codec{}
	_ gateway.Decompressor = (*compress.ZlibStream)(nil)
	_ gateway.Decompressor = (*compress.ZstdStream)(nil)
	_ gateway.Decompressor = (*compress.Payload)(nil)
)

// A compressor is the server's side of a compression.
type compressor interface {
	Compress(dst, src []byte) ([]byte, error)
}

// A wireMode is an encoding with a compression.
type wireMode struct {
	options    []gateway.Option
	compressor func() compressor
	query      string
}

var plain = func() compressor { return nil }

var wireModes = map[string]wireMode{
	"json":      {nil, plain, "encoding=json&v=10"},
	"json zlib": {[]gateway.Option{gateway.WithTransportCompression(compress.NewZlibStream)}, func() compressor { return compress.NewZlibStreamWriter() }, "compress=zlib-stream&encoding=json&v=10"},
	"json zstd": {[]gateway.Option{gateway.WithTransportCompression(compress.NewZstdStream)}, func() compressor { return compress.NewZstdStreamWriter() }, "compress=zstd-stream&encoding=json&v=10"},
	"payload":   {[]gateway.Option{gateway.WithPayloadCompression(compress.NewPayload)}, func() compressor { return compress.NewPayloadWriter() }, "encoding=json&v=10"},
	"etf":       {[]gateway.Option{gateway.WithEncoding(etf.Codec{})}, plain, "encoding=etf&v=10"},
	"etf zlib":  {[]gateway.Option{gateway.WithEncoding(etf.Codec{}), gateway.WithTransportCompression(compress.NewZlibStream)}, func() compressor { return compress.NewZlibStreamWriter() }, "compress=zlib-stream&encoding=etf&v=10"},
	"etf zstd":  {[]gateway.Option{gateway.WithEncoding(etf.Codec{}), gateway.WithTransportCompression(compress.NewZstdStream)}, func() compressor { return compress.NewZstdStreamWriter() }, "compress=zstd-stream&encoding=etf&v=10"},
}

// encoder returns what a server does to the messages of one connection.
func (w wireMode) encoder(t *testing.T) func(msg string) []byte {
	c := w.compressor()
	return func(msg string) []byte {
		b, err := []byte(msg), error(nil)
		if strings.Contains(w.query, "etf") {
			b, err = etf.Codec{AtomKeys: true, IntegerIDs: true}.AppendWire(nil, b)
			require.NoError(t, err)
		}
		if c != nil {
			b, err = c.Compress(nil, b)
			require.NoError(t, err)
		}
		return b
	}
}

// TestEveryWire sends the same messages in every encoding and compression:
// the caller sees the same JSON.
func TestEveryWire(t *testing.T) {
	for name, wire := range wireModes {
		t.Run(name, func(t *testing.T) {
			state, err := gateway.NewGatewayState("token", wire.options...)
			require.NoError(t, err)
			require.Equal(t, "wss://gateway.discord.gg/?"+wire.query, state.DialURL())
			encode := wire.encoder(t)
			var out bytes.Buffer
			receive := func(msg string) *gateway.GatewayPayload {
				p, redundant, err := state.ProcessNextMessage(bytes.NewReader(encode(msg)), &out, io.Discard)
				require.NoError(t, err)
				require.False(t, redundant)
				return p
			}
			receive(`{"op":10,"d":{"heartbeat_interval":40000}}`)
			receive(`{"t":"READY","s":1,"op":0,"d":{"session_id":"abc","guilds":[]}}`)
			p := receive(`{"t":"MESSAGE_CREATE","s":2,"op":0,"d":{"id":"197038439483310086","content":"` + strings.Repeat("hé\\n", 300) + `"}}`)
			require.Equal(t, event.MessageCreate, p.EventName)
			require.JSONEq(t, `{"id":"197038439483310086","content":"`+strings.Repeat("hé\\n", 300)+`"}`, string(p.Data))
		})
	}
}

// TestEveryWireAllocs is the promise that a dispatch costs no allocation.
func TestEveryWireAllocs(t *testing.T) {
	for name, wire := range wireModes {
		t.Run(name, func(t *testing.T) {
			state, err := gateway.NewGatewayState("token", wire.options...)
			require.NoError(t, err)
			encode := wire.encoder(t)
			const warm, runs = 500, 500
			msgs := [][]byte{encode(`{"op":10,"d":{"heartbeat_interval":40000}}`), encode(`{"t":"READY","s":1,"op":0,"d":{"session_id":"abc"}}`)}
			for i := range warm + runs + 1 {
				content := strings.Repeat("hé\\n", 20+i%7*60)
				msgs = append(msgs, encode(fmt.Sprintf(`{"t":"MESSAGE_CREATE","s":%d,"op":0,"d":{"id":"197038439483310086","content":"%s"}}`, i+2, content)))
			}
			r := bytes.NewReader(nil)
			next := func() {
				r.Reset(msgs[0])
				msgs = msgs[1:]
				if _, redundant, err := state.ProcessNextMessage(r, io.Discard, io.Discard); err != nil || redundant {
					t.Fatal(redundant, err)
				}
			}
			for range 2 + warm { // windows and buffers grow
				next()
			}
			require.Zero(t, testing.AllocsPerRun(runs, next))
		})
	}
}
