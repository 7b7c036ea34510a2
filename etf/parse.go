package etf

import (
	"encoding/binary"
	"math"
	"strconv"
)

// AppendWire appends the message that says the JSON value json: the version
// byte and one term. It accepts what [encoding/json] accepts, in UTF-8 and
// with U+FFFD for what is not, but for nesting beyond [Codec.MaxDepth] and
// numbers that float64 does not hold. With an error, a [*SyntaxError], the
// result is dst. Dst and json must not overlap.
func (c Codec) AppendWire(dst, json []byte) ([]byte, error) {
	if len(json) > maxInput {
		return dst, &SyntaxError{Err: ErrSize}
	}
	p := parser{Codec: c, src: json, out: append(dst, version), depth: c.maxDepth()}
	err := p.value(false)
	if err == nil {
		if p.space(); p.pos < len(json) {
			err = ErrTrailing
		}
	}
	if err != nil {
		return dst, &SyntaxError{Offset: p.pos, Err: err}
	}
	return p.out, nil
}

// A parser translates JSON to terms. Its methods read at pos and leave it
// behind what they read, or where that is wrong.
type parser struct {
	Codec
	src   []byte
	pos   int
	out   []byte
	depth int // containers that may still open
}

// peek skips space and returns the next byte, zero at the end.
func (p *parser) peek() byte {
	p.space()
	if p.pos < len(p.src) {
		return p.src[p.pos]
	}
	return 0
}

