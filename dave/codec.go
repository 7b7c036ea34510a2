package dave

// A Codec says which bytes of a frame packetizers read, and which are
// therefore not encrypted but only authenticated. Receivers need not know it.
//
// https://daveprotocol.com/#codec-handling
type Codec uint8

// The codecs. Frames of any other value are encrypted as a whole, and so are
// frames that are not what their codec wants.
const (
	Opus Codec = iota // nothing is clear
	VP8               // the first byte, ten of a key frame
	VP9               // nothing is clear
	H264              // start codes, parameter sets, NAL headers to the PPS id
	H265              // start codes, parameter sets, NAL headers
	AV1               // OBU headers and sizes
)

func (c Codec) String() string {
	if c > AV1 {
		return "unknown codec"
	}
	return [...]string{"Opus", "VP8", "VP9", "H264", "H265", "AV1"}[c]
}

// A layout is a frame before it is encrypted, sorted into what stays clear and
// what does not.
type layout struct {
	clear  []byte // in order, authenticated
	sealed []byte // in order, to be encrypted
	spans  []span // where clear goes in the frame
}

func (l *layout) reset() {
	l.clear, l.sealed, l.spans = l.clear[:0], l.sealed[:0], l.spans[:0]
}

func (l *layout) size() int { return len(l.clear) + len(l.sealed) }

func (l *layout) addClear(b ...byte) {
	if len(b) == 0 {
		return
	}
	at, size := uint32(l.size()), uint32(len(b))
	if n := len(l.spans); n > 0 && l.spans[n-1].end() == at {
		l.spans[n-1].size += size
	} else {
		l.spans = append(l.spans, span{at, size})
	}
	l.clear = append(l.clear, b...)
}

func (l *layout) addSealed(b []byte) { l.sealed = append(l.sealed, b...) }

// read sorts a frame.
func (l *layout) read(frame []byte, c Codec) {
	l.reset()
	ok := false
	switch c {
	case VP8:
		ok = l.readVP8(frame)
	case H264:
		ok = l.readNALUnits(frame, h264Header)
	case H265:
		ok = l.readNALUnits(frame, h265Header)
	case AV1:
		ok = l.readOBUs(frame)
	}
	if !ok {
		l.reset()
		l.addSealed(frame)
	}
}

// readVP8 leaves the payload header clear, and the rest of the uncompressed
// header of a key frame.
//
// https://datatracker.ietf.org/doc/html/rfc7741#section-4.3
func (l *layout) readVP8(frame []byte) bool {
	if len(frame) == 0 {
		return false
	}
	n := 1
	if frame[0]&1 == 0 {
		n = 10
	}
	if n > len(frame) {
		return false
	}
	l.addClear(frame[:n]...)
	l.addSealed(frame[n:])
	return true
}

// appendFrame appends the frame with sealed, the ciphertext, in its place.
func (l *layout) appendFrame(dst, sealed []byte) []byte {
	aad, at := l.clear, uint32(0)
	for _, s := range l.spans {
		n := s.offset - at
		dst = append(dst, sealed[:n]...)
		dst = append(dst, aad[:s.size]...)
		sealed, aad, at = sealed[n:], aad[s.size:], s.end()
	}
	return append(dst, sealed...)
}

// touches reports whether any byte of [from, to) of the frame, or of what
// follows it, is not clear.
func (l *layout) touches(from, to int) bool {
	for _, s := range l.spans {
		if int(s.offset) <= from && to <= int(s.end()) {
			return false
		}
	}
	return true
}
