package discord

import "strconv"

// pathOf returns the way to the value of the message s in which the byte at lies,
// such as embeds[2].fields[0].name. It reads s again, which only errors pay for.
func pathOf(s string, at int) string {
	var path []byte
	from := 0
	for {
		step, start := stepTo(s, from, at)
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
func stepTo(s string, from, at int) (step string, start int) {
	d := decoder{s: s, i: from, mem: &none}
	switch d.peek() {
	case '{':
		for key, ok := d.open(); ok; key, ok = d.next() {
			d.peek()
			if start := d.i; d.passes(at) {
				return key, start
			}
		}
	case '[':
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

// passes reads a value and reports whether the byte at lies in it, or it is the
// first one that is no JSON.
func (d *decoder) passes(at int) bool {
	if d.i > at {
		return false
	}
	d.skip()
	return d.err != nil || d.i > at
}
