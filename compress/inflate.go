package compress

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
)

// errShort says that the input ended inside a block.
var errShort = errors.New("input ends inside a block")

func corrupt(what string) error { return fmt.Errorf("%w: %s", ErrCorrupt, what) }

// An inflater decodes deflate blocks (RFC 1951) from a slice to a slice. Between two calls it holds nothing of the stream:
// what a stream has to remember is its window, so that inflaters serve any number of streams in turn.
type inflater struct {
	src    []byte
	pos    int    // of the first byte of src that is not in hold
	hold   uint64 // the next bits, lowest first; those above count are the start of src[pos:], or zero
	count  uint
	out    []byte // to its whole length room to write
	o      int    // where the next byte goes
	start  int    // where the message began
	limit  int    // of o
	window *window

	dynamic tables
	pre     [1 << preBits]uint32
	lens    [288 + 32]uint8
}

var inflaters = sync.Pool{New: func() any { return new(inflater) }}

// begin takes src as the input and appends to dst, which grows to at most limit bytes.
func (f *inflater) begin(dst, src []byte, limit int, w *window) {
	f.src, f.pos, f.hold, f.count = src, 0, 0, 0
	f.out, f.o, f.start, f.limit = dst[:max(min(cap(dst), limit), len(dst))], len(dst), len(dst), limit
	f.window = w
}

// end lets go of the caller's memory and returns what was inflated.
func (f *inflater) end() []byte {
	out := f.out[:f.o]
	f.src, f.out, f.window = nil, nil, nil
	return out
}

// need takes bits from the input until count is at least n, at most 48.
func (f *inflater) need(n uint) error {
	f.hold, f.count, f.pos = refill(f.src, f.pos, f.hold, f.count)
	if f.count < n {
		return errShort
	}
	return nil
}

// take returns the next n bits, which need has found.
func (f *inflater) take(n uint) uint {
	v := uint(f.hold & (1<<n - 1))
	f.hold >>= n
	f.count -= n
	return v
}

// refill returns at least 48 bits, fewer at the end of src.
func refill(src []byte, pos int, hold uint64, count uint) (uint64, uint, int) {
	if count >= 48 {
		return hold, count, pos
	}
	if len(src)-pos >= 8 {
		hold |= binary.LittleEndian.Uint64(src[pos:]) << (count & 63)
		return hold, count | 56, pos + int((63-count)>>3)
	}
	for count < 56 && pos < len(src) {
		hold |= uint64(src[pos]) << (count & 63)
		count += 8
		pos++
	}
	return hold, count, pos
}

// room makes out at least n bytes longer than what is written, and as long as the rest of the input: that takes hardly
// less when it is inflated.
func (f *inflater) room(n int) error {
	out, err := grow(f.out[:f.o], max(n, min(len(f.src)-f.pos, f.limit-f.o)), f.limit)
	f.out = out[:max(min(cap(out), f.limit), f.o)]
	return err
}

// block inflates one block. It reports whether the block was the last of its stream,
// and whether it was an empty stored one, as a sync flush leaves.
func (f *inflater) block() (final, empty bool, err error) {
	if err := f.need(3); err != nil {
		return false, false, err
	}
	final = f.take(1) == 1
	switch f.take(2) {
	case 0:
		empty, err = f.stored()
	case 1:
		err = f.symbols(fixedTables())
	case 2:
		if err = f.readTables(); err == nil {
			err = f.symbols(&f.dynamic)
		}
	default:
		err = corrupt("reserved block type")
	}
	return final, empty, err
}

// align drops the bits up to the next byte of src.
func (f *inflater) align() {
	f.pos -= int(f.count / 8)
	f.hold, f.count = 0, 0
}

// stored copies a block that is not compressed: RFC 1951, section 3.2.4.
func (f *inflater) stored() (empty bool, err error) {
	f.align()
	in := f.src[f.pos:]
	if len(in) < 4 {
		return false, errShort
	}
	n, check := int(binary.LittleEndian.Uint16(in)), binary.LittleEndian.Uint16(in[2:])
	if uint16(n) != ^check {
		return false, corrupt("length of a stored block")
	}
	if in = in[4:]; len(in) < n {
		return false, errShort
	}
	if n > len(f.out)-f.o {
		if err := f.room(n); err != nil {
			return false, err
		}
	}
	f.o += copy(f.out[f.o:], in[:n])
	f.pos += 4 + n
	return n == 0, nil
}

var preOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// readTables reads the codes of a dynamic block: RFC 1951, section 3.2.7.
func (f *inflater) readTables() error {
	if err := f.need(14); err != nil {
		return err
	}
	lits, dists, pres := int(f.take(5))+257, int(f.take(5))+1, int(f.take(4))+4
	if lits > 286 || dists > 30 {
		return corrupt("too many symbols")
	}
	var lens [19]uint8
	for _, sym := range preOrder[:pres] {
		if err := f.need(3); err != nil {
			return err
		}
		lens[sym] = uint8(f.take(3))
	}
	if !build(f.pre[:], preBits, lens[:], preValues[:]) {
		return corrupt("code of the code lengths")
	}
	if err := f.readLens(lits + dists); err != nil {
		return err
	}
	if f.lens[256] == 0 {
		return corrupt("no end of block")
	}
	if !build(f.dynamic.lit[:], litBits, f.lens[:lits], litValues[:]) ||
		!build(f.dynamic.dist[:], distBits, f.lens[lits:lits+dists], distValues[:]) {
		return corrupt("code")
	}
	return nil
}

// readLens reads the n lengths of the literals' code and the distances' code.
func (f *inflater) readLens(n int) error {
	for i := 0; i < n; {
		f.hold, f.count, f.pos = refill(f.src, f.pos, f.hold, f.count)
		e := f.pre[f.hold&(1<<preBits-1)]
		used, more := uint(e&0xff), repeatBits(e>>16)
		if used+more > f.count {
			return errShort
		}
		if e&entryOther != 0 {
			return corrupt("code length")
		}
		f.take(used)
		sym := uint8(e >> 16)
		if sym < 16 {
			f.lens[i] = sym
			i++
			continue
		}
		value, times := uint8(0), int(f.take(more))+3
		switch sym {
		case 16:
			if i == 0 {
				return corrupt("repeats no length")
			}
			value = f.lens[i-1]
		case 18:
			times += 8
		}
		if times > n-i {
			return corrupt("too many lengths")
		}
		for ; times > 0; times-- {
			f.lens[i] = value
			i++
		}
	}
	return nil
}

// repeatBits is how many bits follow the symbol of a code length.
func repeatBits(sym uint32) uint {
	switch sym {
	case 16:
		return 2
	case 17:
		return 3
	case 18:
		return 7
	}
	return 0
}

// symbols inflates the symbols of a block up to its end. It is one function, and longer than others,
// so that the state of the input stays in registers.
func (f *inflater) symbols(t *tables) error {
	src, pos, hold, count := f.src, f.pos, f.hold, f.count
	out, o := f.out, f.o
	for {
		if count < 48 {
			if len(src)-pos >= 8 {
				hold |= binary.LittleEndian.Uint64(src[pos:]) << (count & 63)
				pos += int((63 - count) >> 3)
				count |= 56
			} else {
				hold, count, pos = refill(src, pos, hold, count)
			}
		}
		e := t.lit[hold&(1<<litBits-1)]
		if e&entryLink != 0 {
			if count < litBits {
				return errShort
			}
			hold >>= litBits
			count -= litBits
			e = t.lit[(e>>16+uint32(hold)&(1<<(e>>8&15)-1))&(litSize-1)]
		}
		used := uint(e & 0xff)
		if used > count {
			return errShort
		}
		code := hold
		hold >>= used & 63
		count -= used
		if e&entryLiteral != 0 {
			if o == len(out) {
				f.o = o
				if err := f.room(1); err != nil {
					return err
				}
				out = f.out
			}
			out[o] = byte(e >> 16)
			o++
			continue
		}
		if e&entryOther != 0 {
			if e&entryEnd == 0 {
				return corrupt("symbol")
			}
			f.pos, f.hold, f.count, f.o = pos, hold, count, o
			return nil
		}
		length := int(e>>16) + int(code&(1<<(used&63)-1)>>(e>>8&15))

		e = t.dist[hold&(1<<distBits-1)]
		if e&entryLink != 0 {
			if count < distBits {
				return errShort
			}
			hold >>= distBits
			count -= distBits
			e = t.dist[(e>>16+uint32(hold)&(1<<(e>>8&15)-1))&(distSize-1)]
		}
		used = uint(e & 0xff)
		if used > count {
			return errShort
		}
		if e&entryOther != 0 {
			return corrupt("distance symbol")
		}
		dist := int(e>>16) + int(hold&(1<<(used&63)-1)>>(e>>8&15))
		hold >>= used & 63
		count -= used
		if length > len(out)-o || dist > o-f.start {
			f.o = o
			if err := f.far(length, dist); err != nil {
				return err
			}
			out, o = f.out, f.o
			continue
		}
		end := o + length
		for from := o - dist; o < end; {
			o += copy(out[o:end], out[from:o])
		}
	}
}

// far copies a match that begins in the window, or does not fit.
func (f *inflater) far(length, dist int) error {
	if length > len(f.out)-f.o {
		if err := f.room(length); err != nil {
			return err
		}
	}
	end := f.o + length
	if back := dist - (f.o - f.start); back > 0 {
		if back > len(f.window.ring) {
			return corrupt("distance beyond the beginning")
		}
		f.o += f.window.read(f.out[f.o:end], back)
	}
	for from := f.o - dist; f.o < end; {
		f.o += copy(f.out[f.o:end], f.out[from:f.o])
	}
	return nil
}
