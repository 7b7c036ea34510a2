package pcm

import (
	"errors"
	"fmt"
)

// MaxPacket is the size in bytes of the largest packet that an encoder makes.
const MaxPacket = 1275 * 3

// An EncoderSettings is what a [FrameEncoder] is made for.
type EncoderSettings struct {
	Bitrate    int // bits per second
	Complexity int // 0 to 10
	Loss       int // expected loss in percent
	FEC        bool
	DTX        bool
	Voice      bool // else music
}

// A FrameEncoder encodes frames of 20 ms. It is not safe for concurrent use.
type FrameEncoder interface {
	// Encode encodes frames of FrameSamples stereo samples, all of them numbers
	// from -1 to 1, into packet, which has MaxPacket bytes. It returns the size.
	Encode(frame []float32, packet []byte) (int, error)

	// SetBitrate changes the bits per second from the next frame on.
	SetBitrate(bitrate int) error

	// SetLoss changes the expected loss, in percent.
	SetLoss(percent int) error

	// LookAhead is by how many samples the sound of a packet is late.
	LookAhead() int
}

// MaxSamples is the length of the longest packet, 120 ms, in samples of each
// channel.
const MaxSamples = Rate * 120 / 1000

// A FrameDecoder decodes packets to 48 kHz stereo. It is not safe for
// concurrent use. Pcm always has room for MaxSamples stereo samples.
type FrameDecoder interface {
	// Decode decodes a packet and returns the number of samples of each channel.
	Decode(packet []byte, pcm []float32) (samples int, err error)

	// Recover makes samples in place of the packet before next, which is lost,
	// from what next says of it, and else as Conceal does. Next is decoded
	// afterwards by Decode. Samples is the length of what is lost.
	Recover(next []byte, samples int, pcm []float32) (int, error)

	// Conceal makes up so many samples in place of a packet that is lost.
	Conceal(samples int, pcm []float32) (int, error)

	// Reset forgets everything that was decoded.
	Reset()
}

// A Codec makes encoders and decoders.
type Codec struct {
	NewEncoder func(EncoderSettings) (FrameEncoder, error)
	NewDecoder func() (FrameDecoder, error)
}

// ErrCodec reports that a codec has failed. A new one was made in its place.
var ErrCodec = errors.New("pcm: the codec failed")

// guard turns a panic of a codec into an error.
func guard(f func() (int, error)) (n int, err error) {
	defer func() {
		if r := recover(); r != nil {
			n, err = 0, fmt.Errorf("%w: panic: %v", ErrCodec, r)
		}
	}()
	n, err = f()
	if err != nil && !errors.Is(err, ErrCodec) {
		err = fmt.Errorf("%w: %w", ErrCodec, err)
	}
	return n, err
}

// guarded is a decoder that is made anew when it fails.
type guarded struct {
	codec   Codec
	decoder FrameDecoder
}

func newGuarded(c Codec) (*guarded, error) {
	d, err := c.NewDecoder()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCodec, err)
	}
	return &guarded{codec: c, decoder: d}, nil
}

// do calls the decoder, which must return a number of samples that fits.
func (g *guarded) do(pcm []float32, f func(FrameDecoder) (int, error)) (int, error) {
	n, err := guard(func() (int, error) { return f(g.decoder) })
	if err == nil && (n < 0 || n*Channels > len(pcm)) {
		err = fmt.Errorf("%w: %d samples in a packet", ErrCodec, n)
	}
	if err == nil {
		return n, nil
	}
	fresh, made := g.codec.NewDecoder()
	if made != nil {
		return 0, errors.Join(err, made)
	}
	g.decoder = fresh
	return 0, err
}
