package etf

import (
	"encoding/binary"
	"math"
)

const (
	reach = 48 // bytes of input that writeTerm looks at: a key of 32 and its head, and some more
	tip   = 11 // bytes of input that it needs: a snowflake, the longest of what is not text
)

// rest returns the input that is to be read. Near its end it is a copy with
// zeros behind it, so that writeTerm sees reach bytes as long as tip are there.
// A zero ends any text, and numbers do not get as far.
func (w *writer) rest() []byte {
	rest := w.src[w.i:]
	if len(rest) >= reach {
		return rest
	}
	clear(w.last[copy(w.last[:], rest):])
	return w.last[:len(rest)+reach-tip]
}

// writeTerm goes on with a term as long as it is made of what is usual: keys of
// up to 32 lower-case letters and underscores, texts without escapes, natural
// numbers, constants, lists and maps. It gives up before anything else, which
// includes all that is wrong, and where src or out come to an end.
//
// It is one long function because each call in this loop costs as much as most
// terms. Slices are cut to a capacity that is their length, which then takes no
// register of its own; the lengths are checked before a key and before a value,
// from which the compiler knows that all accesses behind are in bounds.
func writeTerm(w *writer) {
	src, out, top := w.rest(), w.out[w.n:], w.top
	src, out = src[:len(src):len(src)], out[:len(out):len(out)]
	w.i += len(src)
	w.keyed = false
terms:
	for len(src) >= reach && len(out) >= slack {
		if top < element {
			n, depth := len(w.out)-len(out)-1, w.around.depth-1
			if top == inNothing || uint(n) >= uint(len(w.out)) || w.out[n] != ',' || uint(depth) >= shallow {
				break
			}
			bracket := byte('}')
			if top != inMap {
				bracket = ']'
			}
			if top == inList {
				if src[0] != tagNil {
					break
				}
				src = src[1:len(src):len(src)]
			}
			w.out[n] = bracket
			out[0] = ','
			out = out[1:len(out):len(out)]
			w.around.depth = depth
			top = w.around.near[depth]
			continue
		}
		if top&kinds == inMap {
			head, size := uint(2), uint(src[1])
			if src[0]|(tagSmallAtom^tagSmallAtomUTF8) != tagSmallAtomUTF8 { // neither of these two
				switch {
				case src[0] == tagAtom || src[0] == tagAtomUTF8:
					head, size = 3, uint(binary.BigEndian.Uint16(src[1:]))
				case src[0] == tagBinary:
					head, size = 5, uint(binary.BigEndian.Uint32(src[1:]))
				default:
					break terms
				}
			}
			head &= 7 // known to the compiler only now
			low, high := binary.LittleEndian.Uint64(src[head:]), binary.LittleEndian.Uint64(src[head+8:])
			out[0] = '"'
			binary.LittleEndian.PutUint64(out[1:], low)
			binary.LittleEndian.PutUint64(out[9:], high)
			if size > 16 {
				if size > 32 || (unusual(low)|unusual(high))&tops != 0 {
					break
				}
				low, high = binary.LittleEndian.Uint64(src[head+16:]), binary.LittleEndian.Uint64(src[head+24:])
				m := &masks[size-16]
				if unusual(low)&m.low|unusual(high)&m.high != 0 {
					break
				}
				binary.LittleEndian.PutUint64(out[17:], low)
				binary.LittleEndian.PutUint64(out[25:], high)
				binary.LittleEndian.PutUint16(out[1+size:], '"'|':'<<8)
				src = src[head+size : len(src) : len(src)]
				out = out[3+size : len(out) : len(out)]
			} else {
				m := &masks[size]
				if unusual(low)&m.low|unusual(high)&m.high != 0 {
					break
				}
				binary.LittleEndian.PutUint16(out[1+size:], '"'|':'<<8)
				src = src[head+size : len(src) : len(src)]
				out = out[3+size : len(out) : len(out)]
			}
		}
		if len(src) < reach || len(out) < slack {
			w.keyed = top&kinds == inMap
			break
		}
		switch src[0] {
		case tagSmallAtom, tagSmallAtomUTF8:
			c := &constants[src[1]&7]
			if binary.LittleEndian.Uint64(src[1:])&c.mask == c.atom {
				binary.LittleEndian.PutUint64(out, c.json)
				src = src[1+c.read&7 : len(src) : len(src)]
				out = out[c.written&7 : len(out) : len(out)]
				top -= element
				continue
			}
		case tagAtom, tagAtomUTF8:
			c := &constants[src[2]&7]
			if src[1] == 0 && binary.LittleEndian.Uint64(src[2:])&c.mask == c.atom {
				binary.LittleEndian.PutUint64(out, c.json)
				src = src[2+c.read&7 : len(src) : len(src)]
				out = out[c.written&7 : len(out) : len(out)]
				top -= element
				continue
			}
		case tagBinary:
			if size := uint(binary.BigEndian.Uint32(src[1:])); size <= 16 {
				low, high := binary.LittleEndian.Uint64(src[5:]), binary.LittleEndian.Uint64(src[13:])
				m := &masks[size]
				if special(low)&m.low|special(high)&m.high == 0 {
					out[0] = '"'
					binary.LittleEndian.PutUint64(out[1:], low)
					binary.LittleEndian.PutUint64(out[9:], high)
					binary.LittleEndian.PutUint16(out[1+size:], '"'|','<<8)
					src = src[5+size : len(src) : len(src)]
					out = out[3+size : len(out) : len(out)]
					top -= element
					continue
				}
			}
		case tagSmallBig:
			if v := binary.LittleEndian.Uint64(src[3:]); src[1] == 8 && src[2] == 0 && v >= 1e16 && v < 1e19 {
				size := writeID((*[room]byte)(out), v) & 31 // known to the compiler only now
				src = src[11:len(src):len(src)]
				out = out[size:len(out):len(out)]
				top -= element
				continue
			}
		case tagSmallInteger:
			number := decimals[src[1]]
			binary.LittleEndian.PutUint32(out, number)
			size := number >> 24 & 3
			out[size] = ','
			src = src[2:len(src):len(src)]
			out = out[1+size : len(out) : len(out)]
			top -= element
			continue
		case tagNil:
			binary.LittleEndian.PutUint32(out, '['|']'<<8|','<<16)
			src = src[1:len(src):len(src)]
			out = out[3:len(out):len(out)]
			top -= element
			continue
		case tagMap, tagList:
			count, depth := uint(binary.BigEndian.Uint32(src[1:])), w.around.depth
			if count-1 < uint(len(src)-reach) && depth < w.maxDepth && uint(depth) < shallow {
				w.around.near[depth] = top - element
				w.around.depth = depth + 1
				bracket := byte('[')
				top = opened(inList, count)
				if src[0] == tagMap {
					bracket = '{'
					top = opened(inMap, count)
				}
				out[0] = bracket
				src = src[5:len(src):len(src)]
				out = out[1:len(out):len(out)]
				continue
			}
		}
		read, written := writeOther(out, src)
		if read <= 0 || read > len(src) || written < 0 || written > len(out) {
			w.keyed = top&kinds == inMap
			break
		}
		src = src[read:len(src):len(src)]
		out = out[written:len(out):len(out)]
		top -= element
	}
	w.i, w.n, w.top = w.i-len(src), len(w.out)-len(out), top
}

