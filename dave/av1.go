package dave

// readOBUs leaves the headers and the sizes of the open bitstream units of an
// AV1 frame clear. It drops the units that packetizers drop, writes sizes in
// their shortest form and takes the size from the last unit: what follows it
// belongs to it.
//
// https://daveprotocol.com/#av1
func (l *layout) readOBUs(frame []byte) bool {
	last, ok := lastOBU(frame)
	if !ok {
		return false
	}
	for at := 0; at <= last; {
		u, _ := readOBU(frame[at:])
		switch {
		case u.dropped():
		case at == last:
			l.addClear(frame[at] &^ obuHasSize)
			l.addClear(frame[at+1 : at+u.header]...)
			l.addSealed(u.payload)
		default:
			l.addClear(frame[at : at+u.header]...)
			if u.sized {
				var size [5]byte
				l.addClear(appendULEB128(size[:0], uint32(len(u.payload)))...)
			}
			l.addSealed(u.payload)
		}
		at += u.size
	}
	return true
}

const (
	obuHasExtension = 0x04
	obuHasSize      = 0x02
)

// An obu is one open bitstream unit.
//
// https://aomediacodec.github.io/av1-spec/#obu-header-syntax
type obu struct {
	kind    byte
	header  int // bytes before the size
	sized   bool
	payload []byte
	size    int // of all
}

// dropped reports whether packetizers drop u: temporal delimiters, tile lists
// and padding.
func (u *obu) dropped() bool { return u.kind == 2 || u.kind == 8 || u.kind == 15 }

// readOBU returns the unit at the front of b. One without a size is the rest.
func readOBU(b []byte) (obu, bool) {
	if len(b) == 0 {
		return obu{}, false
	}
	u := obu{kind: b[0] >> 3 & 0xf, header: 1, sized: b[0]&obuHasSize != 0}
	if b[0]&obuHasExtension != 0 {
		u.header++
	}
	if u.header > len(b) {
		return obu{}, false
	}
	if !u.sized {
		u.payload, u.size = b[u.header:], len(b)
		return u, true
	}
	size, n := uleb128(b[u.header:])
	rest := b[u.header+n:]
	if n == 0 || uint64(size) > uint64(len(rest)) {
		return obu{}, false
	}
	u.payload, u.size = rest[:size], u.header+n+int(size)
	return u, true
}

// lastOBU returns where the last unit begins that is not dropped. False says
// that there is none, or that the frame is malformed.
func lastOBU(frame []byte) (last int, ok bool) {
	for at := 0; at < len(frame); {
		u, valid := readOBU(frame[at:])
		if !valid {
			return 0, false
		}
		if !u.dropped() {
			last, ok = at, true
		}
		at += u.size
	}
	return last, ok
}
