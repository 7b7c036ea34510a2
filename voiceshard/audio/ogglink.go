package audio

import (
	"bytes"
	"io"
	"math"
)

// A link is one part of a chain of streams, which most files have one of.
//
// https://www.rfc-editor.org/rfc/rfc3533#section-4
type link struct {
	head    OpusHead
	tags    OpusTags
	serial  uint32   // of the stream of Opus
	serials []uint32 // of all streams that are multiplexed here
	offset  int64    // of the first page
	data    int64    // of the first page behind the headers
	before  int64    // samples in the links before
	first   int64    // granule position where the sound begins
	start   bool     // first is not known yet: no packet was seen

	// What only the map of the file has.
	end  int64 // offset behind the last page
	last int64 // granule position where the sound ends
}

func (l *link) samples() int64 { return max(l.last-l.first, 0) }

const (
	maxStreams = 64
	maxHeaders = 1 << 27 // bytes of headers, pictures in comments included
)

// begin reads the headers of a link.
func (r *OggReader) begin(before int64) error {
	r.reset()
	l := link{before: before, start: true}
	codec, err := r.streams(&l)
	switch {
	case err != nil:
		return err
	case codec != "":
		return &CodecError{Codec: codec}
	}
	r.link = l
	tags, err := r.comments()
	if err != nil {
		return err
	}
	ok := false
	if r.link.tags, ok = parseOpusTags(tags); !ok {
		return oggError(r.link.offset, "no OpusTags behind OpusHead", nil)
	}
	r.link.data = r.pages.in.offset
	r.lacing, r.body = nil, nil // sound begins on a page of its own
	return nil
}

// streams reads the first pages of all streams of a link, and returns what is
// in there if it is not Opus.
func (r *OggReader) streams(l *link) (codec string, err error) {
	found := false
	for {
		p, err := r.pages.next()
		if err != nil {
			return "", r.headless(err)
		}
		if !p.is(oggBOS) {
			r.pages.unread()
			break
		}
		if len(l.serials) == maxStreams {
			return "", oggError(p.offset, "more than 64 streams", nil)
		}
		if len(l.serials) == 0 {
			l.offset = p.offset
		}
		l.serials = append(l.serials, p.serial)
		switch name := oggCodec(p.body); {
		case found:
		case name != "":
			codec = name
		default:
			if l.head, err = parseOpusHead(p.body); err == ErrChannels {
				return "", err
			} else if err != nil {
				return "", oggError(p.offset, err.Error(), nil)
			}
			l.serial, r.number, found = p.serial, p.number, true
		}
	}
	if found {
		return "", nil
	}
	if codec == "" {
		return "", oggError(r.pages.page.offset, "the first page is not that of a stream", nil)
	}
	return codec, nil
}

// comments reads the second header, as much of it as fits into a packet.
func (r *OggReader) comments() ([]byte, error) {
	for {
		p, err := r.pages.next()
		switch {
		case err != nil:
			return nil, r.headless(err)
		case p.is(oggBOS) || p.offset-r.link.offset > maxHeaders:
			return nil, oggError(p.offset, "the headers do not end", nil)
		case p.serial != r.link.serial:
			continue
		}
		r.enter(p)
		if b, ok := r.onPage(); ok {
			return b, nil
		}
	}
}

func (r *OggReader) headless(err error) error {
	if err == io.EOF {
		return r.pages.wrong("half of the headers", io.ErrUnexpectedEOF)
	}
	return err
}

// reset forgets packets and positions.
func (r *OggReader) reset() {
	r.lacing, r.body, r.waiting = nil, nil, nil
	r.partial, r.whole, r.cut = r.partial[:0], false, false
	r.at, r.known, r.from, r.until = 0, false, 0, math.MaxInt64
	r.failed = nil
}

// oggCodec names what a stream is that begins with a packet, "" for Opus.
//
// https://wiki.xiph.org/MIMETypesCodecs
func oggCodec(first []byte) string {
	for _, c := range []struct{ magic, name string }{
		{opusHeadMagic, ""}, {"\x01vorbis", "Vorbis"}, {"\x7fFLAC", "FLAC"}, {"Speex   ", "Speex"}, {"\x80theora", "Theora"},
		{"fishead", "Skeleton"}, {"\x01video", "video"}, {"PCM     ", "PCM"}, {"CELT    ", "CELT"}, {"BBCD", "Dirac"}, {"OVP80", "VP8"},
	} {
		if bytes.HasPrefix(first, []byte(c.magic)) {
			return c.name
		}
	}
	return "a codec without a name"
}