// writeOther writes a value of those that take more time, a long text or a
// number, and a comma. It returns how much it read and wrote, zero if the value
// is none of these. Src has reach bytes and out slack.
func writeOther(out, src []byte) (read, written int) {
	switch src[0] {
	case tagBinary:
		size := uint64(binary.BigEndian.Uint32(src[1:]))
		if size <= uint64(len(src)-5) && writeLong(out, src[5:5+size]) {
			return int(size) + 5, int(size) + 3
		}
	case tagInteger:
		if v := binary.BigEndian.Uint32(src[1:]); v <= math.MaxInt32 {
			return 5, writeNatural((*[room]byte)(out), uint64(v))
		}
	case tagSmallBig:
		size, negative := uint(src[1]), src[2] != 0
		if size-1 >= 8 || negative {
			return 0, 0
		}
		v := binary.LittleEndian.Uint64(src[3:]) & (math.MaxUint64 >> (64 - 8*size))
		if v <= maxSafe {
			return 3 + int(size), writeNatural((*[room]byte)(out), v)
		}
	}
	return 0, 0
}

// unusual marks the first byte of word, see special, that is not a lower-case
// letter, or another character from '_' to DEL.
func unusual(word uint64) uint64 { return (word - '_'*ones) | word }

// A mask has the top bits of some of the bytes of two words.
type mask struct{ low, high uint64 }

// masks has those of the first 0 to 16 bytes.
var masks = func() (all [17]mask) {
	for size := range all {
		all[size] = mask{low: tops &^ (math.MaxUint64 << (8 * size)), high: tops &^ (math.MaxUint64 << (8 * max(size-8, 0)))}
	}
	return all
}()
