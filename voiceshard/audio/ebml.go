package audio

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
)

// The elements of WebM and Matroska that matter here.
//
// https://www.rfc-editor.org/rfc/rfc9559#section-5.1
const (
	ebmlMagic    = "\x1a\x45\xdf\xa3"
	clusterMagic = "\x1f\x43\xb6\x75"

	idEBML         = 0x1a45dfa3
	idDocType      = 0x4282
	idSegment      = 0x18538067
	idSeekHead     = 0x114d9b74
	idSeek         = 0x4dbb
	idSeekID       = 0x53ab
	idSeekPosition = 0x53ac
	idInfo         = 0x1549a966
	idTimestamps   = 0x2ad7b1 // nanoseconds in a tick
	idDuration     = 0x4489
	idTracks       = 0x1654ae6b
	idTrack        = 0xae
	idTrackNumber  = 0xd7
	idTrackType    = 0x83
	idCodec        = 0x86
	idCodecPrivate = 0x63a2
	idCodecDelay   = 0x56aa
	idEncodings    = 0x6d80
	idEncoding     = 0x6240
	idCompression  = 0x5034
	idAlgorithm    = 0x4254
	idSettings     = 0x4255
	idEncryption   = 0x5035
	idCluster      = 0x1f43b675
	idTimestamp    = 0xe7
	idSimpleBlock  = 0xa3
	idBlockGroup   = 0xa0
	idBlock        = 0xa1
	idDiscard      = 0x75a2
	idCues         = 0x1c53bb6b
	idCue          = 0xbb
	idCueTime      = 0xb3
	idCuePositions = 0xb7
	idCueCluster   = 0xf1
)

// unknownSize is that of an element which goes on until one begins that cannot
// be in it.
const unknownSize = -1

// ebmlHead is the size in bytes of the longest head of an element.
const ebmlHead = 4 + 8

var (
	errEBML      = errors.New("malformed element")
	errEBMLShort = errors.New("the element is longer than the one it is in")
)

// vint reads an integer of variable length, of which the first bit that is set
// belongs to the length.
//
// https://www.rfc-editor.org/rfc/rfc8794#section-4
func vint(b []byte, longest int) (raw uint64, n int, err error) {
	if len(b) == 0 {
		return 0, 0, errEBML
	}
	n = bits.LeadingZeros8(b[0]) + 1
	if n > longest || n > len(b) {
		return 0, 0, errEBML
	}
	for _, v := range b[:n] {
		raw = raw<<8 | uint64(v)
	}
	return raw, n, nil
}

// vintValue is vint without the bit that tells the length. Whether all others
// are set is reported, too.
func vintValue(b []byte) (v uint64, n int, allOnes bool, err error) {
	raw, n, err := vint(b, 8)
	if err != nil {
		return 0, 0, false, err
	}
	mask := uint64(1)<<(7*n) - 1
	return raw & mask, n, raw&mask == mask, nil
}

// elementHead reads identifier and size of an element.
func elementHead(b []byte) (id uint32, size int64, n int, err error) {
	raw, n, err := vint(b, 4)
	if err != nil {
		return 0, 0, 0, err
	}
	v, k, unknown, err := vintValue(b[n:])
	switch {
	case err != nil:
		return 0, 0, 0, err
	case unknown:
		return uint32(raw), unknownSize, n + k, nil
	}
	return uint32(raw), int64(v), n + k, nil
}

// An element is one that is in memory.
type element struct {
	id   uint32
	data []byte
}

// nextElement cuts an element off.
func nextElement(b []byte) (e element, rest []byte, err error) {
	id, size, n, err := elementHead(b)
	if err != nil {
		return element{}, nil, err
	}
	b = b[n:]
	if size == unknownSize || size > int64(len(b)) {
		return element{}, nil, errEBMLShort
	}
	return element{id: id, data: b[:size]}, b[size:], nil
}

// each calls f with the elements in b.
func each(b []byte, f func(element) error) error {
	for len(b) > 0 {
		e, rest, err := nextElement(b)
		if err != nil {
			return err
		}
		if err := f(e); err != nil {
			return err
		}
		b = rest
	}
	return nil
}

// number returns the value of an unsigned integer.
func (e element) number() (uint64, error) {
	if len(e.data) > 8 {
		return 0, errEBML
	}
	var v uint64
	for _, c := range e.data {
		v = v<<8 | uint64(c)
	}
	return v, nil
}

// signed returns the value of a signed integer.
func (e element) signed() (int64, error) {
	v, err := e.number()
	shift := 64 - 8*len(e.data)
	if err != nil || shift == 64 {
		return 0, err
	}
	return int64(v<<shift) >> shift, nil
}

// float returns the value of a float, which has 0, 4 or 8 bytes.
func (e element) float() (float64, error) {
	switch len(e.data) {
	case 0:
		return 0, nil
	case 4:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(e.data))), nil
	case 8:
		return math.Float64frombits(binary.BigEndian.Uint64(e.data)), nil
	}
	return 0, errEBML
}
