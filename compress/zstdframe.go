package compress

import "encoding/binary"

const (
	zstdMagic         = 0xfd2fb528
	zstdSkippable     = 0x184d2a50 // to 0x184d2a5f
	zstdSkippableMask = 0xfffffff0

	zstdBlockHeaderSize = 3
	zstdChecksumSize    = 4
	zstdMaxBlock        = 128 << 10
	zstdMinWindow       = 1 << 10

	zstdUnknownSize = ^uint64(0)
)

// A zstdFrame is what the header of a frame says: RFC 8878, section 3.1.1.1.
type zstdFrame struct {
	window   uint64 // how far back the blocks may reach
	content  uint64 // zstdUnknownSize where the header is silent
	checksum bool   // four bytes follow the last block
}

// parseZstdFrame reads the frame header that src begins with and returns its size, or zero while src is too short.
// src has at least 5 bytes.
func parseZstdFrame(src []byte) (h zstdFrame, size int, err error) {
	if binary.LittleEndian.Uint32(src) != zstdMagic {
		return h, 0, corrupt("no zstd frame")
	}
	descriptor := src[4]
	single := descriptor&0x20 != 0
	if descriptor&0x08 != 0 {
		return h, 0, corrupt("reserved bit of a zstd frame")
	}
	at := 5
	dict := at
	if !single {
		dict++
	}
	content := dict + int([4]uint8{0, 1, 2, 4}[descriptor&3])
	width := int([4]uint8{0, 2, 4, 8}[descriptor>>6])
	if width == 0 && single {
		width = 1
	}
	if size = content + width; len(src) < size {
		return h, 0, nil
	}
	for _, b := range src[dict:content] {
		if b != 0 {
			return h, 0, corrupt("zstd frame asks for a dictionary")
		}
	}
	h.checksum = descriptor&0x04 != 0
	h.content = zstdContentSize(src[content:size])
	h.window = h.content
	if !single {
		base := uint64(1) << (10 + src[at]>>3)
		h.window = base + base/8*uint64(src[at]&7)
	}
	return h, size, nil
}

// zstdContentSize decodes the frame content size: RFC 8878, section 3.1.1.1.4.
func zstdContentSize(field []byte) uint64 {
	switch len(field) {
	case 1:
		return uint64(field[0])
	case 2:
		return uint64(binary.LittleEndian.Uint16(field)) + 256
	case 4:
		return uint64(binary.LittleEndian.Uint32(field))
	case 8:
		return binary.LittleEndian.Uint64(field)
	}
	return zstdUnknownSize
}

// maxBlock is the most that a block of the frame may hold, compressed or not: RFC 8878, section 3.1.1.2.3.
func (h zstdFrame) maxBlock() int {
	return int(min(max(h.window, zstdMinWindow), zstdMaxBlock))
}

// appendHeader appends a header for the same blocks that declares a window of 1<<log bytes.
func (h zstdFrame) appendHeader(b []byte, log int) []byte {
	descriptor := byte(0)
	if h.checksum {
		descriptor |= 0x04
	}
	if h.content != zstdUnknownSize {
		descriptor |= 0xc0
	}
	b = binary.LittleEndian.AppendUint32(b, zstdMagic)
	b = append(b, descriptor, byte(log-10)<<3)
	if h.content != zstdUnknownSize {
		b = binary.LittleEndian.AppendUint64(b, h.content)
	}
	return b
}

// A zstdBlock is what the header of a block says: RFC 8878, section 3.1.1.2.
type zstdBlock struct {
	last  bool
	empty bool // an uncompressed block without content
	size  int  // of the header, the block, and the checksum where it follows
}

// parseBlock reads the block header that src, of at least 3 bytes, begins with.
func (h zstdFrame) parseBlock(src []byte) (b zstdBlock, err error) {
	header := uint32(src[0]) | uint32(src[1])<<8 | uint32(src[2])<<16
	kind, length := header>>1&3, int(header>>3)
	if kind == 3 || length > h.maxBlock() {
		return b, corrupt("zstd block header")
	}
	b.last = header&1 != 0
	b.empty = kind != 2 && length == 0
	b.size = zstdBlockHeaderSize + length
	if kind == 1 {
		b.size = zstdBlockHeaderSize + 1
	}
	if b.last && h.checksum {
		b.size += zstdChecksumSize
	}
	return b, nil
}
