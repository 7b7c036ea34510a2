package dave

import "bytes"

var longStartCode = []byte{0, 0, 0, 1}

// readNALUnits leaves clear what packetizers read of H264 and H265: all of a
// unit that is not of the video coding layer, and of the others the first
// bytes, as many as header says.
//
// Each start code gets four bytes. A depacketizer writes it so, whatever it
// was.
func (l *layout) readNALUnits(frame []byte, header func(unit []byte) int) bool {
	at, next := nextNALUnit(frame, 0)
	if next < 0 || len(bytes.Trim(frame[:at], "\x00")) > 0 {
		return false
	}
	for next >= 0 {
		start := next
		at, next = nextNALUnit(frame, start)
		unit := frame[start:at]
		n := header(unit)
		if n < 0 {
			return false
		}
		l.addClear(longStartCode...)
		l.addClear(unit[:n]...)
		l.addSealed(unit[n:])
	}
	return true
}

// nextNALUnit returns where the first start code at or after from begins, and
// where the unit behind it does: at the end of the frame and -1 if there is none.
func nextNALUnit(frame []byte, from int) (at, unit int) {
	i := bytes.Index(frame[from:], longStartCode[1:])
	if i < 0 {
		return len(frame), -1
	}
	at, unit = from+i, from+i+3
	if at > from && frame[at-1] == 0 {
		at--
	}
	return at, unit
}

// h264Header returns how much of a unit stays clear, -1 if it makes no sense.
// Of slices that is the header and what goes up to the id of the picture
// parameter set, which depacketizers read.
//
// https://www.itu.int/rec/T-REC-H.264 7.3.1, 7.3.3
func h264Header(unit []byte) int {
	const slice, partitionA, partitionC, idr = 1, 2, 4, 5
	if len(unit) < 1 {
		return -1
	}
	switch kind := unit[0] & 0x1f; {
	case kind == slice || kind == idr:
		return sliceHeader(unit)
	case kind >= partitionA && kind <= partitionC, kind >= 19 && kind <= 21:
		return 1
	}
	return len(unit)
}

// sliceHeader returns the size of a unit's header and of the three
// Exp-Golomb numbers behind it: first_mb_in_slice, slice_type,
// pic_parameter_set_id. It is -1 if they are too long or not there.
func sliceHeader(unit []byte) int {
	const numbers, maxZeros, emulationPrevention = 3, 31, 3
	read, zeros, skip := 0, 0, 0
	for i := 1; i < len(unit); i++ {
		if i >= 3 && unit[i] == emulationPrevention && unit[i-1] == 0 && unit[i-2] == 0 {
			continue
		}
		for bit := byte(0x80); bit > 0; bit >>= 1 {
			switch {
			case skip > 0:
				skip--
			case unit[i]&bit == 0:
				if zeros++; zeros > maxZeros {
					return -1
				}
				continue
			default:
				skip, zeros = zeros, 0
				read++
			}
			if read == numbers && skip == 0 {
				return i + 1
			}
		}
	}
	return -1
}

// h265Header returns how much of a unit stays clear, -1 if it makes no sense.
//
// https://www.itu.int/rec/T-REC-H.265 7.3.1.2
func h265Header(unit []byte) int {
	const size, firstNonVCL = 2, 32
	if len(unit) < size {
		return -1
	}
	if unit[0]>>1&0x3f < firstNonVCL {
		return size
	}
	return len(unit)
}

// hasStartCode reports whether encryption made a start code in a frame: one
// of which not every byte is clear.
func (l *layout) hasStartCode(frame []byte) bool {
	for from := 0; ; {
		i := bytes.Index(frame[from:], longStartCode[1:])
		if i < 0 {
			return false
		}
		from += i
		if l.touches(from, from+3) {
			return true
		}
		from += 3
	}
}
