package compress

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
)

var errBlockSize = errors.New("size of a zstd block")

// maxZstdWindow is the largest window that a frame may declare: what RFC 8878, section 3.1.1.1.2, recommends to support.
const maxZstdWindow = 8 << 20

// zstdWindows are the logarithms of the windows that decoders have. A decoder's memory follows its window, so that a frame
// begins with the smallest, whatever its header declares, and is given a larger one when it has content for it.
var zstdWindows = [...]int{14, 18, 21, 23}

// zstdClass is the index of the smallest window of at least n bytes.
func zstdClass(n uint64) int {
	class := 0
	for n > 1<<zstdWindows[class] && class < len(zstdWindows)-1 {
		class++
	}
	return class
}

// A zstdDecoder decodes one frame, block by block.
type zstdDecoder struct {
	zstd  *zstd.Decoder
	class int
	head  []byte // not yet read: what precedes the block
	block []byte // not yet read
}

var zstdDecoders [len(zstdWindows)]sync.Pool

// acquireZstdDecoder returns a decoder that has head before it.
func acquireZstdDecoder(class int, head []byte) (*zstdDecoder, error) {
	d, _ := zstdDecoders[class].Get().(*zstdDecoder)
	if d == nil {
		// With a concurrency of one the decoder has no goroutines: it decodes a block when it is read from.
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxZstdWindow))
		if err != nil {
			return nil, err
		}
		d = &zstdDecoder{zstd: z, class: class}
	}
	d.head = head
	return d, d.zstd.Reset(d)
}

// release gives the decoder to the next frame of its class.
func (d *zstdDecoder) release() {
	d.head, d.block = nil, nil
	if d.zstd.Reset(nil) == nil {
		zstdDecoders[d.class].Put(d)
	}
}

// Read hands the decoder its input. The decoder keeps an error of its reader for good, the end of the input included:
// it must never be asked for more than the blocks that are here.
func (d *zstdDecoder) Read(p []byte) (int, error) {
	from := &d.head
	if len(d.head) == 0 {
		from = &d.block
	}
	if len(*from) == 0 {
		return 0, io.EOF
	}
	n := copy(p, *from)
	*from = (*from)[n:]
	return n, nil
}

// next decodes one block of what is before the decoder into dst, which is longer than any block:
// the decoder reads no further block for the rest of dst, and nothing of this one is left behind.
func (d *zstdDecoder) next(dst *zstdOutput) ([]byte, error) {
	n, err := d.zstd.Read(dst[:])
	if err == nil && n == len(dst) {
		err = errBlockSize
	}
	return dst[:n], err
}

// decode decodes one block, the checksum of its frame included where it is the last.
func (d *zstdDecoder) decode(dst *zstdOutput, block []byte, last bool) ([]byte, error) {
	d.block = block
	out, err := d.next(dst)
	if err == io.EOF && last {
		err = nil // an empty block has ended the frame
	}
	if err == nil && len(d.block) > 0 {
		err = errBlockSize
	}
	d.block = nil
	return out, err
}

// A zstdOutput takes any block and one byte more.
type zstdOutput [zstdMaxBlock + 1]byte

var zstdOutputs = sync.Pool{New: func() any { return new(zstdOutput) }}

// A zstdInflater decodes the blocks of one frame after the other.
type zstdInflater struct {
	frame   zstdFrame
	decoder *zstdDecoder // nil between frames
	total   uint64       // what the frame inflated to so far
	replay  []byte       // its blocks so far, while the decoder's window is smaller than the frame's
}

// begin begins a frame.
func (f *zstdInflater) begin(frame zstdFrame) error {
	if frame.window > maxZstdWindow {
		return fmt.Errorf("%w: window of %d bytes", ErrTooLarge, frame.window)
	}
	f.frame, f.total, f.replay = frame, 0, nil
	return f.open(0, nil)
}

// end ends the frame, or gives it up.
func (f *zstdInflater) end() {
	if f.decoder != nil {
		f.decoder.release()
	}
	f.decoder, f.replay = nil, nil
}

// open puts a decoder of the given class to where the last one was, by decoding the frame so far again.
// Windows grow eightfold or so: all the repetitions of a frame together cost less than its first window did.
func (f *zstdInflater) open(class int, scratch *zstdOutput) (err error) {
	if f.decoder != nil {
		f.decoder.release()
	}
	head := f.frame.appendHeader(make([]byte, 0, 16+len(f.replay)), zstdWindows[class])
	f.decoder, err = acquireZstdDecoder(class, append(head, f.replay...))
	for done := uint64(0); err == nil && done < f.total; {
		var out []byte
		out, err = f.decoder.next(scratch)
		done += uint64(len(out))
	}
	return err
}

// block decodes one block and appends it to dst, which grows to at most limit bytes.
//
// A decoder whose window is too small for a block fails; it never inflates it wrongly, for it holds all of its window.
func (f *zstdInflater) block(dst, block []byte, last bool, limit int) ([]byte, error) {
	scratch := zstdOutputs.Get().(*zstdOutput)
	defer zstdOutputs.Put(scratch)
	grown := zstdClass(min(f.frame.window, max(f.total, uint64(len(f.replay)))+zstdMaxBlock))
	if window := 1 << zstdWindows[f.decoder.class]; grown > f.decoder.class && (f.total > uint64(window) || len(f.replay) > window) {
		if err := f.open(grown, scratch); err != nil {
			return dst, corrupt(err.Error())
		}
	}
	out, err := f.decoder.decode(scratch, block, last)
	if err != nil && grown > f.decoder.class {
		if err = f.open(grown, scratch); err == nil {
			out, err = f.decoder.decode(scratch, block, last)
		}
	}
	if err == nil && len(out) > f.frame.maxBlock() {
		err = errBlockSize
	}
	if err != nil {
		return dst, corrupt(err.Error())
	}
	f.total += uint64(len(out))
	f.keep(block)
	return extend(dst, out, limit)
}

// keep remembers the block as long as the frame may need a larger window.
func (f *zstdInflater) keep(block []byte) {
	if f.decoder.class == zstdClass(f.frame.window) {
		f.replay = nil
		return
	}
	f.replay = append(f.replay, block...)
}
