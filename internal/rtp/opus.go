package rtp

import (
	"errors"
	"time"
)

// SampleRate is the rate in Hz of RTP timestamps, whatever rate a frame was
// encoded at.
//
// https://www.rfc-editor.org/rfc/rfc7587#section-4.1
const SampleRate = 48000

// MaxSamples is the length of the longest Opus packet in samples, 120 ms.
const MaxSamples = SampleRate * 120 / 1000

// ErrOpus says that the first bytes of an Opus packet are none.
var ErrOpus = errors.New("rtp: malformed Opus packet")

// frameSamples is the length of one frame by its configuration, the upper five
// bits of the first byte: 12 of SILK, 4 of both, 16 of CELT.
//
// https://www.rfc-editor.org/rfc/rfc6716#section-3.1
var frameSamples = [32]uint16{
	480, 960, 1920, 2880, 480, 960, 1920, 2880, 480, 960, 1920, 2880,
	480, 960, 480, 960,
	120, 240, 480, 960, 120, 240, 480, 960, 120, 240, 480, 960, 120, 240, 480, 960,
}

// Samples returns the length of an Opus packet in samples at [SampleRate], 120
// to [MaxSamples], which is the step of the timestamp. It looks at no more than
// two bytes. The error is [ErrOpus], also for a packet of no frames or of more
// than 120 ms.
func Samples(packet []byte) (int, error) {
	if len(packet) == 0 {
		return 0, ErrOpus
	}
	frames := 1
	switch packet[0] & 3 {
	case 1, 2:
		frames = 2
	case 3:
		if len(packet) < 2 {
			return 0, ErrOpus
		}
		frames = int(packet[1] & 0x3f)
	}
	samples := frames * int(frameSamples[packet[0]>>3])
	if samples == 0 || samples > MaxSamples {
		return 0, ErrOpus
	}
	return samples, nil
}

// Duration returns the length of an Opus packet, 2.5 to 120 ms. The error is
// [ErrOpus].
func Duration(packet []byte) (time.Duration, error) {
	samples, err := Samples(packet)
	return time.Duration(samples) * time.Second / SampleRate, err
}
