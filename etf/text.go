package etf

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"

	"github.com/discordpkg/gateway/internal/buffer"
)

// slack is the room that the output always has behind what was asked for:
// enough for a separator, a number, a key that is usual, and a store of 16 bytes.
const slack = 64

// grow makes room for need bytes and slack behind out[:n]. The result is out or
// a larger copy of it, with room for limit bytes and slack at most. More than
// limit is ErrSize.
func grow(out []byte, n, need, limit int) ([]byte, error) {
	if need > limit-n {
		return out, ErrSize
	}
	if len(out)-n >= need+slack {
		return out, nil
	}
	grown := make([]byte, buffer.Size(len(out), n+need+slack, limit+slack))
	copy(grown, out[:n])
	return grown, nil
}

// writeText writes src[i:end] as a JSON string to out[n:], with slack left
// behind it. Loads from src and stores to out, eight bytes at a time while none
// needs an escape, may go beyond the text but not beyond the slices.
func writeText(out []byte, n int, src []byte, i, end, limit int) (_ []byte, _ int, err error) {
	if out, err = grow(out, n, end-i, limit); err != nil {
		return out, n, err
	}
	out[n] = '"'
	n++
	for end-i >= 8 {
		word := binary.LittleEndian.Uint64(src[i:])
		binary.LittleEndian.PutUint64(out[n:], word)
		if m := special(word) & tops; m != 0 {
			plain := bits.TrailingZeros64(m) / 8
			if out, n, i, err = writeSpecial(out, n+plain, src, i+plain, end, limit); err != nil {
				return out, n, err
			}
			continue
		}
		i += 8
		n += 8
	}
	for i < end {
		if b := src[i]; b >= ' ' && b != '"' && b != '\\' && b < utf8.RuneSelf {
			out[n] = b
			n++
			i++
			continue
		}
		if out, n, i, err = writeSpecial(out, n, src, i, end, limit); err != nil {
			return out, n, err
		}
	}
	out[n] = '"'
	return out, n + 1, nil
}

// writeLong writes text of at least eight bytes as a JSON string to out, and a
// comma. It reports whether the text could stand as it is and out had room.
func writeLong(out, text []byte) bool {
	if len(text) < 8 || len(out) < len(text)+3 {
		return false
	}
	out = out[:len(text)+3]
	out[0] = '"'
	var found uint64
	for i := 0; i < len(text)-8; i += 8 {
		word := binary.LittleEndian.Uint64(text[i : i+8])
		binary.LittleEndian.PutUint64(out[1+i:], word)
		found |= special(word)
	}
	// The last word may overlap the one before.
	word := binary.LittleEndian.Uint64(text[len(text)-8:])
	end := out[len(text)-7:]
	binary.LittleEndian.PutUint64(end, word)
	binary.LittleEndian.PutUint16(end[8:], '"'|','<<8)
	return (found|special(word))&tops == 0
}

// Eight bytes at a time. What marks bytes does it with their top bits, other bits
// mean nothing.
const (
	ones = 0x0101010101010101
	tops = 0x80 * ones
)

// special marks the first byte of word, in memory order, that cannot stand in
// a JSON string as it is: control characters, quote, backslash, and the bytes
// of other than ASCII characters, which are to be checked. Only the first mark
// is exact, those after it may be wrong.
func special(word uint64) uint64 {
	quote := (word ^ ('"'^' ')*ones) - ('!')*ones // and the control characters
	backslash := (word ^ '\\'*ones) - ones
	return word | quote | backslash
}

// writeSpecial writes the character at src[i], or the run of other than ASCII
// characters that starts there, and returns the index behind it.
func writeSpecial(out []byte, n int, src []byte, i, end, limit int) (_ []byte, _, _ int, err error) {
	const hex = "0123456789abcdef"
	if out, err = grow(out, n, end-i, limit); err != nil {
		return out, n, i, err
	}
	for i < end && src[i] >= utf8.RuneSelf {
		r, size := utf8.DecodeRune(src[i:end])
		if r == utf8.RuneError && size == 1 {
			if out, err = grow(out, n, end-i, limit); err != nil {
				return out, n, i, err
			}
		}
		n += utf8.EncodeRune(out[n:], r)
		if i += size; i == end || src[i] < utf8.RuneSelf {
			return out, n, i, nil
		}
	}
	out[n] = '\\'
	switch b := src[i]; b {
	case '"', '\\':
		out[n+1] = b
	case '\b':
		out[n+1] = 'b'
	case '\f':
		out[n+1] = 'f'
	case '\n':
		out[n+1] = 'n'
	case '\r':
		out[n+1] = 'r'
	case '\t':
		out[n+1] = 't'
	default:
		copy(out[n+1:], "u00")
		out[n+4], out[n+5] = hex[b>>4], hex[b&15]
		return out, n + 6, i + 1, nil
	}
	return out, n + 2, i + 1, nil
}
