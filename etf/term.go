package etf

import "encoding/binary"

// version starts every message in the external term format. It is no term's
// tag, so that a message cannot be mistaken for a bare term.
const version = 131

// The first byte of a term tells its kind.
// https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
const (
	tagNewFloat      = 70
	tagCompressed    = 80
	tagSmallInteger  = 97
	tagInteger       = 98
	tagFloat         = 99
	tagAtom          = 100
	tagSmallTuple    = 104
	tagLargeTuple    = 105
	tagNil           = 106
	tagString        = 107
	tagList          = 108
	tagBinary        = 109
	tagSmallBig      = 110
	tagLargeBig      = 111
	tagSmallAtom     = 115
	tagMap           = 116
	tagAtomUTF8      = 118
	tagSmallAtomUTF8 = 119
)

// A layout says how long a term is: head bytes and, unless it is a container,
// a payload. How many bytes that has, or elements the container, stands after
// the tag: in as many of four bytes as shift leaves, see [layout.count].
// The layout of a tag that is refused is zero.
type layout struct {
	head  uint8 // tag, size and sign
	shift uint8 // 32 if there is no size
	class class
	_     uint8 // to find an entry without multiplying
}

type class uint8

const (
	classNone class = iota
	classLeaf
	classText // leaf whose payload is text: binaries and atoms
	classTuple
	classList
	classMap
)

const (
	size8  = 24
	size16 = 16
	size32 = 0
	noSize = 32
)

var layouts = [256]layout{
	tagNewFloat:      {head: 9, shift: noSize, class: classLeaf},
	tagSmallInteger:  {head: 2, shift: noSize, class: classLeaf},
	tagInteger:       {head: 5, shift: noSize, class: classLeaf},
	tagFloat:         {head: 32, shift: noSize, class: classLeaf},
	tagAtom:          {head: 3, shift: size16, class: classText},
	tagSmallTuple:    {head: 2, shift: size8, class: classTuple},
	tagLargeTuple:    {head: 5, shift: size32, class: classTuple},
	tagNil:           {head: 1, shift: noSize, class: classLeaf},
	tagString:        {head: 3, shift: size16, class: classLeaf},
	tagList:          {head: 5, shift: size32, class: classList},
	tagBinary:        {head: 5, shift: size32, class: classText},
	tagSmallBig:      {head: 3, shift: size8, class: classLeaf},
	tagLargeBig:      {head: 6, shift: size32, class: classLeaf},
	tagSmallAtom:     {head: 2, shift: size8, class: classText},
	tagMap:           {head: 5, shift: size32, class: classMap},
	tagAtomUTF8:      {head: 3, shift: size16, class: classText},
	tagSmallAtomUTF8: {head: 2, shift: size8, class: classText},
}

// count reads the declared size from word, the four bytes after the tag.
func (l *layout) count(word uint32) uint64 { return uint64(word) >> (l.shift & 63) }

// measure reads the head of the term at src[i], which must be a byte of src. It
// returns the term's class, the index where its head ends, and that plus the
// declared bytes of payload or number of elements: for a leaf the end of the
// term. It lies within src, as an element has a byte at least. The class is
// zero if there is no such term; [refusal] then tells why.
func measure(src []byte, i int) (c class, start, end int) {
	var word uint32
	if len(src)-i >= 5 {
		word = binary.BigEndian.Uint32(src[i+1:])
	} else {
		word = lastWord(src[i:])
	}
	l := &layouts[src[i]]
	size := uint64(l.head) + l.count(word)
	if size > uint64(len(src)-i) {
		return classNone, i, i
	}
	return l.class, i + int(l.head), i + int(size)
}

// textHead returns the sizes of head and text if src starts with text, in one
// of its five forms, and goes on for some bytes. It is quicker than measure,
// and does not look for the end of the text.
func textHead(src []byte) (head, size uint) {
	if len(src) < 5 {
		return 0, 0
	}
	switch src[0] {
	case tagSmallAtom, tagSmallAtomUTF8:
		return 2, uint(src[1])
	case tagAtom, tagAtomUTF8:
		return 3, uint(binary.BigEndian.Uint16(src[1:]))
	case tagBinary:
		return 5, uint(binary.BigEndian.Uint32(src[1:]))
	}
	return 0, 0
}

// lastWord is the four bytes after the first of rest, zero where there are none:
// a head that needs these does not fit anyway.
func lastWord(rest []byte) uint32 {
	var word [4]byte
	copy(word[:], rest[1:])
	return binary.BigEndian.Uint32(word[:])
}

// refusal is what is wrong with a term that cannot be measured.
func refusal(tag byte) error {
	switch {
	case layouts[tag].class != classNone:
		return ErrTruncated
	case tag == tagCompressed:
		return ErrCompressed
	}
	return ErrUnsupported
}

// skip returns the index behind the term at src[i]. It follows the structure
// and judges nothing that does not affect it: neither nesting, as it needs no
// memory, nor keys, tails and numbers.
func skip(src []byte, i int) (int, error) {
	for terms := uint(1); terms > 0; terms-- {
		if i >= len(src) {
			return i, ErrTruncated
		}
		if head, size := textHead(src[i:]); head > 0 && size <= uint(len(src)-i)-head {
			i += int(head + size)
			continue
		}
		c, start, end := measure(src, i)
		if c == classLeaf || c == classText {
			i = end
			continue
		}
		switch c {
		case classNone:
			return i, refusal(src[i])
		case classList:
			terms++ // the tail
		case classMap:
			terms += uint(end - start)
		}
		i = start
		// Each term has a byte at least. Stopping here keeps the sum small, too.
		if terms += uint(end - start); terms-1 > uint(len(src)-i) {
			return i, ErrTruncated
		}
	}
	return i, nil
}
