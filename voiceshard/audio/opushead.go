package audio

import (
	"encoding/binary"
	"errors"
)

// An OpusHead is what a stream of Opus says about itself.
//
// https://www.rfc-editor.org/rfc/rfc7845#section-5.1
type OpusHead struct {
	Channels        int    // 1 or 2
	PreSkip         int    // samples of 1/48000 s at the beginning that are not for the ear
	InputSampleRate uint32 // in Hz, of what was encoded; 0: unknown
	Gain            int16  // in 1/256 dB, for the decoder to apply
}

// ErrChannels says that a file is of surround sound.
var ErrChannels = errors.New("audio: more than two channels: convert it, with ffmpeg -i IN -ac 2 -c:a libopus OUT.opus")

const (
	opusHeadMagic = "OpusHead"
	opusTagsMagic = "OpusTags"
	opusHeadSize  = 19
)

// errOpusHead is for whoever knows where the header is.
var errOpusHead = errors.New("malformed OpusHead")

// parseOpusHead reads the first packet of a stream, which is also what a WebM
// file keeps as the private data of the codec.
func parseOpusHead(b []byte) (OpusHead, error) {
	if len(b) < opusHeadSize || string(b[:8]) != opusHeadMagic || b[8]>>4 != 0 || b[9] == 0 {
		return OpusHead{}, errOpusHead
	}
	h := OpusHead{
		Channels:        int(b[9]),
		PreSkip:         int(binary.LittleEndian.Uint16(b[10:])),
		InputSampleRate: binary.LittleEndian.Uint32(b[12:]),
		Gain:            int16(binary.LittleEndian.Uint16(b[16:])),
	}
	// Whatever the family says about channels: packets of one stream are
	// packets as anywhere else.
	// https://www.rfc-editor.org/rfc/rfc7845#section-5.1.1
	if family := b[18]; family != 0 {
		if len(b) < opusHeadSize+2 {
			return OpusHead{}, errOpusHead
		}
		if b[19] != 1 {
			return OpusHead{}, ErrChannels
		}
	}
	if h.Channels > 2 {
		return OpusHead{}, ErrChannels
	}
	return h, nil
}

// append appends the header as a packet.
func (h OpusHead) append(dst []byte) []byte {
	dst = append(dst, opusHeadMagic...)
	dst = append(dst, 1, byte(h.Channels))
	dst = binary.LittleEndian.AppendUint16(dst, uint16(h.PreSkip))
	dst = binary.LittleEndian.AppendUint32(dst, h.InputSampleRate)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(h.Gain))
	return append(dst, 0)
}
