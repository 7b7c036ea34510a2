package compress

import (
	"bytes"
	"cmp"
	"compress/flate"
	"io"
	"testing"

	kflate "github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
)

// BenchmarkDecompress is the cost of one dispatch: floor inflates the same stream with a library alone and discards it.
func BenchmarkDecompress(b *testing.B) {
	messages := dispatches(20_000, 7)
	size := len(bytes.Join(messages, nil)) / len(messages)
	zlibWire := carryZlib(b, flate.DefaultCompression, messages)
	zstdWire := carryZstd(b, messages, zstd.WithWindowSize(zstdWindow))
	payloads := make([][]byte, len(messages))
	for i, m := range messages {
		payloads[i] = zlibOf(b, flate.DefaultCompression, m)
	}
	zlibAll, zstdAll := bytes.Join(zlibWire, nil)[zlibHeaderSize:], bytes.Join(zstdWire, nil)

	for _, c := range []struct {
		name string
		run  func(b *testing.B)
	}{
		{"zlib-stream/ours", func(b *testing.B) { inflateEach(b, NewZlibStream(), zlibWire) }},
		{"zlib-stream/floor-klauspost", func(b *testing.B) { readEach(b, kflate.NewReader(bytes.NewReader(zlibAll)), messages) }},
		{"zlib-stream/floor-std", func(b *testing.B) { readEach(b, flate.NewReader(bytes.NewReader(zlibAll)), messages) }},
		{"zstd-stream/ours", func(b *testing.B) {
			z := NewZstdStream()
			inflateEach(b, z, zstdWire)
			z.Close()
		}},
		{"zstd-stream/floor-klauspost", func(b *testing.B) {
			r, err := zstd.NewReader(bytes.NewReader(zstdAll), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
			if err != nil {
				b.Fatal(err)
			}
			readEach(b, r, messages)
		}},
		{"payload/ours", func(b *testing.B) { inflateEach(b, NewPayload(), payloads) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for n := 0; n < b.N; n += len(messages) {
				c.run(b)
			}
		})
	}
}

func inflateEach(b *testing.B, d decompressor, wire [][]byte) {
	var out []byte
	for _, w := range wire {
		var err error
		if out, _, err = d.Decompress(out[:0], w, 1<<20); err != nil {
			b.Fatal(err)
		}
	}
}

func readEach(b *testing.B, r io.Reader, messages [][]byte) {
	buf := make([]byte, 64<<10)
	for _, m := range messages {
		if _, err := io.ReadFull(r, buf[:len(m)]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompress(b *testing.B) {
	messages := dispatches(5_000, 7)
	for name, e := range ends {
		b.Run(cmp.Or(name, "payload"), func(b *testing.B) {
			b.ReportAllocs()
			w := e.server()
			defer w.Close()
			var wire []byte
			total := 0
			for n := range b.N {
				var err error
				if wire, err = w.Compress(wire[:0], messages[n%len(messages)]); err != nil {
					b.Fatal(err)
				}
				total += len(wire)
			}
			b.ReportMetric(float64(total)/float64(b.N), "wire-B/op")
		})
	}
}

// BenchmarkMemory reports the heap that each of 1,000 connections holds, right after its first messages and after 1.4 MB.
func BenchmarkMemory(b *testing.B) {
	messages := dispatches(2000, 21)
	for name := range ends {
		for label, n := range map[string]int{"8 messages": 8, "2000 messages": len(messages)} {
			b.Run(cmp.Or(name, "payload")+"/"+label, func(b *testing.B) {
				held := uint64(0)
				for range b.N {
					held = heldPerConnection(b, name, 1000, messages[:n])
				}
				b.ReportMetric(float64(held)/1024, "KiB/connection")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
