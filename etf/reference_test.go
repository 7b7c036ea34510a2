package etf

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// A reference is a second decoder, as slow and simple as possible. It shares
// nothing with the first but the numbers of the tags.
type reference struct {
	src   []byte
	depth int
}

var errReference = errors.New("reference: refused")

// referenceJSON returns the value that a message or term stands for, in the
// form that encoding/json gives a value of type any when it uses json.Number.
func referenceJSON(src []byte, maxDepth int) (any, error) {
	if len(src) > 0 && src[0] == 131 {
		src = src[1:]
	}
	r := reference{src: src, depth: maxDepth}
	v, err := r.term()
	if err == nil && len(r.src) > 0 {
		err = errReference
	}
	return v, err
}

func (r *reference) take(n uint64) ([]byte, error) {
	if n > uint64(len(r.src)) {
		return nil, errReference
	}
	taken := r.src[:n]
	r.src = r.src[n:]
	return taken, nil
}

// size reads an unsigned number of some bytes.
func (r *reference) size(width uint64) (uint64, error) {
	b, err := r.take(width)
	if err != nil {
		return 0, err
	}
	return new(big.Int).SetBytes(b).Uint64(), nil
}

func (r *reference) text(width uint64) (string, error) {
	n, err := r.size(width)
	if err != nil {
		return "", err
	}
	b, err := r.take(n)
	return string(bytes.ToValidUTF8(perByte(b), []byte("\ufffd"))), err
}

// perByte puts a replacement in the place of each invalid byte: ToValidUTF8
// alone would put one in the place of each run.
func perByte(b []byte) []byte {
	var out []byte
	for _, r := range string(b) {
		out = append(out, string(r)...)
	}
	return out
}

func (r *reference) term() (any, error) {
	tag, err := r.size(1)
	if err != nil {
		return nil, err
	}
	switch tag {
	case tagSmallInteger:
		n, err := r.size(1)
		return json.Number(strconv.FormatUint(n, 10)), err
	case tagInteger:
		n, err := r.size(4)
		return json.Number(strconv.Itoa(int(int32(uint32(n))))), err
	case tagNewFloat:
		b, err := r.take(8)
		if err != nil {
			return nil, err
		}
		return referenceFloat(math.Float64frombits(binary.BigEndian.Uint64(b)))
	case tagFloat:
		b, err := r.take(31)
		if err != nil {
			return nil, err
		}
		var f float64
		if err := json.Unmarshal([]byte(strings.TrimRight(string(b), "\x00")), &f); err != nil || bytes.ContainsAny(b, " \t\r\nn") {
			return nil, errReference
		}
		return referenceFloat(f)
	case tagSmallBig:
		return r.big(1)
	case tagLargeBig:
		return r.big(4)
	case tagBinary:
		return r.text(4)
	case tagAtom, tagAtomUTF8:
		return r.atom(2)
	case tagSmallAtom, tagSmallAtomUTF8:
		return r.atom(1)
	}
	return r.container(tag)
}

func referenceFloat(f float64) (any, error) {
	text, err := json.Marshal(f)
	return json.Number(text), err
}

func (r *reference) atom(width uint64) (any, error) {
	name, err := r.text(width)
	switch name {
	case "nil", "null":
		return nil, err
	case "true", "false":
		return name == "true", err
	}
	return name, err
}

func (r *reference) big(width uint64) (any, error) {
	n, err := r.size(width)
	if err != nil {
		return nil, err
	}
	sign, err := r.size(1)
	if err != nil {
		return nil, err
	}
	b, err := r.take(n)
	if err != nil {
		return nil, err
	}
	v := new(big.Int)
	for i := len(b) - 1; i >= 0; i-- {
		v.Lsh(v, 8).Or(v, big.NewInt(int64(b[i])))
	}
	if v.BitLen() > 64 {
		return nil, errReference
	}
	isString := v.Cmp(big.NewInt(1<<53)) > 0
	if sign != 0 {
		v.Neg(v)
	}
	if isString {
		return v.String(), nil
	}
	return json.Number(v.String()), nil
}

func (r *reference) container(tag uint64) (v any, err error) {
	var n uint64
	switch tag {
	case tagNil:
		return []any{}, nil
	case tagString:
		return r.bytes()
	case tagSmallTuple:
		n, err = r.size(1)
	case tagLargeTuple, tagList, tagMap:
		n, err = r.size(4)
	default:
		return nil, errReference
	}
	if r.depth--; err != nil || r.depth < 0 {
		return nil, errReference
	}
	defer func() { r.depth++ }()
	if tag == tagMap {
		return r.pairs(n)
	}
	list := []any{}
	for ; n > 0; n-- {
		element, err := r.term()
		if err != nil {
			return nil, err
		}
		list = append(list, element)
	}
	if tag == tagList {
		if tail, err := r.size(1); err != nil || tail != tagNil {
			return nil, errReference
		}
	}
	return list, nil
}

func (r *reference) bytes() (any, error) {
	n, err := r.size(2)
	if err != nil {
		return nil, err
	}
	b, err := r.take(n)
	list := []any{}
	for _, b := range b {
		list = append(list, json.Number(strconv.Itoa(int(b))))
	}
	return list, err
}

func (r *reference) pairs(n uint64) (any, error) {
	pairs := map[string]any{}
	for ; n > 0; n-- {
		key, err := r.key()
		if err != nil {
			return nil, err
		}
		if pairs[key], err = r.term(); err != nil {
			return nil, err
		}
	}
	return pairs, nil
}

func (r *reference) key() (string, error) {
	if len(r.src) == 0 {
		return "", errReference
	}
	switch tag := r.src[0]; tag {
	case tagAtom, tagAtomUTF8:
		r.src = r.src[1:]
		return r.text(2)
	case tagSmallAtom, tagSmallAtomUTF8:
		r.src = r.src[1:]
		return r.text(1)
	case tagBinary, tagSmallInteger, tagInteger, tagSmallBig, tagLargeBig:
		switch v, err := r.term(); v := v.(type) {
		case string:
			return v, err
		case json.Number:
			return v.String(), err
		}
	}
	return "", errReference
}
