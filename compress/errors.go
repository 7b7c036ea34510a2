package compress

import "errors"

var (
	// ErrTooLarge says that a message inflates, or is about to, to more bytes than the caller allows.
	ErrTooLarge = errors.New("compress: message too large")

	// ErrCorrupt says that the bytes are not what the format allows. Errors wrap it with what was wrong.
	ErrCorrupt = errors.New("compress: corrupt data")

	// ErrClosed says that the decompressor was used after its Close.
	ErrClosed = errors.New("compress: decompressor is closed")
)
