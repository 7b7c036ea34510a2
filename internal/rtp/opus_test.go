package rtp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestDurations is table 2 of RFC 6716, one packet of one frame for each
// configuration.
func TestDurations(t *testing.T) {
	const us = time.Microsecond
	silk := []time.Duration{10000 * us, 20000 * us, 40000 * us, 60000 * us}
	hybrid := []time.Duration{10000 * us, 20000 * us}
	celt := []time.Duration{2500 * us, 5000 * us, 10000 * us, 20000 * us}
	var want []time.Duration
	for range 3 { // NB, MB, WB
		want = append(want, silk...)
	}
	for range 2 { // SWB, FB
		want = append(want, hybrid...)
	}
	for range 4 { // NB, WB, SWB, FB
		want = append(want, celt...)
	}
	require.Len(t, want, 32)
	for config, d := range want {
		for _, stereo := range []byte{0, 4} {
			toc := byte(config)<<3 | stereo
			for code, frames := range []time.Duration{1, 2, 2} {
				got, err := Duration([]byte{toc | byte(code), 1})
				require.NoError(t, err)
				require.Equal(t, frames*d, got, "configuration %d, code %d", config, code)
			}
			for frames := range time.Duration(64) {
				got, err := Duration([]byte{toc | 3, byte(frames) | 0xc0})
				if total := frames * d; total > 0 && total <= 120*time.Millisecond {
					require.NoError(t, err)
					require.Equal(t, total, got, "configuration %d, %d frames", config, frames)
				} else {
					require.ErrorIs(t, err, ErrOpus, "configuration %d, %d frames", config, frames)
					require.Zero(t, got)
				}
			}
		}
	}
}

func TestSamples(t *testing.T) {
	for _, tt := range []struct {
		packet string
		want   int
	}{
		{"\xf8\xff\xfe", 960},
		{"\x80", 120},
		{"\x19\x00\x00", MaxSamples}, // two of 60 ms
		{"\x83\x30", MaxSamples},     // 48 of 2.5 ms
	} {
		got, err := Samples([]byte(tt.packet))
		require.NoError(t, err)
		require.Equal(t, tt.want, got, "%x", tt.packet)
	}
	for _, packet := range []string{"", "\x03", "\x83\x31", "\x03\x00"} {
		got, err := Samples([]byte(packet))
		require.ErrorIs(t, err, ErrOpus, "%x", packet)
		require.Zero(t, got)
	}
}

func TestTail(t *testing.T) {
	var tail Tail
	require.Zero(t, tail.Owed(), "nothing was said")
	quiet := AppendSilence(nil)
	require.Equal(t, []byte{0xf8, 0xff, 0xfe}, quiet)
	tail.Sent(quiet)
	require.Zero(t, tail.Owed())

	tail.Sent([]byte{0xf8, 1, 2, 3})
	for owed := SilenceFrames; owed > 0; owed-- {
		require.Equal(t, owed, tail.Owed())
		tail.Sent(quiet)
	}
	require.Zero(t, tail.Owed())

	tail.Sent([]byte{0xf8})
	tail.Sent(quiet)
	tail.Sent([]byte{0xf8})
	require.Equal(t, SilenceFrames, tail.Owed(), "silence within the sound does not count")
}

func TestIsSilence(t *testing.T) {
	require.True(t, IsSilence(AppendSilence([]byte{})))
	for _, frame := range [][]byte{nil, {0xf8}, {0xf8, 0xff}, {0xf8, 0xff, 0xfe, 0}, {0xfc, 0xff, 0xfe}} {
		require.False(t, IsSilence(frame), "%x", frame)
	}
}
