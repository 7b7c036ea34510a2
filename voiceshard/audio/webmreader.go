package audio

import (
	"errors"
	"io"
	"math"
	"time"

	"github.com/discordpkg/gateway/internal/rtp"
)

// A WebMReader reads the first track of Opus in WebM or Matroska, which may
// have video as well.
//
// https://www.rfc-editor.org/rfc/rfc9559
type WebMReader struct {
	in      *input
	track   track
	tick    time.Duration // of timestamps
	length  time.Duration // 0: the file does not tell
	segment int64         // offset that positions are counted from
	cluster int64         // offset of the first one
	index   int64         // offset of the cues, or 0
	cues    []cue
	indexed bool // the cues have been looked for

	began   int64 // timestamp of the cluster, in ticks
	payload []byte
	block   block
	next    int // packet of the block
	offset  int // where it begins
	joined  []byte

	at      time.Duration // of the next packet
	known   bool
	from    time.Duration // packets that end here or before are left out
	until   time.Duration // packets that begin here or behind are left out
	waiting []byte        // the packet that Seek found
	damaged int
	failed  error
}

const (
	maxMaster = 4 << 20 // bytes of an element with others that is read in one piece
	maxBlock  = 1 << 20

	defaultTick = time.Millisecond
	maxTick     = time.Second
)

// NewWebMReader reads what comes before the first packet. If r is an
// [io.Seeker] the reader can seek.
//
// The error is a [CodecError], [ErrChannels] or an [ErrFormat].
func NewWebMReader(r io.Reader) (*WebMReader, error) { return newWebMReader(newInput(r)) }

func newWebMReader(in *input) (*WebMReader, error) {
	r := &WebMReader{in: in, tick: defaultTick, until: math.MaxInt64}
	if err := r.headers(); err != nil {
		return nil, err
	}
	return r, nil
}

// Head returns the header of the track.
func (r *WebMReader) Head() OpusHead { return r.track.head }

// Damaged returns how many packets were skipped because they are none of Opus.
func (r *WebMReader) Damaged() int { return r.damaged }

// Position implements [Positioner].
func (r *WebMReader) Position() time.Duration { return max(r.at, 0) }

// Length implements [Lengther]. What is recorded live does not tell: if it can
// be read twice the first call goes through it, up to where it is damaged.
func (r *WebMReader) Length() (time.Duration, bool) {
	if r.length == 0 {
		_ = r.in.probe(func(in *input, _ int64) error {
			second := &WebMReader{in: in, track: r.track, tick: r.tick, until: math.MaxInt64}
			err := in.seek(r.cluster)
			for err == nil {
				_, err = second.ReadFrame()
			}
			r.length = second.Position()
			return nil
		})
	}
	return r.length, r.length > 0
}

// ReadFrame implements [Source].
func (r *WebMReader) ReadFrame() ([]byte, error) {
	if p := r.waiting; p != nil {
		r.waiting = nil
		r.pass(p)
		return p, nil
	}
	for {
		p, err := r.peek()
		if err != nil {
			return nil, err
		}
		if r.pass(p) {
			return p, nil
		}
	}
}

// peek returns the next packet of Opus. The caller passes it then.
func (r *WebMReader) peek() ([]byte, error) {
	for r.failed == nil {
		for r.next < len(r.block.sizes) {
			p := r.packet()
			if _, err := rtp.Samples(p); err == nil && len(p) <= MaxPacket {
				return p, nil
			}
			r.damaged++
		}
		r.failed = r.nextBlock()
	}
	return nil, r.failed
}

// packet takes the next packet from the block.
func (r *WebMReader) packet() []byte {
	n := r.block.sizes[r.next]
	p := r.block.data[r.offset : r.offset+n]
	r.next++
	r.offset += n
	if len(r.track.prefix) > 0 {
		r.joined = append(append(r.joined[:0], r.track.prefix...), p...)
		return r.joined
	}
	return p
}

// pass goes behind a packet, and reports whether it is one to be heard.
func (r *WebMReader) pass(p []byte) bool {
	start := r.at
	d, _ := rtp.Duration(p)
	r.at += d
	return r.at > r.from && start < r.until
}

