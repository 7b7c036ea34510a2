package audio

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// OpusTags are the comments of a stream.
//
// https://www.rfc-editor.org/rfc/rfc7845#section-5.2
type OpusTags struct {
	Vendor   string   // the encoder
	Comments []string // "TITLE=...", in the order of the file
}

// Value returns the first comment of a name, "TITLE" for instance, without it.
// Case does not matter.
func (t OpusTags) Value(name string) string {
	for _, c := range t.Comments {
		if k, v, ok := strings.Cut(c, "="); ok && strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}

// maxTags is how much of the comments is looked at. Pictures can be larger:
// what is cut off is left out.
const maxTags = MaxPacket

// parseOpusTags reads the second packet of a stream, as much of it as is there.
func parseOpusTags(b []byte) (t OpusTags, ok bool) {
	b, ok = bytes.CutPrefix(b, []byte(opusTagsMagic))
	if !ok {
		return t, false
	}
	if t.Vendor, b, ok = tagString(b); !ok || len(b) < 4 {
		return t, true
	}
	n := binary.LittleEndian.Uint32(b)
	for b = b[4:]; n > 0; n-- {
		var c string
		if c, b, ok = tagString(b); !ok {
			break
		}
		t.Comments = append(t.Comments, c)
	}
	return t, true
}

// tagString cuts off a string with its length before it.
func tagString(b []byte) (s string, rest []byte, ok bool) {
	if len(b) < 4 {
		return "", nil, false
	}
	n := binary.LittleEndian.Uint32(b)
	if b = b[4:]; uint64(n) > uint64(len(b)) {
		return "", nil, false
	}
	return strings.ToValidUTF8(string(b[:n]), "\uFFFD"), b[n:], true
}

// append appends the comments as a packet.
func (t OpusTags) append(dst []byte) []byte {
	dst = append(dst, opusTagsMagic...)
	dst = appendTagString(dst, t.Vendor)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(t.Comments)))
	for _, c := range t.Comments {
		dst = appendTagString(dst, c)
	}
	return dst
}

func appendTagString(dst []byte, s string) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(s)))
	return append(dst, s...)
}