func (p *parser) space() {
	for p.pos < len(p.src) {
		switch p.src[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// fail is what is wrong at pos.
func (p *parser) fail() error {
	if p.pos >= len(p.src) {
		return ErrTruncated
	}
	return ErrJSON
}

// value reads one value. If ids is set, it may be a snowflake, or an array of
// them, to be written as integers.
func (p *parser) value(ids bool) error {
	switch p.peek() {
	case '{':
		return p.object()
	case '[':
		return p.array(ids)
	case '"':
		if ids && p.snowflake() {
			return nil
		}
		return p.text()
	case 'n':
		return p.constant("null", "nil")
	case 't':
		return p.constant("true", "true")
	case 'f':
		return p.constant("false", "false")
	}
	return p.number()
}

func (p *parser) constant(name, atom string) error {
	for i := range len(name) {
		if p.pos >= len(p.src) || p.src[p.pos] != name[i] {
			return p.fail()
		}
		p.pos++
	}
	p.out = append(p.out, tagSmallAtom, byte(len(atom)))
	p.out = append(p.out, atom...)
	return nil
}

func (p *parser) array(ids bool) error {
	if err := p.open(); err != nil {
		return err
	}
	if p.peek() == ']' {
		p.out = append(p.out, tagNil)
		p.close()
		return nil
	}
	start := p.header(tagList)
	for count := uint32(1); ; count++ {
		if err := p.value(ids); err != nil {
			return err
		}
		switch p.peek() {
		case ',':
			p.pos++
		case ']':
			p.setCount(start, count)
			p.out = append(p.out, tagNil)
			p.close()
			return nil
		default:
			return p.fail()
		}
	}
}

func (p *parser) object() error {
	if err := p.open(); err != nil {
		return err
	}
	start := p.header(tagMap)
	if p.peek() == '}' {
		p.close()
		return nil
	}
	for count := uint32(1); ; count++ {
		if p.peek() != '"' {
			return p.fail()
		}
		ids, err := p.key()
		if err != nil {
			return err
		}
		if p.peek() != ':' {
			return p.fail()
		}
		p.pos++
		if err := p.value(ids); err != nil {
			return err
		}
		switch p.peek() {
		case ',':
			p.pos++
		case '}':
			p.setCount(start, count)
			p.close()
			return nil
		default:
			return p.fail()
		}
	}
}

func (p *parser) open() error {
	if p.depth == 0 {
		return ErrDepth
	}
	p.depth--
	p.pos++
	return nil
}

func (p *parser) close() {
	p.depth++
	p.pos++
}

// header appends a tag and four bytes for a count or a length, zero as yet, and
// returns their end.
func (p *parser) header(tag byte) int {
	p.out = append(p.out, tag, 0, 0, 0, 0)
	return len(p.out)
}

func (p *parser) setCount(end int, count uint32) {
	binary.BigEndian.PutUint32(p.out[end-4:], count)
}

// key reads the key of a pair, and reports whether its value may be a
// snowflake that is to be written as an integer.
func (p *parser) key() (ids bool, err error) {
	tag := len(p.out)
	if err := p.text(); err != nil {
		return false, err
	}
	name := p.out[tag+5:]
	ids = p.IntegerIDs && namesIDs(name)
	if p.AtomKeys && fitsAtom(name) {
		p.out[tag], p.out[tag+1] = tagSmallAtom, byte(len(name))
		p.out = p.out[:tag+2+copy(p.out[tag+2:], name)]
	}
	return ids, nil
}

// fitsAtom reports whether every decoder reads an atom of this name as a string.
func fitsAtom(name []byte) bool {
	if len(name) > math.MaxUint8 || constantOf(name) != "" {
		return false
	}
	for _, b := range name {
		if b >= 0x80 {
			return false
		}
	}
	return true
}

// namesIDs reports whether snowflakes stand under the key name.
func namesIDs(name []byte) bool {
	switch string(name) {
	case "id", "roles", "mention_roles":
		return true
	}
	n := len(name)
	return n > 3 && string(name[n-3:]) == "_id" || n > 4 && string(name[n-4:]) == "_ids"
}

// snowflake reads a string of digits that AppendJSON gives back as it is when
// it is written as an integer, and reports whether there was one.
func (p *parser) snowflake() bool {
	i := p.pos + 1
	if i >= len(p.src) || p.src[i] == '0' {
		return false
	}
	var n uint64
	for ; i < len(p.src) && '0' <= p.src[i] && p.src[i] <= '9'; i++ {
		digit := uint64(p.src[i] - '0')
		if n > (math.MaxUint64-digit)/10 {
			return false
		}
		n = n*10 + digit
	}
	if n <= maxSafe || i >= len(p.src) || p.src[i] != '"' {
		return false
	}
	p.pos = i + 1
	p.appendInteger(n, false)
	return true
}

// number reads a number.
func (p *parser) number() error {
	end, integer := scanNumber(p.src, p.pos)
	if end < 0 {
		p.pos = ^end
		return p.fail()
	}
	text := p.src[p.pos:end]
	if integer {
		if n, negative, ok := parseInteger(text); ok {
			p.appendInteger(n, negative)
			p.pos = end
			return nil
		}
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return ErrRange
	}
	p.out = append(p.out, tagNewFloat)
	p.out = binary.BigEndian.AppendUint64(p.out, math.Float64bits(f))
	p.pos = end
	return nil
}

// appendInteger appends the smallest term that holds an integer.
func (p *parser) appendInteger(magnitude uint64, negative bool) {
	sign := byte(0)
	limit := uint64(math.MaxInt32)
	if negative {
		sign, limit = 1, limit+1
	}
	switch {
	case magnitude <= math.MaxUint8 && (!negative || magnitude == 0):
		p.out = append(p.out, tagSmallInteger, byte(magnitude))
	case magnitude <= limit:
		value := uint32(magnitude)
		if negative {
			value = -value
		}
		p.out = append(p.out, tagInteger)
		p.out = binary.BigEndian.AppendUint32(p.out, value)
	default:
		digits := len(p.out) + 3
		p.out = append(p.out, tagSmallBig, 0, sign)
		for ; magnitude > 0; magnitude >>= 8 {
			p.out = append(p.out, byte(magnitude))
		}
		p.out[digits-2] = byte(len(p.out) - digits)
	}
}
