package rtp

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// The packets of RFC 6716 section 3.2.5, and those that are none.
func TestAppendFrames(t *testing.T) {
	long := bytes.Repeat([]byte{7}, 300)
	for name, c := range map[string]struct {
		packet []byte
		frames []string // nil: malformed
	}{
		"one":                  {[]byte{0xf8, 1, 2}, []string{"\x01\x02"}},
		"one, empty":           {[]byte{0xf8}, []string{""}},
		"two equal":            {[]byte{0xf9, 1, 2}, []string{"\x01", "\x02"}},
		"two not equal":        {[]byte{0xf9, 1, 2, 3}, nil},
		"two":                  {[]byte{0xfa, 1, 9, 2, 3}, []string{"\x09", "\x02\x03"}},
		"two, long":            {append([]byte{0xfa, 252, 12}, append(long, 9)...), []string{string(long), "\x09"}},
		"two, short":           {[]byte{0xfa, 3, 9, 2}, nil},
		"two, no size":         {[]byte{0xfa}, nil},
		"two, half a size":     {[]byte{0xfa, 253}, nil},
		"three of one size":    {[]byte{0xfb, 3, 1, 2, 3}, []string{"\x01", "\x02", "\x03"}},
		"three, not divisible": {[]byte{0xfb, 3, 1, 2, 3, 4}, nil},
		"three, sized":         {[]byte{0xfb, 0x83, 1, 2, 1, 2, 3, 4}, []string{"\x01", "\x02\x03", "\x04"}},
		"padded":               {[]byte{0xfb, 0x42, 1, 1, 2, 0}, []string{"\x01", "\x02"}},
		"padded, long":         {append([]byte{0xfb, 0x41, 255, 1, 5}, make([]byte, 255)...), []string{"\x05"}},
		"padded, missing":      {[]byte{0xfb, 0x42, 9, 1}, nil},
		"padded, no length":    {[]byte{0xfb, 0x42}, nil},
		"too large":            {append([]byte{0xf8}, make([]byte, maxFrameSize+1)...), nil},
		"no frames":            {[]byte{0xfb, 0}, nil},
		"nothing":              {nil, nil},
	} {
		frames, err := AppendFrames(nil, c.packet)
		if c.frames == nil {
			require.Equal(t, ErrOpus, err, name)
			continue
		}
		require.NoError(t, err, name)
		var got []string
		for _, f := range frames {
			got = append(got, string(f))
		}
		require.Equal(t, c.frames, got, name)
	}
}

func TestRepacketize(t *testing.T) {
	packet := append([]byte{0xfb, 6}, bytes.Repeat([]byte{1}, 6*1275)...) // 120 ms at 510 kb/s
	var sizes []int
	fits, err := Repacketize(packet, 1300, func(p []byte) {
		sizes = append(sizes, len(p))
		samples, err := Samples(p)
		require.NoError(t, err)
		require.Equal(t, 960, samples)
	})
	require.NoError(t, err)
	require.True(t, fits)
	require.Equal(t, []int{1276, 1276, 1276, 1276, 1276, 1276}, sizes)
	fits, err = Repacketize(packet, 1275, func([]byte) { t.Error("it does not fit") })
	require.NoError(t, err)
	require.False(t, fits)
	_, err = Repacketize([]byte{0xf9, 1}, 100, nil)
	require.Equal(t, ErrOpus, err)
}

// Whatever a packet is cut into has the frames of the packet, is as long, and
// fits.
func FuzzRepacketize(f *testing.F) {
	f.Add([]byte{0xfb, 0x83, 1, 2, 1, 2, 3, 4}, 4)
	f.Add(append([]byte{0xfb, 0x46, 3}, bytes.Repeat([]byte{1}, 603)...), 250)
	f.Add([]byte{0xfa, 252, 1}, 3)
	f.Fuzz(func(t *testing.T, packet []byte, limit int) {
		if limit < 0 || limit > 1<<16 {
			return
		}
		frames, malformed := AppendFrames(nil, packet)
		var got [][]byte
		samples := 0
		fits, err := Repacketize(packet, limit, func(p []byte) {
			require.LessOrEqual(t, len(p), limit)
			require.Equal(t, packet[0]&^3, p[0]&^3)
			n, err := Samples(p)
			require.NoError(t, err)
			samples += n
			got, err = AppendFrames(got, bytes.Clone(p))
			require.NoError(t, err)
		})
		require.Equal(t, malformed, err)
		if !fits {
			require.Empty(t, got)
			return
		}
		want, err := Samples(packet)
		require.NoError(t, err)
		require.Equal(t, want, samples)
		require.Equal(t, len(frames), len(got))
		for i := range frames {
			require.True(t, bytes.Equal(frames[i], got[i]))
		}
	})
}
