package etf

import (
	"encoding/binary"
	"strconv"
)

// AppendJSON appends the JSON form of one term to dst. Data is such a term, or
// a whole message (then it starts with the version byte 131), with nothing
// after it. The JSON is compact. Dst grows by at most six bytes for each byte
// of data and its capacity by some more, into which AppendJSON may write; the
// two must not overlap. With an error, a [*SyntaxError], the result is dst.
func (c Codec) AppendJSON(dst, data []byte) ([]byte, error) {
	if len(data) > maxInput {
		return dst, &SyntaxError{Err: ErrSize}
	}
	w := writer{src: data, n: len(dst), top: opened(inNothing, 1), maxDepth: c.maxDepth()}
	if len(data) > 0 && data[0] == version {
		w.i = 1
	}
	w.out = grow(dst[:cap(dst)], len(dst), len(data)+slack)
	err := w.term()
	if err == nil && w.i < len(data) {
		err = ErrTrailing
	}
	if err != nil {
		return dst, &SyntaxError{Offset: w.i, Err: err}
	}
	return w.out[:w.n], nil
}

// A writer writes the term at src[i] as JSON to out[n:]. Instead of calling
// itself it keeps the open containers on a stack, and it writes a comma behind
// every value, which the end of the container then overwrites.
//
// At the head of each step out has slack bytes left. Text that is not short
// asks for its own room, anything else fits.
type writer struct {
	src      []byte
	out      []byte
	i, n     int
	top      frame // the innermost container
	around   frames
	maxDepth int
	keyed    bool // the key of the pair that is next is written
	last     [2 * reach]byte
}

// term writes the whole term. After an error, src[i] is what is wrong. Most
// of the work is done by [writeTerm]; where that gives up, one step is taken in
// the general way.
func (w *writer) term() error {
	for {
		if len(w.src)-w.i >= tip {
			writeTerm(w)
		}
		if done, err := w.step(); done || err != nil {
			return err
		}
	}
}

// step writes one element or the end of a container, whatever it is. It reports
// true at the end of the whole term.
func (w *writer) step() (done bool, err error) {
	w.out = grow(w.out, w.n, slack)
	switch {
	case w.top == inNothing:
		w.n-- // the comma
		return true, nil
	case w.top < element:
		return false, w.end()
	case w.top&kinds == inMap && !w.keyed:
		if w.out, w.n, w.i, err = writeKey(w.out, w.n, w.src, w.i); err != nil {
			return false, err
		}
	}
	w.keyed = false
	w.top -= element
	return false, w.value()
}

// end writes the closing bracket. It reads the tail of a list, which must be NIL.
func (w *writer) end() error {
	if w.top == inList {
		switch {
		case w.i >= len(w.src):
			return ErrTruncated
		case w.src[w.i] != tagNil:
			return ErrImproper
		}
		w.i++
	}
	if w.out[w.n-1] == ',' {
		w.n--
	}
	w.out[w.n] = ']'
	if w.top == inMap {
		w.out[w.n] = '}'
	}
	w.out[w.n+1] = ','
	w.n += 2
	w.top = w.around.pop()
	return nil
}

// value writes a value, or the opening bracket of a container.
func (w *writer) value() (err error) {
	if w.i >= len(w.src) {
		return ErrTruncated
	}
	class, start, end := measure(w.src, w.i)
	switch class {
	case classNone:
		return refusal(w.src[w.i])
	case classText:
		w.text(start, end)
	case classLeaf:
		if w.out, w.n, err = writeLeaf(w.out, w.n, w.src[w.i:end]); err != nil {
			return err
		}
	default:
		return w.container(class, start, end-start)
	}
	w.out[w.n] = ','
	w.n++
	w.i = end
	return nil
}

// text writes the text src[start:end] of the term at src[i].
func (w *writer) text(start, end int) {
	if w.src[w.i] != tagBinary {
		if name := constantOf(w.src[start:end]); name != "" {
			w.n += copy(w.out[w.n:], name)
			return
		}
	}
	w.out, w.n = writeText(w.out, w.n, w.src, start, end)
}

// container opens a container of some elements, which begin at src[start].
func (w *writer) container(c class, start, elements int) error {
	if w.around.depth >= w.maxDepth {
		return ErrDepth
	}
	w.around.push(w.top)
	bracket, kind := byte('['), inTuple
	switch c {
	case classMap:
		bracket, kind = '{', inMap
	case classList:
		kind = inList
	}
	w.top = opened(kind, uint(elements))
	w.out[w.n] = bracket
	w.n++
	w.i = start
	return nil
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
