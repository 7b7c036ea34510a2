package discord

// skip reads any value, and judges no more of it than that it is JSON.
func (d *decoder) skip() {
	if d.term {
		d.skipTerm()
		return
	}
	var objects [MaxDepth/64 + 1]uint64 // which of the open containers are objects
	for depth := 0; ; {
		switch c := d.peek(); c {
		case '{', '[':
			if d.depth+depth >= MaxDepth {
				d.fail(ErrDepth)
				return
			}
			depth++
			d.i++
			object := c == '{'
			if setBit(&objects, depth, object); d.peek() == c+2 {
				break // its end, read below
			}
			if object {
				d.key()
			}
			continue
		default:
			d.skipScalar(c)
		}
		if depth = d.between(&objects, depth); depth == 0 {
			return
		}
	}
}

func setBit(set *[MaxDepth/64 + 1]uint64, n int, on bool) {
	set[n/64] &^= 1 << (n % 64)
	if on {
		set[n/64] |= 1 << (n % 64)
	}
}

// between reads what stands between a value and the next one, to whose start it
// leads unless the depth that it returns is zero.
func (d *decoder) between(objects *[MaxDepth/64 + 1]uint64, depth int) int {
	for depth > 0 {
		object := objects[depth/64]>>(depth%64)&1 != 0
		switch c := d.peek(); {
		case c == ',':
			if d.i++; object {
				d.key()
			} else if d.peek() == ']' {
				d.fail(ErrSyntax)
				return 0
			}
			return depth
		case c == '}' && object, c == ']' && !object:
			d.i++
			depth--
		default:
			d.fail(ErrSyntax)
			return 0
		}
	}
	return 0
}

// skipScalar reads a value that starts with c and has no parts.
func (d *decoder) skipScalar(c byte) {
	switch c {
	case '"':
		d.i++
		d.skipText()
	case 't':
		d.literal("true")
	case 'f':
		d.literal("false")
	case 'n':
		d.literal("null")
	default:
		d.number()
	}
}