// nextBlock goes to the next block of the track.
func (r *WebMReader) nextBlock() error {
	for {
		id, size, err := r.element()
		if err != nil {
			return err
		}
		switch id {
		case idSegment, idCluster: // what is in there comes next
			err = nil
		case idTimestamp:
			err = r.timestamp(size)
		case idSimpleBlock, idBlockGroup:
			var found bool
			if found, err = r.take(id, size); found {
				return nil
			}
		case idEBML:
			return r.wrong("another file begins", nil)
		default:
			err = r.skip(size)
		}
		if err != nil {
			return err
		}
	}
}

// timestamp reads the time at which a cluster begins.
func (r *WebMReader) timestamp(size int64) error {
	b, err := r.load(size, 8)
	if err != nil {
		return err
	}
	v, _ := element{data: b}.number()
	if v > uint64(math.MaxInt64/4/r.tick) {
		return r.wrong("a cluster has an impossible time", nil)
	}
	r.began = int64(v)
	return nil
}

// take reads a block, and reports whether it is one of the track.
func (r *WebMReader) take(id uint32, size int64) (bool, error) {
	if size > maxBlock { // too long for sound
		return false, r.skip(size)
	}
	start := r.in.offset
	data, err := r.load(size, maxBlock)
	if err != nil {
		return false, err
	}
	var padding time.Duration
	if id == idBlockGroup {
		data, padding, err = blockOfGroup(data)
	}
	if err == nil && data != nil {
		err = r.block.parse(data)
	}
	if err != nil {
		return false, formatError("webm", start, "block", err)
	}
	if r.next, r.offset = 0, 0; data == nil || r.block.track != r.track.number {
		r.block.sizes = r.block.sizes[:0]
		return false, nil
	}
	r.locate(padding)
	return true, nil
}

// blockOfGroup returns the block in a group, and how much of its end is not to
// be heard.
func blockOfGroup(group []byte) (data []byte, padding time.Duration, err error) {
	err = each(group, func(e element) error {
		switch e.id {
		case idBlock:
			data = e.data
		case idDiscard:
			ns, err := e.signed()
			padding = time.Duration(ns)
			return err
		}
		return nil
	})
	return data, padding, err
}

// locate finds out when the block begins. Timestamps are rounded to ticks: as
// long as they agree with the packets before, the latter are right.
func (r *WebMReader) locate(padding time.Duration) {
	at := time.Duration(r.began+int64(r.block.ticks))*r.tick - r.track.delay
	if !r.known || (at-r.at).Abs() > 2*r.tick {
		r.at, r.known = at, true
	}
	r.until = math.MaxInt64
	if padding <= 0 {
		return
	}
	end := r.at
	for r.next < len(r.block.sizes) {
		d, _ := rtp.Duration(r.packet())
		end += d
	}
	r.next, r.offset = 0, 0
	r.until = end - padding
}

// element reads the head of the next element.
func (r *WebMReader) element() (id uint32, size int64, err error) {
	b, err := r.in.Peek(ebmlHead)
	if len(b) == 0 && err == io.EOF {
		return 0, 0, io.EOF
	}
	id, size, n, bad := elementHead(b)
	switch {
	case bad != nil && len(b) < ebmlHead:
		return 0, 0, r.wrong("element", err)
	case bad != nil:
		return 0, 0, r.wrong(bad.Error(), nil)
	case size == unknownSize && id != idSegment && id != idCluster:
		return 0, 0, r.wrong("an element does not tell its size", nil)
	}
	return id, size, r.in.discard(int64(n))
}

func (r *WebMReader) skip(size int64) error {
	if err := r.in.discard(size); err != nil {
		return r.wrong("element", err)
	}
	return nil
}

// load reads an element. It is valid until the next one is loaded.
func (r *WebMReader) load(size, limit int64) ([]byte, error) {
	if size > limit {
		return nil, r.wrong("an element is too large", nil)
	}
	var err error
	if r.payload, err = r.in.read(r.payload[:0], int(size)); err != nil {
		return nil, r.wrong("element", err)
	}
	return r.payload, nil
}

func (r *WebMReader) wrong(reason string, err error) error {
	if errors.Is(err, ErrNotOpus) || errors.Is(err, ErrChannels) || errors.Is(err, ErrFormat) {
		return err
	}
	return formatError("webm", r.in.offset, reason, err)
}
