package etf

import (
	"encoding/binary"
	"strconv"
)

// A frame is an open container.
type frame struct {
	left  int // elements to come, pairs in a map
	class class
}

// AppendJSON appends the JSON form of one term to dst. Data is such a term, or
// a whole message (then it starts with the version byte 131), with nothing
// after it. The JSON is compact. Dst grows by at most six bytes for each byte
// of data and its capacity by some more, into which AppendJSON may write; the
// two must not overlap. With an error, a [*SyntaxError], the result is dst.
func (c Codec) AppendJSON(dst, data []byte) ([]byte, error) {
	if len(data) > maxInput {
		return dst, &SyntaxError{Err: ErrSize}
	}
	i := 0
	if len(data) > 0 && data[0] == version {
		i = 1
	}
	out := grow(dst[:cap(dst)], len(dst), len(data)+slack)
	out, n, i, err := writeTerm(out, len(dst), data, i, c.maxDepth())
	if err == nil && i < len(data) {
		err = ErrTrailing
	}
	if err != nil {
		return dst, &SyntaxError{Offset: i, Err: err}
	}
	return out[:n], nil
}

// writeTerm writes the term at src[i] to out[n:], and returns the index behind
// it, or where it is wrong. Instead of calling itself it keeps the open
// containers on a stack, and it writes a comma behind every value, which the
// end of the container then overwrites.
//
// At the head of each round out has slack bytes left. Text that is not short
// asks for its own room, anything else fits. It is one long function because
// each call in this loop costs as much as most terms.
func writeTerm(out []byte, n int, src []byte, i, maxDepth int) ([]byte, int, int, error) {
	var shallow [32]frame
	stack := shallow[:0]
	top := frame{left: 1} // of no class: the whole
	var err error
	for {
		if len(out)-n < slack {
			out = grow(out, n, slack)
		}
		if top.left == 0 {
			if top.class == classNone {
				return out, n - 1, i, nil
			}
			if n, i, err = closeContainer(out, n, src, i, top.class); err != nil {
				return out, n, i, err
			}
			top, stack = stack[len(stack)-1], stack[:len(stack)-1]
			continue
		}
		top.left--
		if top.class == classMap {
			if head, size := shortAtom(src[i:]); head > 0 && writeShort(out[n:], src[i+head:], uint(size)) {
				i += head + size
				n += size + 3
				out[n-1] = ':'
			} else if out, n, i, err = writeKey(out, n, src, i); err != nil {
				return out, n, i, err
			}
		}
		if i >= len(src) {
			return out, n, i, ErrTruncated
		}
		class, start, end := measure(src, i)
		switch class {
		case classText:
			c := ordinary
			if src[i] != tagBinary {
				c = constantOf(src[start:end])
			}
			switch {
			case c != ordinary:
				n = c.write(out, n)
			case writeShort(out[n:], src[start:], uint(end-start)):
				n += end - start + 2
			default:
				out, n = writeText(out, n, src, start, end)
			}
		case classLeaf:
			if out, n, err = writeLeaf(out, n, src[i:end]); err != nil {
				return out, n, i, err
			}
		case classNone:
			return out, n, i, refusal(src[i])
		default:
			if len(stack) >= maxDepth {
				return out, n, i, ErrDepth
			}
			stack = append(stack, top)
			top = frame{left: end - start, class: class}
			n = openContainer(out, n, class)
			i = start
			continue
		}
		out[n] = ','
		n++
		i = end
	}
}

// writeKey writes the key at src[i] and a colon.
func writeKey(out []byte, n int, src []byte, i int) ([]byte, int, int, error) {
	if i >= len(src) {
		return out, n, i, ErrTruncated
	}
	class, start, end := measure(src, i)
	switch class {
	case classText:
		out, n = writeText(out, n, src, start, end)
	case classLeaf:
		var err error
		if n, err = writeIntegerKey(out, n, src[i:end]); err != nil {
			return out, n, i, err
		}
	case classNone:
		return out, n, i, refusal(src[i])
	default:
		return out, n, i, ErrKey
	}
	out[n] = ':'
	return out, n + 1, end, nil
}

// openContainer writes the opening bracket.
func openContainer(out []byte, n int, c class) int {
	out[n] = '['
	if c == classMap {
		out[n] = '{'
	}
	return n + 1
}

// closeContainer writes the closing bracket and a comma. It reads the tail of
// a list, which must be NIL.
func closeContainer(out []byte, n int, src []byte, i int, c class) (int, int, error) {
	if c == classList {
		switch {
		case i >= len(src):
			return n, i, ErrTruncated
		case src[i] != tagNil:
			return n, i, ErrImproper
		}
		i++
	}
	if out[n-1] == ',' {
		n--
	}
	out[n] = ']'
	if c == classMap {
		out[n] = '}'
	}
	out[n+1] = ','
	return n + 2, i, nil
}

// writeIntegerKey writes a whole term, which must be an integer, as a string.
func writeIntegerKey(out []byte, n int, term []byte) (int, error) {
	switch term[0] {
	case tagSmallInteger, tagInteger:
		key, _ := smallNumber(term)
		out[n] = '"'
		n = len(strconv.AppendInt(out[:n+1], key, 10))
		out[n] = '"'
		return n + 1, nil
	case tagSmallBig, tagLargeBig:
		text, err := appendBig(out[:n], term, true)
		return len(text), err
	}
	return n, ErrKey
}

// writeLeaf writes a whole term that is neither text nor container.
func writeLeaf(out []byte, n int, term []byte) ([]byte, int, error) {
	switch term[0] {
	case tagSmallInteger:
		return out, writeByte(out, n, term[1]), nil
	case tagInteger:
		number := int32(binary.BigEndian.Uint32(term[1:]))
		return out, len(strconv.AppendInt(out[:n], int64(number), 10)), nil
	case tagSmallBig, tagLargeBig:
		text, err := appendBig(out[:n], term, false)
		return out, len(text), err
	case tagNewFloat, tagFloat:
		text, err := appendFloatTerm(out[:n], term)
		return out, len(text), err
	case tagNil:
		return out, n + copy(out[n:], "[]"), nil
	}
	// What remains is STRING, a list of bytes.
	bytes := term[3:]
	out = grow(out, n, 4*len(bytes)+slack)
	out[n] = '['
	n++
	for _, b := range bytes {
		n = writeByte(out, n, b)
		out[n] = ','
		n++
	}
	if len(bytes) > 0 {
		n--
	}
	out[n] = ']'
	return out, n + 1, nil
}

// writeByte writes a number of one to three digits.
func writeByte(out []byte, n int, b byte) int {
	if b >= 100 {
		out[n] = '0' + b/100
		n++
	}
	if b >= 10 {
		out[n] = '0' + b/10%10
		n++
	}
	out[n] = '0' + b%10
	return n + 1
}
