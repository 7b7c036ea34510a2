package compress

import (
	"encoding/binary"
	"fmt"
	"hash/adler32"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
)

// zlibHeader is the header that Discord sends: deflate with a window of 32 KiB at the default level.
const zlibHeader = "\x78\x9c"

// zstdWindow is the window that Discord's zstd-stream declares.
const zstdWindow = 256 << 10

// An appender is the io.Writer that the compressors write to.
type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.b = append(a.b, p...)
	return len(p), nil
}

// take returns what was written, and lets go of it.
func (a *appender) take() []byte {
	b := a.b
	a.b = nil
	return b
}

// A deflater is a compressor with the appender that it writes to. About 0.8 MiB: they are pooled.
type deflater struct {
	appender
	flate *flate.Writer
}

// Speed counts more than size between two programs that run together.
var deflaters = sync.Pool{New: func() any {
	d := new(deflater)
	d.flate, _ = flate.NewWriter(d, flate.BestSpeed) // fails for unknown levels only
	return d
}}

func acquireDeflater() *deflater {
	d := deflaters.Get().(*deflater)
	d.flate.Reset(d)
	return d
}

// A ZlibStreamWriter is the server's end of a [ZlibStream]: one deflate stream per connection, of which every message ends
// in a sync flush. It holds about 0.8 MiB from the first message to its Close. It is not safe for concurrent use.
type ZlibStreamWriter struct {
	deflater *deflater
	err      error
}

// NewZlibStreamWriter returns the compressor of a new connection.
func NewZlibStreamWriter() *ZlibStreamWriter { return new(ZlibStreamWriter) }

// Name is the value of the URL's compress parameter.
func (*ZlibStreamWriter) Name() string { return "zlib-stream" }

// Compress appends to dst the websocket message that carries src. src is not kept. An error is final.
func (w *ZlibStreamWriter) Compress(dst, src []byte) ([]byte, error) {
	if w.err != nil {
		return dst, w.err
	}
	if w.deflater == nil {
		w.deflater = acquireDeflater()
		dst = append(dst, zlibHeader...)
	}
	w.deflater.b = dst
	_, err := w.deflater.flate.Write(src)
	if err == nil {
		err = w.deflater.flate.Flush()
	}
	if err != nil {
		w.err = fmt.Errorf("compress: zlib-stream: %w", err)
	}
	return w.deflater.take(), w.err
}

// Close leaves the compressor to other connections.
func (w *ZlibStreamWriter) Close() error {
	if w.deflater != nil {
		deflaters.Put(w.deflater)
	}
	*w = ZlibStreamWriter{err: ErrClosed}
	return nil
}

// A PayloadWriter is the server's end of a [Payload]: one zlib stream per message. Which messages are worth it is for the
// caller to decide. It holds nothing between messages. It is not safe for concurrent use.
type PayloadWriter struct{}

// NewPayloadWriter returns the compressor of a new connection.
func NewPayloadWriter() *PayloadWriter { return new(PayloadWriter) }

// Name is empty: payload compression is asked for in Identify, not in the URL.
func (*PayloadWriter) Name() string { return "" }

// Compress appends to dst the websocket message that carries src. src is not kept.
func (*PayloadWriter) Compress(dst, src []byte) ([]byte, error) {
	d := acquireDeflater()
	defer deflaters.Put(d)
	d.b = append(dst, zlibHeader...)
	_, err := d.flate.Write(src)
	if err == nil {
		err = d.flate.Close()
	}
	if err != nil {
		return d.take(), fmt.Errorf("compress: payload: %w", err)
	}
	return binary.BigEndian.AppendUint32(d.take(), adler32.Checksum(src)), nil
}

// A zstdEncoder is a compressor with the appender that it writes to. About 0.8 MiB: they are pooled.
type zstdEncoder struct {
	appender
	zstd *zstd.Encoder
}

var zstdEncoders = sync.Pool{New: func() any {
	e := new(zstdEncoder)
	e.zstd, _ = zstd.NewWriter(e, // fails for unknown options only
		zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(zstdWindow), zstd.WithEncoderCRC(false),
		zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	return e
}}

// A ZstdStreamWriter is the server's end of a [ZstdStream]: one frame per connection, flushed after every message.
// It holds about 0.8 MiB from the first message to its Close. It is not safe for concurrent use.
type ZstdStreamWriter struct {
	encoder *zstdEncoder
	err     error
}

// NewZstdStreamWriter returns the compressor of a new connection.
func NewZstdStreamWriter() *ZstdStreamWriter { return new(ZstdStreamWriter) }

// Name is the value of the URL's compress parameter.
func (*ZstdStreamWriter) Name() string { return "zstd-stream" }

// Compress appends to dst the websocket message that carries src. src is not kept. An error is final.
func (w *ZstdStreamWriter) Compress(dst, src []byte) ([]byte, error) {
	if w.err != nil {
		return dst, w.err
	}
	if w.encoder == nil {
		w.encoder = zstdEncoders.Get().(*zstdEncoder)
		w.encoder.zstd.Reset(w.encoder)
	}
	w.encoder.b = dst
	_, err := w.encoder.zstd.Write(src)
	if err == nil {
		err = w.encoder.zstd.Flush()
	}
	if err != nil {
		w.err = fmt.Errorf("compress: zstd-stream: %w", err)
	}
	return w.encoder.take(), w.err
}

// Close leaves the compressor to other connections.
func (w *ZstdStreamWriter) Close() error {
	if w.encoder != nil {
		w.encoder.zstd.Reset(io.Discard) // the encoder lets go of its last writer, and of an unfinished frame
		zstdEncoders.Put(w.encoder)
	}
	*w = ZstdStreamWriter{err: ErrClosed}
	return nil
}
