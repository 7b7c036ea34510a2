package gateway

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValidateDialURL(t *testing.T) {
	for in, want := range map[string]string{
		"wss://gateway.discord.gg/?v=10&encoding=json":                      "wss://gateway.discord.gg/?encoding=json&v=10",
		"wss://gateway.discord.gg?v=9&encoding=json":                        "wss://gateway.discord.gg/?encoding=json&v=9",
		"ws://127.0.0.1:80/ws?encoding=etf&v=10":                            "ws://127.0.0.1:80/ws?encoding=etf&v=10",
		"wss://gateway.discord.gg/?v=10&encoding=json&compress=zlib-stream": "wss://gateway.discord.gg/?compress=zlib-stream&encoding=json&v=10",
	} {
		got, err := ValidateDialURL(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got)
	}
	for in, want := range map[string]error{
		"":                                          ErrIncompleteDialURL,
		"gateway.discord.gg/?v=10":                  ErrIncompleteDialURL,
		"wss://gateway.discord.gg":                  ErrIncompleteDialURL,
		"wss://gateway.discord.gg/?v=10":            ErrIncompleteDialURL,
		"wss:///?v=10&encoding=json":                ErrIncompleteDialURL,
		"https://x/?v=10&encoding=json":             ErrURLScheme,
		"wss://x/?v=8&encoding=json":                ErrUnsupportedAPIVersion,
		"wss://x/?v=10&encoding=xml":                ErrUnsupportedAPICodec,
		"wss://x/?v=10&encoding=json&compress=gzip": ErrUnsupportedCompression,
	} {
		_, err := ValidateDialURL(in)
		require.ErrorIs(t, err, want, in)
	}
	_, err := ValidateDialURL("wss://x\x7f/")
	require.ErrorContains(t, err, "gateway: dial url")
}

func TestURLErrorsSayWhatIsMissing(t *testing.T) {
	for in, want := range map[string]string{
		"wss://host/?v=10":           `gateway: incomplete url: "wss://host/?v=10" has no encoding (add encoding=json)`,
		"wss://host?encoding=json":   `gateway: incomplete url: "wss://host?encoding=json" has no version (add v=10)`,
		"wss://host":                 `gateway: incomplete url: "wss://host" has no version (add v=10), no encoding (add encoding=json)`,
		"wss:///?v=10&encoding=json": `gateway: incomplete url: "wss:///?encoding=json&v=10" has no host`,
		"":                           `gateway: incomplete url: "" has no scheme (start it with wss://), no host, no version (add v=10), no encoding (add encoding=json)`,
		"wss://bot:s3cret@host/?v=10&token=s3cret#s3cret": `gateway: incomplete url: "wss://host/?v=10" has no encoding (add encoding=json)`,
		"wss://x/?v=8&encoding=json":                      `gateway: unsupported api version: "wss://x/?encoding=json&v=8" has v=8, want one of [9 10]`,
		"http://x/?v=10&encoding=json&token=s3cret":       `gateway: url scheme is neither ws nor wss: "http://x/?encoding=json&v=10"`,
		"wss://bot:s3cret@host:s3cret":                    "gateway: dial url cannot be parsed",
	} {
		_, err := ValidateDialURL(in)
		require.EqualError(t, err, want, in)
	}
}

func TestDeriveShardID(t *testing.T) {
	require.Equal(t, ShardID(0), DeriveShardID(197038439483310086, 1))
	require.Equal(t, ShardID((197038439483310086>>22)%16), DeriveShardID(197038439483310086, 16))
	require.Equal(t, ShardID(0), DeriveShardID(1<<22, 0), "no shards at all")
}

func TestDialURL(t *testing.T) {
	p := newPeer(t)
	require.Equal(t, "wss://gateway.discord.gg/?encoding=json&v=10", p.DialURL())
	p.mustReceive(hello, ready)
	require.Equal(t, "wss://gateway-1.discord.gg/?encoding=json&v=10", p.DialURL(), "the resume url has the same parameters")
	require.Equal(t, "wss://gateway.discord.gg/?encoding=json&v=10", p.URL())

	p = newPeer(t, WithURL("ws://localhost:1/gw?v=9&encoding=json&shard=1"), WithEncoding(upper{}), WithTransportCompression(newRot),
		WithSession(Session{ID: "abc", ResumeURL: "ws://localhost:2"}))
	require.Equal(t, "ws://localhost:2/?compress=rot-stream&encoding=upper&v=9", p.DialURL())
	require.Equal(t, "ws://localhost:1/gw?compress=rot-stream&encoding=upper&shard=1&v=9", p.URL())
}
