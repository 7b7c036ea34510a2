package pcm

import (
	"fmt"

	"github.com/thesyncim/gopus"

	"github.com/discordpkg/gateway/voiceshard/audio"
)

// Gopus is the codec that is used if no other one is named: Opus in pure Go, by
// github.com/thesyncim/gopus.
var Gopus = Codec{NewEncoder: newGopusEncoder, NewDecoder: newGopusDecoder}

type gopusEncoder struct {
	*gopus.Encoder
	mono []float32 // nil: stereo
}

// newGopusEncoder returns an encoder of one channel for speech, and whenever there
// are copies for FEC: those of stereo are wrong. What libopus decodes of such
// packets has nothing to do with what was said (TestVoiceIsMono).
func newGopusEncoder(s EncoderSettings) (FrameEncoder, error) {
	config := gopus.EncoderConfig{SampleRate: Rate, Channels: Channels, Application: gopus.ApplicationAudio}
	signal, fec := gopus.SignalMusic, gopus.InBandFECDisabled
	if s.Voice {
		config.Application, signal = gopus.ApplicationVoIP, gopus.SignalVoice
	}
	if s.FEC {
		fec = gopus.InBandFECEnabled
	}
	var g gopusEncoder
	if s.Voice || s.FEC {
		config.Channels, g.mono = 1, make([]float32, FrameSamples)
	}
	var err error
	if g.Encoder, err = gopus.NewEncoder(config); err != nil {
		return nil, err
	}
	for _, err := range []error{
		g.SetBitrate(s.Bitrate), g.SetComplexity(s.Complexity), g.SetInBandFEC(fec), g.SetPacketLoss(s.Loss),
		g.SetSignal(signal), g.SetFrameSize(FrameSamples),
	} {
		if err != nil {
			return nil, err
		}
	}
	g.SetDTX(s.DTX)
	return g, nil
}

// Encode implements [FrameEncoder].
func (g gopusEncoder) Encode(frame []float32, packet []byte) (int, error) {
	if g.mono == nil {
		return g.Encoder.Encode(frame, packet)
	}
	for i := range g.mono {
		g.mono[i] = (frame[2*i] + frame[2*i+1]) / 2
	}
	return g.Encoder.Encode(g.mono, packet)
}

func (g gopusEncoder) SetLoss(percent int) error { return g.SetPacketLoss(percent) }
func (g gopusEncoder) LookAhead() int            { return g.Lookahead() }

type gopusDecoder struct{ *gopus.Decoder }

func newGopusDecoder() (FrameDecoder, error) {
	d, err := gopus.NewDecoder(gopus.DecoderConfig{
		SampleRate: Rate, Channels: Channels, MaxPacketSamples: MaxSamples, MaxPacketBytes: audio.MaxPacket,
	})
	if err != nil {
		return nil, err
	}
	return gopusDecoder{d}, nil
}

// Recover implements [FrameDecoder].
func (d gopusDecoder) Recover(next []byte, samples int, pcm []float32) (int, error) {
	if samples < 0 || samples > MaxSamples {
		return 0, fmt.Errorf("%d samples to recover", samples)
	}
	return d.DecodeWithFEC(next, pcm[:samples*Channels], true)
}

// Conceal implements [FrameDecoder].
func (d gopusDecoder) Conceal(samples int, pcm []float32) (int, error) {
	if samples < 0 || samples > MaxSamples {
		return 0, fmt.Errorf("%d samples to conceal", samples)
	}
	return d.DecodeWithFEC(nil, pcm[:samples*Channels], false)
}
