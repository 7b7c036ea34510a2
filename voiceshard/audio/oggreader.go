package audio

import (
	"io"
	"math"
	"time"

	"github.com/discordpkg/gateway/internal/rtp"
)

// An OggReader reads Opus out of Ogg, the container of .opus files. Other
// streams that are multiplexed with it are skipped, chained streams are read
// one after the other, damaged parts are skipped and counted.
//
// Packets that lie before the beginning or behind the end of what is meant to
// be heard are left out, so that files that were cut out of one another play
// without a gap.
//
// https://www.rfc-editor.org/rfc/rfc7845
type OggReader struct {
	pages   pageReader
	link    link // where the current packets are from
	lacing  []byte
	body    []byte
	partial []byte // the beginning of a packet that goes on on the next page
	whole   bool   // partial was returned, and is free
	cut     bool   // the beginning of the packet that goes on is missing
	number  uint32 // of the last page
	waiting []byte // the packet that Seek found
	damaged int

	at     int64 // granule position of the next packet
	known  bool  // at is right
	from   int64 // packets that end here or before are left out
	until  int64 // packets that begin here or behind are left out
	links  []link
	failed error
}

// NewOggReader reads the headers of the first stream of Opus in r. If r is an
// [io.Seeker] the reader can seek.
//
// The error is a [CodecError], [ErrChannels] or an [ErrFormat].
func NewOggReader(r io.Reader) (*OggReader, error) { return newOggReader(newInput(r)) }

func newOggReader(in *input) (*OggReader, error) {
	r := &OggReader{pages: pageReader{in: in}}
	if err := r.begin(0); err != nil {
		return nil, err
	}
	return r, nil
}

// Head returns the header of the stream that packets come from.
func (r *OggReader) Head() OpusHead { return r.link.head }

// Tags returns the comments of the stream that packets come from.
func (r *OggReader) Tags() OpusTags { return r.link.tags }

// Damaged returns how often something was skipped because it was damaged.
func (r *OggReader) Damaged() int { return r.damaged + r.pages.damaged }

// ReadFrame implements [Source]. A file that ends within a page is an
// [io.ErrUnexpectedEOF] after its last packet.
func (r *OggReader) ReadFrame() ([]byte, error) {
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

// Position implements [Positioner].
func (r *OggReader) Position() time.Duration {
	return duration(r.link.before + r.played())
}

// played returns how many samples of the link are behind.
func (r *OggReader) played() int64 { return max(min(r.at, r.until)-r.link.first, 0) }

// peek returns the next packet of Opus. The caller passes it then.
func (r *OggReader) peek() ([]byte, error) {
	for r.failed == nil {
		p, err := r.packet()
		if err != nil {
			r.failed = err
			break
		}
		if _, err := rtp.Samples(p); err == nil && len(p) <= MaxPacket {
			return p, nil
		}
		r.damaged++
	}
	return nil, r.failed
}

// pass goes behind a packet, and reports whether it is one to be heard.
func (r *OggReader) pass(p []byte) bool {
	start := r.at
	n, _ := rtp.Samples(p)
	r.at += int64(n)
	return r.at > r.from && start < r.until
}

// packet returns the next packet of the stream, whatever it is.
func (r *OggReader) packet() ([]byte, error) {
	for {
		if p, ok := r.onPage(); ok {
			return p, nil
		}
		p, err := r.pages.next()
		if err != nil {
			return nil, err
		}
		switch {
		case p.is(oggBOS): // after data: the next link of a chain
			r.pages.unread()
			if err := r.begin(r.link.before + r.played()); err != nil {
				return nil, err
			}
		case p.serial == r.link.serial:
			r.enter(p)
			r.locate(p)
		}
	}
}

// onPage takes the next packet from the page, if one ends there.
func (r *OggReader) onPage() ([]byte, bool) {
	if r.whole {
		r.partial, r.whole = r.partial[:0], false
	}
	for len(r.lacing) > 0 {
		n, ends := r.piece()
		piece := r.body[:n]
		r.body = r.body[n:]
		switch {
		case r.cut:
			r.cut = !ends
		case ends && len(r.partial) == 0:
			return piece, true
		default:
			// One byte too many makes a packet too long, more are not kept.
			room := max(MaxPacket+1-len(r.partial), 0)
			r.partial = append(r.partial, piece[:min(len(piece), room)]...)
			if ends {
				r.whole = true
				return r.partial, true
			}
		}
	}
	return nil, false
}

// piece consumes the lacing values of a packet, and returns its length on this
// page, and whether it ends here.
func (r *OggReader) piece() (n int, ends bool) {
	for len(r.lacing) > 0 {
		v := r.lacing[0]
		r.lacing = r.lacing[1:]
		n += int(v)
		if v < 255 {
			return n, true
		}
	}
	return n, false
}

// enter makes p the page that packets are taken from.
func (r *OggReader) enter(p *page) {
	goesOn := len(r.partial) > 0 || r.cut
	if p.number != r.number+1 && r.known {
		r.damaged++
		goesOn = false
	}
	if !goesOn || !p.is(oggContinued) {
		r.partial = r.partial[:0]
		r.cut = p.is(oggContinued)
	}
	r.number, r.lacing, r.body = p.number, p.lacing, p.body
}

// locate finds out at which granule position the packets of a page begin.
//
// https://www.rfc-editor.org/rfc/rfc7845#section-4
func (r *OggReader) locate(p *page) {
	if p.granule == noGranule {
		return
	}
	start := p.granule - r.samples()
	switch {
	case !p.is(oggEOS):
		r.at = start
	case r.known: // the last page may end before its packets do
		r.at, r.until = max(r.at, start), p.granule
	default:
		r.at, r.until = max(start, 0), p.granule
	}
	if !r.known {
		r.at = max(r.at, 0)
	}
	if r.link.start {
		r.link.first = r.at + int64(r.link.head.PreSkip)
		r.from, r.link.start = r.link.first, false
	}
	r.known = true
}

// samples returns the playing time of the packets that end on this page,
// without the one whose beginning is missing.
func (r *OggReader) samples() (total int64) {
	lacing, body, cut := r.lacing, r.body, r.cut
	begun := r.partial
	for len(r.lacing) > 0 {
		n, ends := r.piece()
		if !ends {
			break
		}
		var toc [4]byte
		k := copy(toc[:2], begun)
		k += copy(toc[k:k+2], r.body[:n])
		if s, err := rtp.Samples(toc[:k]); err == nil && !cut {
			total += int64(s)
		}
		r.body, begun, cut = r.body[n:], nil, false
	}
	r.lacing, r.body = lacing, body
	return total
}

// duration converts samples to time.
func duration(samples int64) time.Duration {
	s := samples / rtp.SampleRate
	if s > math.MaxInt64/int64(time.Second) {
		return math.MaxInt64
	}
	return time.Duration(s)*time.Second + time.Duration(samples%rtp.SampleRate)*time.Second/rtp.SampleRate
}
