package discord

import (
	"unsafe"

	"github.com/discordpkg/gateway/snowflake"
)

// alias returns the bytes of b as a string without a copy. They must not change
// for as long as the string is in use. This file is the only one of the package
// that imports unsafe, and the laws of import say so.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// spareIDs is how many snowflakes fit behind the copy of a message: the roles of
// most members.
const spareIDs = 8

// keep returns a copy of data as a string, and room for ids in the same piece of
// memory, since most events have one short list of them.
func keep(data []byte) (s string, spare []snowflake.ID) {
	words := (len(data) + 7) / 8
	piece := make([]snowflake.ID, words+spareIDs)
	text := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(piece))), len(data))
	copy(text, data)
	return alias(text), piece[words:]
}

// hidden is a string that fmt does not print, as it prints the strings in
// unexported fields.
type hidden struct {
	at   *byte
	size int
}

func hide(s string) hidden { return hidden{unsafe.StringData(s), len(s)} }

func (h hidden) show() string { return unsafe.String(h.at, h.size) }
