package audio

import (
	"encoding/binary"
	"errors"
)

// How the sizes of the packets of a block are written.
//
// https://www.rfc-editor.org/rfc/rfc9559#section-10.3
const (
	lacingMask  = 0x06
	lacingXiph  = 0x02
	lacingFixed = 0x04
	lacingEBML  = 0x06
)

var errBlock = errors.New("malformed block")

// A block is some packets of one track. Its slices are those of the caller.
type block struct {
	track uint64
	ticks int16 // from the timestamp of the cluster
	sizes []int
	data  []byte
}

// parse reads a SimpleBlock, or a Block. The sizes that b had are overwritten.
func (b *block) parse(data []byte) error {
	track, n, _, err := vintValue(data)
	if err != nil {
		return err
	}
	if data = data[n:]; len(data) < 3 {
		return errBlock
	}
	b.track, b.ticks, b.sizes = track, int16(binary.BigEndian.Uint16(data)), b.sizes[:0]
	flags := data[2]
	data = data[3:]
	if flags&lacingMask == 0 {
		b.sizes, b.data = append(b.sizes, len(data)), data
		return nil
	}
	if len(data) == 0 {
		return errBlock
	}
	count := int(data[0]) // besides the last one
	data = data[1:]
	switch flags & lacingMask {
	case lacingXiph:
		data, err = b.xiph(data, count)
	case lacingEBML:
		data, err = b.ebml(data, count)
	case lacingFixed:
		for range count {
			b.sizes = append(b.sizes, len(data)/(count+1))
		}
	}
	if err != nil {
		return err
	}
	return b.last(data)
}

// last adds the packet whose size is what the others leave.
func (b *block) last(data []byte) error {
	rest := len(data)
	for _, n := range b.sizes {
		if rest -= n; rest < 0 {
			return errBlock
		}
	}
	b.sizes, b.data = append(b.sizes, rest), data
	return nil
}

func (b *block) xiph(data []byte, count int) ([]byte, error) {
	for range count {
		size := 0
		for more := true; more; {
			if len(data) == 0 {
				return nil, errBlock
			}
			size += int(data[0])
			more = data[0] == 255
			data = data[1:]
		}
		b.sizes = append(b.sizes, size)
	}
	return data, nil
}

// ebml reads the first size, and by how much the others differ from the one
// before.
func (b *block) ebml(data []byte, count int) ([]byte, error) {
	var size int64
	for i := range count {
		v, n, _, err := vintValue(data)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			size = int64(v)
		} else {
			size += int64(v) - (1<<(7*n-1) - 1)
		}
		if data = data[n:]; size < 0 || size > int64(len(data)) {
			return nil, errBlock
		}
		b.sizes = append(b.sizes, int(size))
	}
	return data, nil
}
