package compress

import "fmt"

// grow returns b with room for n more bytes. Its length may become limit at most, and so may its capacity where it grows.
func grow(b []byte, n, limit int) ([]byte, error) {
	if n > limit-len(b) {
		return b, fmt.Errorf("%w: over %d bytes", ErrTooLarge, limit)
	}
	if n <= cap(b)-len(b) {
		return b, nil
	}
	grown := make([]byte, len(b), min(max(2*cap(b), len(b)+n, 1024), limit))
	copy(grown, b)
	return grown, nil
}

// extend appends p to b, within the limit.
func extend(b, p []byte, limit int) ([]byte, error) {
	b, err := grow(b, len(p), limit)
	if err != nil {
		return b, err
	}
	return append(b, p...), nil
}
