package etf

import (
	"encoding/binary"
	"math"
	"strconv"
)

// AppendJSON appends the JSON form of one term to dst. Data is such a term, or
// a whole message (then it starts with the version byte 131), with nothing
// after it. The JSON is compact. The two must not overlap.
//
// Dst grows by at most six bytes for each byte of data, and to at most limit
// bytes, beyond which the error is [ErrSize]. Its capacity may become 65 bytes
// more, into which AppendJSON may write. With an error, a [*SyntaxError], the
// result is dst.
func (c Codec) AppendJSON(dst, data []byte, limit int) ([]byte, error) {
	if len(data) > maxInput {
		return dst, &SyntaxError{Err: ErrSize}
	}
	// A comma is written behind the value.
	limit = min(limit, math.MaxInt-slack-1) + 1
	w := writer{src: data, n: len(dst), top: opened(inNothing, 1), maxDepth: c.maxDepth(), limit: limit}
	if len(data) > 0 && data[0] == version {
		w.i = 1
	}
	var err error
	if w.out, err = grow(dst[:cap(dst)], len(dst), min(len(data), max(limit-len(dst), 0)), limit); err == nil {
		err = w.term()
	}
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
	limit    int  // of n
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
	if w.out, err = grow(w.out, w.n, 0, w.limit); err != nil {
		return false, err
	}
	switch {
	case w.top == inNothing:
		w.n-- // the comma
		return true, nil
	case w.top < element:
		return false, w.end()
	case w.top&kinds == inMap && !w.keyed:
		if err = w.key(); err != nil {
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
		err = w.text(start, end)
	case classLeaf:
		err = w.leaf(w.src[w.i:end])
	default:
		return w.container(class, start, end-start)
	}
	if err != nil {
		return err
	}
	w.out[w.n] = ','
	w.n++
	w.i = end
	return nil
}

// text writes the text src[start:end] of the term at src[i].
func (w *writer) text(start, end int) (err error) {
	if w.src[w.i] != tagBinary {
		if name := constantOf(w.src[start:end]); name != "" {
			w.n += copy(w.out[w.n:], name)
			return nil
		}
	}
	w.out, w.n, err = writeText(w.out, w.n, w.src, start, end, w.limit)
	return err
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

// key writes the key at src[i] and a colon.
func (w *writer) key() (err error) {
	if w.i >= len(w.src) {
		return ErrTruncated
	}
	class, start, end := measure(w.src, w.i)
	switch class {
	case classText:
		w.out, w.n, err = writeText(w.out, w.n, w.src, start, end, w.limit)
	case classLeaf:
		w.n, err = writeIntegerKey(w.out, w.n, w.src[w.i:end])
	case classNone:
		err = refusal(w.src[w.i])
	default:
		err = ErrKey
	}
	if err != nil {
		return err
	}
	w.out[w.n] = ':'
	w.n++
	w.i = end
	return nil
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

// leaf writes a whole term that is neither text nor container.
func (w *writer) leaf(term []byte) (err error) {
	text := w.out[:w.n]
	switch term[0] {
	case tagSmallInteger:
		w.n = writeByte(w.out, w.n, term[1])
		return nil
	case tagInteger:
		number := int32(binary.BigEndian.Uint32(term[1:]))
		text = strconv.AppendInt(text, int64(number), 10)
	case tagSmallBig, tagLargeBig:
		text, err = appendBig(text, term, false)
	case tagNewFloat, tagFloat:
		text, err = appendFloatTerm(text, term)
	case tagNil:
		text = append(text, "[]"...)
	default:
		return w.bytes(term[3:])
	}
	w.n = len(text)
	return err
}

// bytes writes the contents of a STRING, which is a list of bytes.
func (w *writer) bytes(list []byte) (err error) {
	w.out[w.n] = '['
	w.n++
	for i, b := range list {
		if w.out, err = grow(w.out, w.n, 2*(len(list)-i), w.limit); err != nil {
			return err
		}
		w.n = writeByte(w.out, w.n, b)
		w.out[w.n] = ','
		w.n++
	}
	if len(list) > 0 {
		w.n--
	}
	w.out[w.n] = ']'
	w.n++
	return nil
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
