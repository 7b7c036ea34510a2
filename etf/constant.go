package etf

import "encoding/binary"

// A constant is what an atom stands for.
type constant int

const (
	ordinary constant = iota // its name
	null
	yes
	no
)

// constantOf returns what the atom of a name stands for.
func constantOf(name []byte) constant {
	switch string(name) {
	case "nil", "null":
		return null
	case "true":
		return yes
	case "false":
		return no
	}
	return ordinary
}

// write writes the JSON form to out[n:], in stores of four bytes.
func (c constant) write(out []byte, n int) int {
	word, letters := uint32('n'|'u'<<8|'l'<<16|'l'<<24), 4
	switch c {
	case yes:
		word = 't' | 'r'<<8 | 'u'<<16 | 'e'<<24
	case no:
		word, letters = 'f'|'a'<<8|'l'<<16|'s'<<24, 5
		out[n+4] = 'e'
	}
	binary.LittleEndian.PutUint32(out[n:], word)
	return n + letters
}
