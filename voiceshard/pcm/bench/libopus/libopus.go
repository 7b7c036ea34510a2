//go:build libopus

// Package libopus is the reference codec, as far as it is compared with.
package libopus

/*
#cgo pkg-config: opus
#include <opus.h>

static int set_bitrate(OpusEncoder *e, int v) { return opus_encoder_ctl(e, OPUS_SET_BITRATE(v)); }
static int set_complexity(OpusEncoder *e, int v) { return opus_encoder_ctl(e, OPUS_SET_COMPLEXITY(v)); }
static int set_signal(OpusEncoder *e, int v) { return opus_encoder_ctl(e, OPUS_SET_SIGNAL(v)); }
*/
import "C"

import (
	"errors"
	"unsafe"
)

const (
	rate     = 48000
	channels = 2
)

// Version returns what libopus calls itself.
func Version() string { return C.GoString(C.opus_get_version_string()) }

func failed(code C.int) error {
	if code == 0 {
		return nil
	}
	return errors.New("libopus: " + C.GoString(C.opus_strerror(code)))
}

// An Encoder encodes 48 kHz.
type Encoder struct {
	e        *C.OpusEncoder
	channels int
}

// NewEncoder returns an encoder for speech of one channel, or for music of two.
func NewEncoder(bitrate, complexity int, voice bool) (*Encoder, error) {
	n, application, signal := channels, C.OPUS_APPLICATION_AUDIO, C.OPUS_SIGNAL_MUSIC
	if voice {
		n, application, signal = 1, C.OPUS_APPLICATION_VOIP, C.OPUS_SIGNAL_VOICE
	}
	var code C.int
	e := C.opus_encoder_create(rate, C.int(n), C.int(application), &code)
	if code != 0 {
		return nil, failed(code)
	}
	return &Encoder{e, n}, errors.Join(failed(C.set_bitrate(e, C.int(bitrate))), failed(C.set_complexity(e, C.int(complexity))), failed(C.set_signal(e, C.int(signal))))
}

// Encode encodes a frame, which has one or two channels.
func (e *Encoder) Encode(frame []float32, packet []byte) (int, error) {
	n := C.opus_encode_float(e.e, (*C.float)(unsafe.Pointer(&frame[0])), C.int(len(frame)/e.channels), (*C.uchar)(unsafe.Pointer(&packet[0])), C.opus_int32(len(packet)))
	if n < 0 {
		return 0, failed(C.int(n))
	}
	return int(n), nil
}

// Close frees the encoder.
func (e *Encoder) Close() { C.opus_encoder_destroy(e.e) }

// A Decoder decodes to 48 kHz stereo.
type Decoder struct{ d *C.OpusDecoder }

// NewDecoder returns a decoder.
func NewDecoder() (*Decoder, error) {
	var code C.int
	d := C.opus_decoder_create(rate, channels, &code)
	return &Decoder{d}, failed(code)
}

// Decode decodes a packet; none is a loss of so many samples as fit into pcm.
func (d *Decoder) Decode(packet []byte, pcm []float32) (int, error) {
	var p *C.uchar
	if len(packet) > 0 {
		p = (*C.uchar)(unsafe.Pointer(&packet[0]))
	}
	n := C.opus_decode_float(d.d, p, C.opus_int32(len(packet)), (*C.float)(unsafe.Pointer(&pcm[0])), C.int(len(pcm)/channels), 0)
	if n < 0 {
		return 0, failed(C.int(n))
	}
	return int(n), nil
}

// DecodeInt16 is Decode to integers.
func (d *Decoder) DecodeInt16(packet []byte, pcm []int16) (int, error) {
	n := C.opus_decode(d.d, (*C.uchar)(unsafe.Pointer(&packet[0])), C.opus_int32(len(packet)), (*C.opus_int16)(unsafe.Pointer(&pcm[0])), C.int(len(pcm)/channels), 0)
	if n < 0 {
		return 0, failed(C.int(n))
	}
	return int(n), nil
}

// Close frees the decoder.
func (d *Decoder) Close() { C.opus_decoder_destroy(d.d) }
