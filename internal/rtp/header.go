package rtp

import (
	"encoding/binary"
	"errors"
	"io"
)

// Version is the version of RTP. There is no other one.
const Version = 2

// PayloadTypeOpus is the payload type of audio on Discord.
//
// https://discord.com/developers/docs/topics/voice-connections#transport-encryption-modes-voice-packet-structure
const PayloadTypeOpus = 120

// MaxCSRC is how many contributing sources a header has room for.
const MaxCSRC = 15

// MaxHeaderSize is the size in bytes of the longest header, [MaxCSRC] sources
// and an extension.
const MaxHeaderSize = fixedSize + 4*MaxCSRC + extensionSize

const (
	fixedSize     = 12
	extensionSize = 4 // profile and length; the body is no part of the header
)

// The first two bytes of a header.
const (
	versionShift = 6
	paddingBit   = 0x20
	extensionBit = 0x10
	countMask    = 0x0f
	markerBit    = 0x80
	typeMask     = 0x7f
)

// Errors about packets that are not what they should be.
var (
	ErrShort     = errors.New("rtp: the packet is shorter than it says")
	ErrVersion   = errors.New("rtp: the packet is not of version 2")
	ErrRTCP      = errors.New("rtp: the packet is RTCP")
	ErrExtension = errors.New("rtp: the header extension is longer than the packet")
	ErrPadding   = errors.New("rtp: the padding is empty or longer than the payload")
	ErrHeader    = errors.New("rtp: the header has a field that is out of range")
)

// A Header is the part of a packet that stays readable on the wire: the fixed
// fields, the contributing sources, and the first word of the extension. It is
// what the "rtpsize" encryption modes authenticate without encrypting it.
//
// https://www.rfc-editor.org/rfc/rfc3550#section-5.1
type Header struct {
	Padding     bool   // the payload ends in padding
	Marker      bool   // of no consequence for Discord, but it occurs
	PayloadType uint8  // 7 bits
	Sequence    uint16 // wraps
	Timestamp   uint32 // in samples of 1/48000 s; wraps
	SSRC        uint32 // who sends

	CSRC      [MaxCSRC]uint32 // the first CSRCCount are in use
	CSRCCount uint8

	Extension        bool   // an extension precedes the payload
	ExtensionProfile uint16 // what the extension is
	ExtensionWords   uint16 // size of its body, in words of 4 bytes
}

// Size returns the size of the header in bytes: what [Header.MarshalTo]
// writes, and what stays in clear.
func (h *Header) Size() int {
	size := fixedSize + 4*int(h.CSRCCount)
	if h.Extension {
		size += extensionSize
	}
	return size
}

// Unmarshal reads the header at the beginning of b, and returns its size. Only
// the header must be there: it says nothing about whether the body of the
// extension is. The error is [ErrShort], [ErrVersion] or [ErrRTCP], and leaves
// h as it was.
func (h *Header) Unmarshal(b []byte) (int, error) {
	size, err := clearSize(b)
	if err != nil {
		return 0, err
	}
	*h = Header{
		Padding:     b[0]&paddingBit != 0,
		Marker:      b[1]&markerBit != 0,
		PayloadType: b[1] & typeMask,
		Sequence:    binary.BigEndian.Uint16(b[2:]),
		Timestamp:   binary.BigEndian.Uint32(b[4:]),
		SSRC:        binary.BigEndian.Uint32(b[8:]),
		CSRCCount:   b[0] & countMask,
		Extension:   b[0]&extensionBit != 0,
	}
	for i := range h.CSRCCount {
		h.CSRC[i] = binary.BigEndian.Uint32(b[fixedSize+4*int(i):])
	}
	if h.Extension {
		h.ExtensionProfile = binary.BigEndian.Uint16(b[size-4:])
		h.ExtensionWords = binary.BigEndian.Uint16(b[size-2:])
	}
	return size, nil
}

// clearSize returns how many bytes of a packet are its header.
func clearSize(b []byte) (int, error) {
	if len(b) < fixedSize {
		return 0, ErrShort
	}
	if b[0]>>versionShift != Version {
		return 0, ErrVersion
	}
	if isRTCP(b) {
		return 0, ErrRTCP
	}
	size := fixedSize + 4*int(b[0]&countMask)
	if b[0]&extensionBit != 0 {
		size += extensionSize
	}
	if len(b) < size {
		return 0, ErrShort
	}
	return size, nil
}

// MarshalTo writes the header to the beginning of b, and returns its size. The
// error is [io.ErrShortBuffer], or [ErrHeader] for more than [MaxCSRC] sources
// and for payload types that have more than 7 bits or look like RTCP (72 to
// 79). Nothing is written then.
func (h *Header) MarshalTo(b []byte) (int, error) {
	if h.CSRCCount > MaxCSRC || h.PayloadType > typeMask || likeRTCP(h.PayloadType) {
		return 0, ErrHeader
	}
	size := h.Size()
	if len(b) < size {
		return 0, io.ErrShortBuffer
	}
	b[0] = Version<<versionShift | bit(h.Padding, paddingBit) | bit(h.Extension, extensionBit) | h.CSRCCount
	b[1] = bit(h.Marker, markerBit) | h.PayloadType
	binary.BigEndian.PutUint16(b[2:], h.Sequence)
	binary.BigEndian.PutUint32(b[4:], h.Timestamp)
	binary.BigEndian.PutUint32(b[8:], h.SSRC)
	for i := range h.CSRCCount {
		binary.BigEndian.PutUint32(b[fixedSize+4*int(i):], h.CSRC[i])
	}
	if h.Extension {
		binary.BigEndian.PutUint16(b[size-4:], h.ExtensionProfile)
		binary.BigEndian.PutUint16(b[size-2:], h.ExtensionWords)
	}
	return size, nil
}

func bit(set bool, mask byte) byte {
	if set {
		return mask
	}
	return 0
}
