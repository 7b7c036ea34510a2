package rtp

// maxFrames is how many frames a packet has at most: 120 ms of the shortest.
const maxFrames = 48

// maxFrameSize is the size in bytes of the largest frame.
//
// https://www.rfc-editor.org/rfc/rfc6716#section-3.2.1
const maxFrameSize = 1275

// AppendFrames appends the frames of an Opus packet to dst, without what holds
// them together. They are parts of the packet. The error is [ErrOpus]; dst is
// then returned as it was.
//
// https://www.rfc-editor.org/rfc/rfc6716#section-3.2
func AppendFrames(dst [][]byte, packet []byte) ([][]byte, error) {
	if _, err := Samples(packet); err != nil {
		return dst, err
	}
	rest := packet[1:]
	switch packet[0] & 3 {
	case 0:
		return appendEqual(dst, rest, 1)
	case 1:
		return appendEqual(dst, rest, 2)
	case 2:
		return appendSized(dst, rest, 2)
	}
	count := rest[0]
	rest, ok := withoutPadding(rest[1:], count&0x40 != 0)
	switch {
	case !ok:
		return dst, ErrOpus
	case count&0x80 != 0:
		return appendSized(dst, rest, int(count&0x3f))
	}
	return appendEqual(dst, rest, int(count&0x3f))
}

// withoutPadding takes the padding off the end, and its length off the start.
func withoutPadding(b []byte, padded bool) ([]byte, bool) {
	padding := 0
	for more := padded; more; {
		if len(b) == 0 {
			return nil, false
		}
		n := int(b[0])
		b = b[1:]
		if more = n == 255; more {
			n = 254
		}
		padding += n
	}
	if padding > len(b) {
		return nil, false
	}
	return b[:len(b)-padding], true
}

// appendEqual appends n frames of the same size.
func appendEqual(dst [][]byte, b []byte, n int) ([][]byte, error) {
	size := len(b) / n
	if size*n != len(b) || size > maxFrameSize {
		return dst, ErrOpus
	}
	for i := range n {
		dst = append(dst, b[i*size:(i+1)*size])
	}
	return dst, nil
}

// appendSized appends n frames, behind the sizes of all but the last.
func appendSized(dst [][]byte, b []byte, n int) ([][]byte, error) {
	var sizes [maxFrames]int
	total := 0
	for i := range n - 1 {
		size, used := readFrameSize(b)
		if used == 0 {
			return dst, ErrOpus
		}
		sizes[i] = size
		total += size
		b = b[used:]
	}
	if total > len(b) || len(b)-total > maxFrameSize {
		return dst, ErrOpus
	}
	sizes[n-1] = len(b) - total
	for _, size := range sizes[:n] {
		dst = append(dst, b[:size])
		b = b[size:]
	}
	return dst, nil
}

// readFrameSize reads the size of a frame, and returns how many bytes that took, 0
// if they are not there.
//
// https://www.rfc-editor.org/rfc/rfc6716#section-3.2.1
func readFrameSize(b []byte) (size, used int) {
	switch {
	case len(b) == 0:
		return 0, 0
	case b[0] < 252:
		return int(b[0]), 1
	case len(b) < 2:
		return 0, 0
	}
	return int(b[1])*4 + int(b[0]), 2
}

func appendFrameSize(dst []byte, size int) []byte {
	if size < 252 {
		return append(dst, byte(size))
	}
	first := 252 + size&3
	return append(dst, byte(first), byte((size-first)/4))
}

// Repacketize calls yield with Opus packets of at most limit bytes that hold the
// frames of a packet, in order, each packet with as many as fit. It reports
// false, without a call, if a single frame does not fit. Nothing is decoded. The
// memory of the packets is used again for each call. The error is [ErrOpus].
func Repacketize(packet []byte, limit int, yield func(packet []byte)) (fits bool, err error) {
	var memory [maxFrames][]byte
	frames, err := AppendFrames(memory[:0], packet)
	if err != nil {
		return false, err
	}
	for _, f := range frames {
		if 1+len(f) > limit {
			return false, nil
		}
	}
	b := make([]byte, 0, limit)
	for len(frames) > 0 {
		n, size := 1, 2+len(frames[0])
		for n < len(frames) && size+len(appendFrameSize(nil, len(frames[n-1])))+len(frames[n]) <= limit {
			size += len(appendFrameSize(nil, len(frames[n-1]))) + len(frames[n])
			n++
		}
		yield(appendPacket(b, packet[0], frames[:n]))
		frames = frames[n:]
	}
	return true, nil
}

// appendPacket appends a packet with the configuration of another one.
func appendPacket(dst []byte, toc byte, frames [][]byte) []byte {
	if len(frames) == 1 {
		return append(append(dst, toc&^3), frames[0]...)
	}
	dst = append(dst, toc|3, 0x80|byte(len(frames)))
	for _, f := range frames[:len(frames)-1] {
		dst = appendFrameSize(dst, len(f))
	}
	for _, f := range frames {
		dst = append(dst, f...)
	}
	return dst
}
