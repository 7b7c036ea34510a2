package discord

import "unsafe"

// alias returns the bytes of b as a string without a copy. They must not change
// for as long as the string is in use. This file is the only one of the package
// that imports unsafe, and the laws of import say so.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
