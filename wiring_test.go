package gateway_test

import (
	"bytes"
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

// TestEveryWire sends the same messages in every encoding and compression:
// the caller sees the same JSON.
func TestEveryWire(t *testing.T) {
	plain := func() compressor { return nil }
	for name, wire := range map[string]struct {
		options    []gateway.Option
		compressor func() compressor
		query      string
	}{
		"json":      {nil, plain, "encoding=json&v=10"},
		"json zlib": {[]gateway.Option{gateway.WithTransportCompression(compress.NewZlibStream)}, func() compressor { return compress.NewZlibStreamWriter() }, "compress=zlib-stream&encoding=json&v=10"},
		"json zstd": {[]gateway.Option{gateway.WithTransportCompression(compress.NewZstdStream)}, func() compressor { return compress.NewZstdStreamWriter() }, "compress=zstd-stream&encoding=json&v=10"},
		"payload":   {[]gateway.Option{gateway.WithPayloadCompression(compress.NewPayload)}, func() compressor { return compress.NewPayloadWriter() }, "encoding=json&v=10"},
		"etf":       {[]gateway.Option{gateway.WithEncoding(etf.Codec{})}, plain, "encoding=etf&v=10"},
		"etf zlib":  {[]gateway.Option{gateway.WithEncoding(etf.Codec{}), gateway.WithTransportCompression(compress.NewZlibStream)}, func() compressor { return compress.NewZlibStreamWriter() }, "compress=zlib-stream&encoding=etf&v=10"},
		"etf zstd":  {[]gateway.Option{gateway.WithEncoding(etf.Codec{}), gateway.WithTransportCompression(compress.NewZstdStream)}, func() compressor { return compress.NewZstdStreamWriter() }, "compress=zstd-stream&encoding=etf&v=10"},
	} {
		t.Run(name, func(t *testing.T) {
			state, err := gateway.NewGatewayState("token", wire.options...)
			require.NoError(t, err)
			require.Equal(t, "wss://gateway.discord.gg/?"+wire.query, state.DialURL())
			c := wire.compressor()
			encode := func(msg string) []byte {
				b := []byte(msg)
				if strings.HasPrefix(name, "etf") {
					b, err = etf.Codec{AtomKeys: true, IntegerIDs: true}.AppendWire(nil, b)
					require.NoError(t, err)
				}
				if c != nil {
					b, err = c.Compress(nil, b)
					require.NoError(t, err)
				}
				return b
			}
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
