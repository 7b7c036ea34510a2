package etf

import (
	"bytes"
	"math"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// Every byte that is not UTF-8 becomes the replacement character, wherever it
// stands among others.
func TestStringsBecomeUTF8(t *testing.T) {
	for b := 0x80; b <= 0xff; b++ {
		for at := range 20 {
			s := bytes.Repeat([]byte{'a'}, 20)
			s[at] = byte(b)
			term := append([]byte{131, 109, 0, 0, 0, 20}, s...)
			got, err := Codec{}.AppendJSON(nil, term, math.MaxInt)
			require.NoError(t, err)
			require.True(t, utf8.Valid(got), "byte %#x at %d: %q", b, at, got)
			require.Contains(t, string(got), "\uFFFD")
		}
	}
}
