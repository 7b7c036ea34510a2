package rtp

import "io"

// A Packet is a packet in clear, taken apart.
type Packet struct {
	Header
	ExtensionBody []byte // without its first word, which the header has
	Payload       []byte // what a codec, or end-to-end encryption, made
	PaddingSize   uint8  // bytes after the payload, the count of them included
}

// Unmarshal takes apart a packet that [Opener.Open] returned. The slices of p
// alias b. The padding is cut off before anybody looks for the trailer of an
// end-to-end encrypted frame at the end of the payload. A payload may be empty:
// packets of mere padding probe the bandwidth.
//
// The error is one of [Header.Unmarshal], [ErrExtension] or [ErrPadding], and
// leaves p as it was.
func (p *Packet) Unmarshal(b []byte) error {
	var h Header
	size, err := h.Unmarshal(b)
	if err != nil {
		return err
	}
	body := b[size:]
	extension := 4 * int(h.ExtensionWords)
	if extension > len(body) {
		return ErrExtension
	}
	payload := body[extension:]
	var padding uint8
	if h.Padding {
		if len(payload) == 0 {
			return ErrPadding
		}
		padding = payload[len(payload)-1]
		if padding == 0 || int(padding) > len(payload) {
			return ErrPadding
		}
	}
	end := len(payload) - int(padding)
	*p = Packet{
		Header:        h,
		ExtensionBody: body[:extension:extension],
		Payload:       payload[:end:end],
		PaddingSize:   padding,
	}
	return nil
}

// Size returns the size of the packet in bytes, before it is sealed.
func (p *Packet) Size() int {
	return p.Header.Size() + len(p.ExtensionBody) + len(p.Payload) + int(p.PaddingSize)
}

// MarshalTo writes the packet to the beginning of b, and returns its size. The
// fields Padding and ExtensionWords are taken from PaddingSize and the length
// of ExtensionBody, not from the header. The payload may lie in b already,
// anywhere behind the header.
//
// The error is one of [Header.MarshalTo], or [ErrHeader] for an extension body
// that is not announced, is not made of whole words, or is too long.
func (p *Packet) MarshalTo(b []byte) (int, error) {
	words, rest := len(p.ExtensionBody)/4, len(p.ExtensionBody)%4
	if rest != 0 || words > 0xffff || words > 0 && !p.Extension {
		return 0, ErrHeader
	}
	h := p.Header
	h.Padding = p.PaddingSize > 0
	h.ExtensionWords = uint16(words)
	size := p.Size()
	if len(b) < size {
		return 0, io.ErrShortBuffer
	}
	n, err := h.MarshalTo(b)
	if err != nil {
		return 0, err
	}
	// The payload first: it may lie where the extension goes.
	copy(b[n+len(p.ExtensionBody):], p.Payload)
	copy(b[n:], p.ExtensionBody)
	if p.PaddingSize > 0 {
		clear(b[size-int(p.PaddingSize) : size])
		b[size-1] = p.PaddingSize
	}
	return size, nil
}
