package dave

// The footer of a protocol frame, from its end: two bytes of marker, one byte
// with the size of the footer, the unencrypted ranges, the nonce, the tag.
//
// https://daveprotocol.com/#payload-format
const (
	tagSize       = 8
	marker        = 0xfa // twice
	trailerSize   = 3    // size and marker
	minFooterSize = tagSize + 1 + trailerSize
	maxFooterSize = 255
)

// MaxOverhead is by how many bytes encryption makes an Opus frame longer at
// most: 12 at first, 13 from the 128th frame on, 16 in the end.
const MaxOverhead = tagSize + 5 + trailerSize

// A frame is a protocol frame taken apart. It aliases the bytes it came from.
type frame struct {
	media  []byte // interleaved clear and encrypted bytes
	tag    []byte
	nonce  uint32
	ranges []byte // what of media is clear: pairs of offset and size, checked
}

// A span is a part of a frame.
type span struct{ offset, size uint32 }

func (s span) end() uint32 { return s.offset + s.size }

// IsEncrypted reports whether b is a protocol frame, by its form: others look
// like one once in a very long time. A voice server asks before it forwards to
// clients without DAVE.
//
// https://daveprotocol.com/#magic-marker
func IsEncrypted(b []byte) bool {
	_, ok := parseFrame(b)
	return ok
}

// parseFrame is the protocol frame check. False says that b is no protocol
// frame.
//
// https://daveprotocol.com/#protocol-frame-check
func parseFrame(b []byte) (frame, bool) {
	if len(b) < minFooterSize || b[len(b)-1] != marker || b[len(b)-2] != marker {
		return frame{}, false
	}
	size := int(b[len(b)-trailerSize])
	if size < minFooterSize || size > len(b) {
		return frame{}, false
	}
	media, footer := b[:len(b)-size], b[len(b)-size:len(b)-trailerSize]
	nonce, n := uleb128(footer[tagSize:])
	if n == 0 {
		return frame{}, false
	}
	f := frame{media: media, tag: footer[:tagSize], nonce: nonce, ranges: footer[tagSize+n:]}
	return f, f.checkRanges()
}

// checkRanges reports whether the ranges ascend, do not overlap and lie within
// the media.
func (f *frame) checkRanges() bool {
	var end uint64
	for rest := f.ranges; len(rest) > 0; {
		offset, n := uleb128(rest)
		size, m := uleb128(rest[n:])
		if n == 0 || m == 0 || uint64(offset) < end {
			return false
		}
		end = uint64(offset) + uint64(size)
		if end > uint64(len(f.media)) {
			return false
		}
		rest = rest[n+m:]
	}
	return true
}

// nextRange takes the first span off ranges that were checked.
func nextRange(ranges []byte) (s span, rest []byte) {
	offset, n := uleb128(ranges)
	size, m := uleb128(ranges[n:])
	return span{offset, size}, ranges[n+m:]
}

// split appends what is clear in the media to aad, and the rest to sealed.
func (f *frame) split(aad, sealed []byte) (_, _ []byte) {
	var at uint32
	for rest := f.ranges; len(rest) > 0; {
		var s span
		s, rest = nextRange(rest)
		sealed = append(sealed, f.media[at:s.offset]...)
		aad = append(aad, f.media[s.offset:s.end()]...)
		at = s.end()
	}
	return aad, append(sealed, f.media[at:]...)
}

// join appends the media with plain in the place of what was encrypted. Aad is
// what was not: dst may overlap the media.
func (f *frame) join(dst, aad, plain []byte) []byte {
	var at uint32
	for rest := f.ranges; len(rest) > 0; {
		var s span
		s, rest = nextRange(rest)
		n := s.offset - at
		dst = append(dst, plain[:n]...)
		dst = append(dst, aad[:s.size]...)
		plain, aad, at = plain[n:], aad[s.size:], s.end()
	}
	return append(dst, plain...)
}

// isSilence reports whether b is the frame of silence that the voice server
// makes up for those who are muted.
//
// https://daveprotocol.com/#silence-packets
func isSilence(b []byte) bool {
	return len(b) == 3 && b[0] == 0xf8 && b[1] == 0xff && b[2] == 0xfe
}
