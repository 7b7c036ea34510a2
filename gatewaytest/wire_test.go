package gatewaytest_test

import (
	"testing"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/compress"
	"github.com/discordpkg/gateway/etf"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/intent"
	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"
)

// Whatever is on the wire, handlers see the same JSON.
func TestEveryWire(t *testing.T) {
	encodings := map[string][]gateway.Option{
		"json": nil,
		"etf":  {gateway.WithEncoding(etf.Codec{})},
	}
	compressions := map[string][]gateway.Option{
		"plain":       nil,
		"zlib-stream": {gateway.WithTransportCompression(compress.NewZlibStream)},
		"zstd-stream": {gateway.WithTransportCompression(compress.NewZstdStream)},
		"payload":     {gateway.WithPayloadCompression(compress.NewPayload)},
	}
	seen := make(map[string]string)
	for encoding, e := range encodings {
		for compression, c := range compressions {
			if encoding == "etf" && compression == "payload" {
				continue // payload compression is for JSON
			}
			t.Run(encoding+" "+compression, func(t *testing.T) {
				srv := gatewaytest.NewServer(gatewaytest.WithGuilds(1, 1500))
				defer srv.Close()
				options := append(append([]gateway.Option{gateway.WithIntents(intent.All)}, e...), c...)
				client := connect(t, srv, options...)
				guild := client.until(event.GuildCreate)
				if before, ok := seen["guild"]; ok {
					require.JSONEq(t, before, string(guild.Data))
				}
				seen["guild"] = string(guild.Data)

				kind := ws.OpText
				if encoding == "etf" {
					kind = ws.OpBinary
				}
				id := srv.Guilds()[0].ID.String()
				err := client.state.Write(frameWriter{client, kind}, command.RequestGuildMembers, []byte(`{"guild_id":"`+id+`","query":"","limit":0,"nonce":"n"}`))
				require.NoError(t, err)
				chunks, members := 0, 0
				for chunks < 2 {
					chunk, err := gateway.Decode[struct {
						Members []any  `json:"members"`
						Count   int    `json:"chunk_count"`
						Index   int    `json:"chunk_index"`
						Nonce   string `json:"nonce"`
					}](client.until(event.GuildMembersChunk).Data)
					require.NoError(t, err)
					require.Equal(t, 2, chunk.Count)
					require.Equal(t, chunks, chunk.Index)
					require.Equal(t, "n", chunk.Nonce)
					members += len(chunk.Members)
					chunks++
				}
				require.Equal(t, 1500, members)
				require.Empty(t, srv.Violations())
			})
		}
	}
}
