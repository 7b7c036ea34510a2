package contestant

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// floor is what nobody can go below: it reads frames, inflates them if they
// are compressed, and throws them away. It knows the marks by counting.
func floor(ctx context.Context, j Job, mark func()) error {
	var dialer ws.Dialer
	if j.TLS {
		config, err := j.tls()
		if err != nil {
			return err
		}
		dialer.TLSConfig = config
	}
	conn, br, _, err := dialer.Dial(ctx, j.url()+j.query())
	if err != nil {
		return err
	}
	defer conn.Close()
	if br == nil {
		br = bufio.NewReader(conn)
	}
	identify := `{"op":2,"d":{"token":"` + Token + `","intents":0,"properties":{}}}`
	if err := wsutil.WriteClientText(conn, []byte(identify)); err != nil {
		return err
	}
	frames := &frameReader{src: br, mark: mark, first: j.Frames, last: j.Frames + j.Events + 1}
	compression := j.Compress
	if j.Shards > 0 {
		compression = "" // how little can a connection hold?
	}
	return discard(frames, compression)
}

// discard reads until the connection ends.
func discard(frames *frameReader, compression string) error {
	var inflated io.Reader
	switch compression {
	case "":
		for {
			if _, err := frames.src.Discard(frames.left); err != nil {
				return err
			}
			if err := frames.next(); err != nil {
				return err
			}
		}
	case "zlib-stream":
		z, err := zlib.NewReader(bufio.NewReader(frames)) // which it knows, and is fastest with
		if err != nil {
			return err
		}
		inflated = z
	case "zstd-stream":
		z, err := zstd.NewReader(frames, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
		if err != nil {
			return err
		}
		defer z.Close()
		inflated = z
	default:
		return fmt.Errorf("contestant: the floor knows no compression %q", compression)
	}
	scratch := make([]byte, 64<<10)
	for {
		if _, err := inflated.Read(scratch); err != nil {
			return err
		}
	}
}

// A frameReader is the payload of all frames, one after the other.
type frameReader struct {
	src         *bufio.Reader
	left        int // of the current frame
	seen        int // frames
	first, last int // the marks
	mark        func()
}

// next goes to the next frame.
func (f *frameReader) next() error {
	if f.seen == f.first || f.seen == f.last {
		f.mark()
	}
	head, err := ws.ReadHeader(f.src)
	if err != nil {
		return err
	}
	f.seen++
	f.left = int(head.Length)
	return nil
}

func (f *frameReader) Read(p []byte) (int, error) {
	for f.left == 0 {
		if err := f.next(); err != nil {
			return 0, err
		}
	}
	n, err := f.src.Read(p[:min(len(p), f.left)])
	f.left -= n
	return n, err
}
