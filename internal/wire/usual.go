package wire

// usual reads the head of a message that is laid out as Discord does it,
// {"t":"NAME","s":1,"op":0,"d":, and reports whether it is. It is a shortcut:
// what it does not take, for whatever reason, is left to the general way.
func (e *Envelope) usual(b []byte) bool {
	i, ok := after(b, 0, `{"t":`)
	if !ok {
		return false
	}
	if i, ok = after(b, i, "null"); !ok {
		start := i + 1
		if i = skipName(b, i); i < 0 {
			return false
		}
		e.Event = b[start : i-1 : i-1]
	}
	if i, ok = after(b, i, `,"s":`); !ok {
		return false
	}
	if i, ok = after(b, i, "null"); !ok {
		if e.Seq, i = shortNumber(b, i); i < 0 {
			return false
		}
		e.HasSeq = true
	}
	if i, ok = after(b, i, `,"op":`); !ok {
		return false
	}
	n, i := shortNumber(b, i)
	if i < 0 {
		return false
	}
	e.Op, e.HasOp = uint(n), true
	if i, ok = after(b, i, `,"d":`); !ok {
		return false
	}
	e.seen, e.next = op|seq|name, skipSpace(b, i)
	return true
}

// after returns the index after s if b goes on with it at i, else i.
func after(b []byte, i int, s string) (int, bool) {
	if len(b)-i < len(s) || string(b[i:i+len(s)]) != s {
		return i, false
	}
	return i + len(s), true
}

// skipName returns the index after the string at b[i] if it is an event name
// in plain letters, else -1.
func skipName(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	for i++; i < len(b) && (b[i]-'A' <= 'Z'-'A' || b[i] == '_'); i++ {
	}
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	return i + 1
}

// shortNumber returns the natural number at b[i] and the index after its
// digits, -1 if it is none of at most nine digits. A number that goes on in
// another way than by digits is for the caller to notice.
func shortNumber(b []byte, i int) (n int64, end int) {
	const most = 9 // fits into a uint of 32 bits, too
	for end = i; end < len(b) && b[end]-'0' <= 9; end++ {
		n = n*10 + int64(b[end]-'0')
		if end-i == most {
			return 0, -1
		}
	}
	if end == i || b[i] == '0' && end > i+1 {
		return 0, -1
	}
	return n, end
}
