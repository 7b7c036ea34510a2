package compress

import (
	"fmt"
	"math"

	"github.com/discordpkg/gateway/internal/buffer"
)

// grow returns b with room for n more bytes. Its length may become limit at most, and so may its capacity where it grows.
func grow(b []byte, n, limit int) ([]byte, error) {
	if n > limit-len(b) {
		return b, fmt.Errorf("%w: over %d bytes", ErrTooLarge, limit)
	}
	return buffer.Grow(b, n, limit), nil
}

// maxDeflated is how many bytes limit bytes take when they are deflated: each stored block of up to 64 KiB adds 5, and
// a header and some empty blocks may come with them.
func maxDeflated(limit int) int {
	if limit > math.MaxInt/2 {
		return math.MaxInt
	}
	return limit + limit>>8 + 128
}

// extend appends p to b, within the limit.
func extend(b, p []byte, limit int) ([]byte, error) {
	b, err := grow(b, len(p), limit)
	if err != nil {
		return b, err
	}
	return append(b, p...), nil
}
