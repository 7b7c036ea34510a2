package etf

import "bytes"

// endOfData finds where d ends without walking it, when the message is laid
// out as Erlang sorts a map of four: d first, then op, s and t. The last key
// op in the message must start three pairs, op, s and t, which end with the
// message, and t must be nil or an event name in capitals. Then all behind
// start up to that key is d, for AppendJSON to judge. It is a shortcut: what
// it does not take, for whatever reason, is left to [skip].
//
// What follows the true key op, numbers and a name in capitals, cannot
// hold a false one. Only the name of an event that is itself made of such keys
// could mislead it, and data would then be refused as not one term.
func (e *envelope) endOfData(start int) bool {
	tail := e.msg[max(start, len(e.msg)-maxTail):]
	at := lastOp(tail)
	// The head of the key, in one of four forms.
	switch head := tail[:at]; {
	case at < 2:
		return false
	case (head[at-2] == tagSmallAtom || head[at-2] == tagSmallAtomUTF8) && head[at-1] == 2:
		at -= 2
	case bytes.HasSuffix(head, []byte{tagAtom, 0, 2}):
		at -= 3
	case bytes.HasSuffix(head, []byte{tagBinary, 0, 0, 0, 2}):
		at -= 5
	default:
		return false
	}
	end := len(e.msg) - len(tail) + at
	if end == start {
		return false
	}
	t := envelope{msg: e.msg, pos: end}
	for _, name := range []byte("pst") {
		if key, err := t.key(); err != nil || key != name || t.value(key) != nil {
			return false
		}
	}
	for _, letter := range t.event {
		if letter != '_' && (letter < 'A' || letter > 'Z') {
			return false
		}
	}
	if t.pos != len(e.msg) {
		return false
	}
	t.data = e.msg[start:end]
	*e = t
	return true
}

// lastOp returns where the last "op" is in b, zero if there is none.
func lastOp(b []byte) int {
	for i := len(b) - 2; i > 0; i-- {
		if b[i] == 'o' && b[i+1] == 'p' {
			return i
		}
	}
	return 0
}

// maxTail is how far from the end of a message endOfData looks for op. With
// the longest name of an event it would be found within 80 bytes.
const maxTail = 128
