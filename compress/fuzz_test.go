package compress

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"testing"

	"github.com/klauspost/compress/zstd"
)

const fuzzLimit = 1 << 20

// chunks cuts src at the lengths that cuts lists.
func chunks(src, cuts []byte) [][]byte {
	var all [][]byte
	for _, n := range cuts {
		if n := int(n); n < len(src) {
			all = append(all, src[:n])
			src = src[n:]
		}
	}
	return append(all, src)
}

// feed gives the chunks to d until one fails, and returns all that was inflated.
func feed(t *testing.T, d decompressor, chunks [][]byte) (all []byte, err error) {
	for _, c := range chunks {
		out, complete, err := d.Decompress([]byte("> "), c, fuzzLimit)
		switch {
		case len(out) > fuzzLimit || cap(out) > fuzzLimit:
			t.Fatalf("%d bytes with a capacity of %d", len(out), cap(out))
		case !bytes.HasPrefix(out, []byte("> ")):
			t.Fatal("dst has changed")
		case !complete && len(out) != 2:
			t.Fatal("an incomplete message, or an error, comes with content")
		case err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrTooLarge):
			t.Fatalf("an error of its own kind: %v", err)
		case err != nil:
			return all, err
		}
		all = append(all, out[2:]...)
	}
	return all, nil
}

// FuzzInflate compares the inflater with the standard library.
func FuzzInflate(f *testing.F) {
	for _, c := range contents() {
		f.Add(deflateRaw(f, flate.BestSpeed, c[:min(len(c), 2000)]))
		f.Add(deflateRaw(f, flate.BestCompression, c[:min(len(c), 2000)]))
		f.Add(deflateRaw(f, flate.HuffmanOnly, c[:min(len(c), 2000)]))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		got, err := inflateRaw(src, fuzzLimit)
		r := flate.NewReader(bytes.NewReader(src))
		want, wantErr := io.ReadAll(io.LimitReader(r, fuzzLimit+1))
		if len(want) > fuzzLimit {
			if !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrCorrupt) {
				t.Fatalf("over the limit: %v", err)
			}
			return
		}
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%v, the standard library says %v", err, wantErr)
		}
		if err == nil && !bytes.Equal(got, want) {
			t.Fatalf("%q, the standard library says %q", got, want)
		}
	})
}

func FuzzZlibStream(f *testing.F) {
	wire := bytes.Join(carryZlib(f, flate.BestCompression, dispatches(3, 1)), nil)
	f.Add(wire, []byte{100, 200, 1, 1, 1, 250, 250})
	f.Add([]byte("\x78\x9c\x00\x04\x00\xfb\xff\x00\x00\xff\xff\x00\x00\x00\xff\xff"), []byte{11, 2})
	f.Add(read(f, "twilight_hello.zlib"), []byte{})
	f.Fuzz(func(t *testing.T, src, cuts []byte) {
		z := NewZlibStream()
		got, err := feed(t, z, chunks(src, cuts))
		if cap(z.window.ring) > windowSize || len(z.pending) > len(src) {
			t.Fatal("holds too much")
		}
		if err != nil || len(src) < zlibHeaderSize {
			return
		}
		want, _ := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(src[2:])), fuzzLimit))
		if !bytes.HasPrefix(want, got) {
			t.Fatalf("%q, the standard library says %q", got, want)
		}
	})
}

func FuzzZstdStream(f *testing.F) {
	wire := bytes.Join(carryZstd(f, dispatches(3, 1), zstd.WithWindowSize(zstdWindow)), nil)
	f.Add(wire, []byte{100, 200, 1, 1, 1, 250, 250})
	f.Add(bytes.Join(frames(f, dispatches(3, 1), zstd.WithSingleSegment(true)), nil), []byte{7, 200})
	f.Add([]byte(zstdStart+string(zstdRepeat(zstdMaxBlock, 'a'))+string(zstdRaw(true, "b"))), []byte{6, 4, 2})
	f.Add(read(f, "twilight_hello.zstd"), []byte{})
	f.Fuzz(func(t *testing.T, src, cuts []byte) {
		z := NewZstdStream()
		defer z.Close()
		got, err := feed(t, z, chunks(src, cuts))
		if err != nil {
			return
		}
		r, err := zstd.NewReader(bytes.NewReader(src), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxZstdWindow))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		want, err := io.ReadAll(io.LimitReader(r, int64(len(got))))
		if n := len(want); !bytes.Equal(got[:n], want) || err == nil && n < len(got) {
			t.Fatalf("%q, the library alone says %q, %v", got, want, err)
		}
	})
}

func FuzzPayload(f *testing.F) {
	f.Add(zlibOf(f, flate.BestSpeed, []byte("hello hello hello")))
	f.Add([]byte(`{"op":11}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		_, _ = feed(t, NewPayload(), [][]byte{src})
	})
}

// FuzzRoundTrip cuts content into messages, sends them through each writer, cuts what is on the wire again, and reads it.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("hello hello hello"), []byte{6, 6}, []byte{1, 2, 3})
	f.Add(bytes.Join(dispatches(5, 9), nil), []byte{200, 255, 1, 255, 255}, []byte{255, 3, 255, 255})
	f.Fuzz(func(t *testing.T, content, cuts, wireCuts []byte) {
		if len(content) > fuzzLimit/2 {
			return
		}
		for name, e := range ends {
			server, client := e.server(), e.client()
			for _, m := range chunks(content, cuts) {
				wire, err := server.Compress(nil, m)
				if err != nil {
					t.Fatal(name, err)
				}
				pieces := [][]byte{wire}
				if name != "" {
					pieces = chunks(wire, wireCuts)
				}
				got, err := feed(t, client, pieces)
				if err != nil || !bytes.Equal(got, m) {
					t.Fatalf("%q: %q became %q, %v", name, m, got, err)
				}
			}
			_ = server.Close()
		}
	})
}
