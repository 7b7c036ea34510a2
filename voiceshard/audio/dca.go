package audio

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"time"

	"github.com/discordpkg/gateway/internal/rtp"
)

const (
	dcaMagic   = "DCA1"
	maxDCAMeta = 1 << 20
)

// A DCAReader reads DCA, the container of some older tools for Discord: packets
// with their length before them, since version 1 with a header of JSON.
//
// https://github.com/bwmarrin/dca/wiki/DCA1-specification
type DCAReader struct {
	in     *input
	meta   json.RawMessage
	data   int64 // offset of the first packet
	at     int64 // samples before the next packet
	length int64 // in samples, or -1
	packet []byte
	failed error
}

// NewDCAReader reads the header of version 1, if there is one. If r is an
// [io.Seeker] the reader can seek.
func NewDCAReader(r io.Reader) (*DCAReader, error) { return newDCAReader(newInput(r)) }

func newDCAReader(in *input) (*DCAReader, error) {
	r := &DCAReader{in: in, length: -1}
	b, err := in.Peek(len(dcaMagic) + 4)
	if !bytes.HasPrefix(b, []byte(dcaMagic)) {
		return r, nil
	}
	if len(b) < len(dcaMagic)+4 {
		return nil, r.wrong("header", err)
	}
	n := int32(binary.LittleEndian.Uint32(b[len(dcaMagic):]))
	if n < 0 || n > maxDCAMeta {
		return nil, r.wrong("the metadata has an impossible size", nil)
	}
	if err := in.discard(int64(len(b))); err != nil {
		return nil, r.wrong("header", err)
	}
	if r.meta, err = in.read(nil, int(n)); err != nil {
		return nil, r.wrong("metadata", err)
	}
	if n > 0 && !json.Valid(r.meta) {
		return nil, r.wrong("the metadata is no JSON", nil)
	}
	r.data = in.offset
	return r, nil
}

// Metadata returns the header of version 1 as it is in the file, nil if there
// is none.
func (r *DCAReader) Metadata() json.RawMessage { return bytes.Clone(r.meta) }

// ReadFrame implements [Source].
func (r *DCAReader) ReadFrame() ([]byte, error) {
	if r.failed != nil {
		return nil, r.failed
	}
	n, err := r.size()
	if err == nil {
		r.packet, err = r.in.read(r.packet[:0], n)
		if err != nil {
			err = r.wrong("packet", err)
		}
	}
	if err != nil {
		r.failed = err
		return nil, err
	}
	samples, err := rtp.Samples(r.packet)
	if err != nil {
		r.failed = r.wrong("this is no packet of Opus", nil)
		return nil, r.failed
	}
	r.at += int64(samples)
	return r.packet, nil
}

// size consumes the length of a packet.
func (r *DCAReader) size() (int, error) {
	b, err := r.in.Peek(2)
	switch {
	case len(b) == 0 && err == io.EOF:
		return 0, io.EOF
	case len(b) < 2:
		return 0, r.wrong("length of a packet", err)
	}
	n := int(binary.LittleEndian.Uint16(b))
	if n == 0 || n > MaxPacket {
		return 0, r.wrong("a packet has an impossible length", nil)
	}
	return n, r.in.discard(2)
}

// Position implements [Positioner].
func (r *DCAReader) Position() time.Duration { return duration(r.at) }

// Length implements [Lengther]. The file does not tell: if it can be read
// twice the first call goes through it, up to where it is damaged.
func (r *DCAReader) Length() (time.Duration, bool) {
	if r.length < 0 {
		_ = r.in.probe(func(in *input, _ int64) error {
			second := DCAReader{in: in}
			if err := in.seek(r.data); err != nil {
				return err
			}
			for second.forward(1<<63-1) == nil {
			}
			r.length = second.at
			return nil
		})
	}
	return duration(max(r.length, 0)), r.length >= 0
}

// Seek implements [Seeker]. It goes through the file from the beginning, or
// from where it is.
func (r *DCAReader) Seek(to time.Duration) error {
	if r.in.seeker == nil {
		return ErrNotSeekable
	}
	target := int64(max(to, 0).Seconds()*rtp.SampleRate) - preRoll
	if target < r.at || r.failed != nil {
		if err := r.in.seek(r.data); err != nil {
			r.failed = err
			return err
		}
		r.at, r.failed = 0, nil
	}
	if r.failed = r.forward(target); r.failed == io.EOF {
		return nil
	}
	return r.failed
}

// forward skips the packets that end at a position, or before.
func (r *DCAReader) forward(target int64) error {
	for {
		b, err := r.in.Peek(4)
		if len(b) < 4 && err != io.EOF {
			return r.wrong("packet", err)
		}
		samples, _ := rtp.Samples(b[min(2, len(b)):])
		if samples > 0 && r.at+int64(samples) > target {
			return nil
		}
		n, err := r.size()
		if err != nil {
			return err
		}
		if samples == 0 {
			return r.wrong("this is no packet of Opus", nil)
		}
		if err := r.in.discard(int64(n)); err != nil {
			return r.wrong("packet", err)
		}
		r.at += int64(samples)
	}
}

func (r *DCAReader) wrong(reason string, err error) error {
	return formatError("dca", r.in.offset, reason, err)
}

// looksLikeDCA reports whether a file without a magic number is one of version
// 0: lengths lead from one packet to the next, twice at least.
func looksLikeDCA(start []byte) bool {
	whole := len(start) < sniffSize
	seen := 0
	for ; len(start) > 2; seen++ {
		n := int(binary.LittleEndian.Uint16(start))
		if _, err := rtp.Samples(start[2:min(4, len(start))]); err != nil || n == 0 || n > sniffSize {
			return false
		}
		if len(start) < 2+n {
			return seen > 1 && !whole
		}
		start = start[2+n:]
	}
	return seen > 1 && (!whole || len(start) == 0)
}
