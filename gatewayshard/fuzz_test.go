package gatewayshard

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/compress"
	"github.com/discordpkg/gateway/etf"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/internal/frame"
)

// A format is an encoding and a compression, and the server's end of both.
type format struct {
	options []gateway.Option
	pack    func() func(plain []byte) []byte // nil: as it is
}

func packer[W interface {
	Compress(dst, src []byte) ([]byte, error)
}](make func() W) func() func([]byte) []byte {
	return func() func([]byte) []byte {
		w := make()
		return func(plain []byte) []byte {
			out, _ := w.Compress(nil, plain)
			return out
		}
	}
}

// formats are all that go together.
func formats() []format {
	terms := gateway.WithEncoding(etf.Codec{})
	zlib, zstd := gateway.WithTransportCompression(compress.NewZlibStream), gateway.WithTransportCompression(compress.NewZstdStream)
	return []format{
		{nil, nil},
		{[]gateway.Option{zlib}, packer(compress.NewZlibStreamWriter)},
		{[]gateway.Option{zstd}, packer(compress.NewZstdStreamWriter)},
		{[]gateway.Option{gateway.WithPayloadCompression(compress.NewPayload)}, packer(compress.NewPayloadWriter)},
		{[]gateway.Option{terms}, nil},
		{[]gateway.Option{terms, zlib}, packer(compress.NewZlibStreamWriter)},
		{[]gateway.Option{terms, zstd}, packer(compress.NewZstdStreamWriter)},
	}
}

// scripted is what a server writes: messages that a zero byte ends, each in a
// frame of its own, or the bytes as they are.
func scripted(w format, script []byte, packed, raw bool) []byte {
	if raw {
		return script
	}
	pack := func(plain []byte) []byte { return plain }
	if packed && w.pack != nil {
		pack = w.pack()
	}
	var out []byte
	for _, msg := range bytes.Split(script, []byte{'\n'}) {
		out = frame.AppendServer(out, ws.OpBinary, pack(msg))
	}
	return out
}

// FuzzShard lets a server write what it likes to a whole shard, in every
// encoding and compression. The loop ends, and handlers see JSON in UTF-8.
func FuzzShard(f *testing.F) {
	dispatches := []string{
		`{"op":10,"d":{"heartbeat_interval":41250}}`,
		`{"op":0,"s":1,"t":"READY","d":{"session_id":"abc","resume_gateway_url":"wss://resume.test"}}`,
		`{"op":0,"s":2,"t":"GUILD_MEMBERS_CHUNK","d":{"guild_id":"1","members":[{}],"chunk_index":0,"chunk_count":2,"nonce":"n"}}`,
		`{"op":0,"s":3,"t":"RATE_LIMITED","d":{"opcode":8,"retry_after":1e300,"meta":{"nonce":"n"}}}`,
		`{"op":1,"d":null}`, `{"op":11}`, `{"op":9,"d":false}`, `{"op":7}`,
	}
	var text, terms bytes.Buffer
	for _, msg := range dispatches {
		term, err := etf.Codec{AtomKeys: true}.AppendWire(nil, []byte(msg))
		require.NoError(f, err)
		text.WriteString(msg + "\n")
		terms.Write(append(term, '\n'))
	}
	for i := range uint8(7) {
		script := text.Bytes()
		if i >= 4 {
			script = terms.Bytes()
		}
		f.Add(script, i, true, false)
		f.Add(script, i, false, false)
	}
	f.Add(frame.AppendServer(nil, ws.OpText, []byte("{\"op\":0,\"d\":\"\xff\"}")), uint8(0), false, true)
	f.Add([]byte("\x88\x01\x03"), uint8(0), false, true)
	all := formats()
	f.Fuzz(func(t *testing.T, script []byte, kind uint8, packed, raw bool) {
		w := all[int(kind)%len(all)]
		over := make(chan struct{})
		n := func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go func() {
				defer close(over)
				write(server, scripted(w, script, packed, raw))
			}()
			return client, nil
		}
		handler := func(_ gateway.ShardID, _ event.Type, data gateway.RawMessage) {
			if data != nil && !(json.Valid(data) && utf8.Valid(data)) {
				t.Errorf("handler saw %q", data)
			}
		}
		options := append([]gateway.Option{gateway.WithURL(testURL), gateway.WithMessageLimit(1 << 20)}, w.options...)
		s, err := Config{NetDial: n, Proxy: noProxy, ReadLimit: 1 << 20}.NewShard(0, "token", handler, options...)
		require.NoError(t, err)
		_, err = s.Dial(t.Context(), "")
		require.NoError(t, err)
		require.Error(t, s.EventLoop(t.Context()))
		<-over
		require.NoError(t, s.Close(t.Context(), KeepSession))
	})
}

// write answers the handshake, writes, and takes what the shard writes until it
// hangs up.
func write(server net.Conn, b []byte) {
	defer server.Close()
	var answer bytes.Buffer
	if _, err := ws.Upgrade(readWriter{server, &answer}); err != nil {
		return
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(io.Discard, server)
	}()
	_, _ = server.Write(append(answer.Bytes(), b...))
	_ = server.Close()
	<-read
}

// FuzzMembersChunk answers a request for members with anything: the iterator
// ends with the connection, and what it yields has the nonce of the request.
func FuzzMembersChunk(f *testing.F) {
	f.Add([]byte(`{"guild_id":"1","members":[{},{}],"chunk_index":0,"chunk_count":1,"nonce":"n"}`), true)
	f.Add([]byte(`{"guild_id":"1","chunk_index":5,"chunk_count":-1,"not_found":["7"],"nonce":"n"}`), true)
	f.Add([]byte(`{"chunk_count":1e9,"nonce":"n"}`), true)
	f.Add([]byte(`{"nonce":"n","guild_id":1}`), true)
	f.Add([]byte(`{"opcode":8,"retry_after":-1,"meta":{"guild_id":"1","nonce":"n"}}`), false)
	f.Fuzz(func(t *testing.T, data []byte, chunk bool) {
		c := &connection{shard: new(Shard), quit: make(chan struct{}), ended: make(chan struct{})}
		c.shard.conn = c
		col, err := c.shard.addCollector("n")
		require.NoError(t, err)
		done := make(chan struct{})
		go func() {
			defer close(done)
			if chunk {
				c.collectChunk(data)
			} else {
				c.collectLimit(data)
			}
			c.shard.mu.Lock()
			c.end(net.ErrClosed)
			c.shard.mu.Unlock()
		}()
		for range 2 {
			got, err := c.shard.nextChunk(t.Context(), col)
			if err == nil {
				require.Equal(t, "n", got.Nonce)
				continue
			}
			var limited *MembersLimitError
			if !chunk {
				break
			}
			require.NotErrorAs(t, err, &limited)
		}
		<-done
		c.shard.removeCollector("n", col)
		require.Empty(t, c.shard.collectors)
	})
}
