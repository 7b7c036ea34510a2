package discord

import "strconv"

// pathOf returns the way to the value of the message in which the byte at lies,
// such as embeds[2].fields[0].name. It reads the message again, which only errors pay for.
func (d *decoder) pathOf(at int) string {
	var path []byte
	from := 0
	for {
		step, start := d.stepTo(from, at)
		if step == "" {
			return string(path)
		}
		if len(path) > 0 && step[0] != '[' {
			path = append(path, '.')
		}
		path = append(path, step...)
		from = start
	}
}

// stepTo finds the part of the value at from in which the byte at lies. It returns
// the name of the part and where its value starts, or nothing.
func (d *decoder) stepTo(from, at int) (step string, start int) {
	d = d.again(from)
	switch d.shape() {
	case mapTerm:
		for key, ok := d.open(); ok; key, ok = d.next() {
			d.shape()
			if start := d.i; d.passes(at) {
				return key, start
			}
		}
	case listTerm:
		if !d.list() {
			return "", 0
		}
		for n := 0; d.element(n); n++ {
			if start := d.i; d.passes(at) {
				return "[" + strconv.Itoa(n) + "]", start
			}
		}
	}
	return "", 0
}

// again returns a decoder of the same message from another byte on.
func (d *decoder) again(from int) *decoder {
	return &decoder{s: d.s, i: from, mem: &none, term: d.term}
}

// shape tells whether an object or a list is at i, behind space.
func (d *decoder) shape() shape {
	if d.term {
		if d.i < len(d.s) && !d.bare {
			scout := *d
			return scout.token().shape
		}
		return noTerm
	}
	switch d.peek() {
	case '{':
		return mapTerm
	case '[':
		return listTerm
	}
	return noTerm
}

// kindOf names the kind of the value at a byte.
func (d *decoder) kindOf(at int) string {
	if !d.term {
		return kindOf(d.s[at:])
	}
	names := [...]string{nullTerm: "null", boolTerm: "boolean", textTerm: "string", intTerm: "number", floatTerm: "number", listTerm: "list", mapTerm: "object"}
	if name := names[d.again(at).token().shape]; name != "" {
		return name
	}
	return "nothing"
}

// passes reads a value and reports whether the byte at lies in it, or it is the
// first one that is no JSON.
func (d *decoder) passes(at int) bool {
	if d.i > at {
		return false
	}
	d.skip()
	return d.err != nil || d.i > at
}
