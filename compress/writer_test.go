package compress

import (
	"bytes"
	"compress/zlib"
	"io"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

// ends are the two ends of each compression.
var ends = map[string]struct {
	server func() compressor
	client func() decompressor
}{
	"zlib-stream": {func() compressor { return NewZlibStreamWriter() }, func() decompressor { return NewZlibStream() }},
	"zstd-stream": {func() compressor { return NewZstdStreamWriter() }, func() decompressor { return NewZstdStream() }},
	"":            {func() compressor { return payloadWriter{NewPayloadWriter()} }, func() decompressor { return NewPayload() }},
}

// A payloadWriter can be closed like the others.
type payloadWriter struct{ *PayloadWriter }

func (payloadWriter) Close() error { return nil }

func TestWritersAndReadersAgree(t *testing.T) {
	messages := append(dispatches(500, 11), slices(20)...)
	for name, e := range ends {
		for range 2 { // the second connection takes over what the first one left in the pools
			server, client := e.server(), e.client()
			require.Equal(t, name, server.Name())
			require.Equal(t, name, client.Name())
			requireMessages(t, client, messages, carry(t, server, messages))
			require.NoError(t, server.Close())
		}
	}
}

func TestZlibStreamWriterIsZlib(t *testing.T) {
	messages := dispatches(100, 12)
	wire := carry(t, NewZlibStreamWriter(), messages)
	require.Equal(t, zlibHeader, string(wire[0][:2]))
	for _, w := range wire {
		require.True(t, bytes.HasSuffix(w, syncFlush))
	}
	r, err := zlib.NewReader(bytes.NewReader(bytes.Join(wire, nil)))
	require.NoError(t, err)
	got, err := io.ReadAll(r)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF, "the stream does not end")
	require.Equal(t, string(bytes.Join(messages, nil)), string(got))
}

func TestZstdStreamWriterIsOneFrameLikeDiscords(t *testing.T) {
	messages := dispatches(100, 12)
	wire := carry(t, NewZstdStreamWriter(), messages)
	require.Equal(t, zstdStart, string(wire[0][:6]))
	r, err := zstd.NewReader(bytes.NewReader(append(bytes.Join(wire, nil), zstdRaw(true, "")...)), zstd.WithDecoderConcurrency(1))
	require.NoError(t, err)
	got, err := io.ReadAll(r)
	require.NoError(t, err, "one frame, which a last block ends")
	require.Equal(t, string(bytes.Join(messages, nil)), string(got))
}

func TestPayloadWriterIsZlib(t *testing.T) {
	w := NewPayloadWriter()
	for _, m := range append(dispatches(20, 13), nil) {
		wire, err := w.Compress([]byte("> "), m)
		require.NoError(t, err)
		require.Equal(t, "> x", string(wire[:3]))
		r, err := zlib.NewReader(bytes.NewReader(wire[2:]))
		require.NoError(t, err)
		got, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, string(m), string(got))
	}
}

func TestWritersAppend(t *testing.T) {
	for name, e := range ends {
		server, client := e.server(), e.client()
		for range 3 {
			wire, err := server.Compress([]byte("> "), []byte(`{"op":11}`))
			require.NoError(t, err)
			require.Equal(t, "> ", string(wire[:2]), name)
			requireMessages(t, client, [][]byte{[]byte(`{"op":11}`)}, [][]byte{wire[2:]})
		}
	}
}

func TestWritersClose(t *testing.T) {
	for _, w := range []compressor{NewZlibStreamWriter(), NewZstdStreamWriter()} {
		require.NoError(t, w.Close(), "before the first message")
		require.NoError(t, w.Close())
		out, err := w.Compress([]byte("x"), []byte("y"))
		require.ErrorIs(t, err, ErrClosed)
		require.Equal(t, "x", string(out))
	}
}
