package dave

import (
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

var (
	// ErrRanges reports a frame of which more parts have to stay clear than
	// its footer has room for, about forty.
	ErrRanges = errors.New("dave: the frame has too many unencrypted ranges")

	// ErrStartCode reports a frame of H264 or H265 that could not be encrypted
	// without making a start code in ten attempts. It is to be dropped.
	ErrStartCode = errors.New("dave: the encrypted frame has a start code")

	// ErrWiped reports a key that has been wiped.
	ErrWiped = errors.New("dave: the key has been wiped")
)

// startCodeAttempts is how often a frame is encrypted to get one without a
// start code.
//
// https://daveprotocol.com/#h264--h265
const startCodeAttempts = 10

// An Encryptor encrypts the frames of one sender in one epoch: all of them,
// whatever their codec and SSRC, because no nonce may be used twice. It is not
// safe for concurrent use.
type Encryptor struct {
	ratchet    ratchet
	aead       cipher.AEAD
	generation uint64 // of aead
	count      uint64 // of nonces used, and so the last one; its low 32 bits are sent
	iv         [12]byte
	layout     layout
	sealed     []byte
	ranges     []byte
}

// NewEncryptor returns an Encryptor with the base secret of a sender, 16
// bytes, which it copies.
func NewEncryptor(secret []byte) (*Encryptor, error) {
	r, err := newRatchet(secret)
	if err != nil {
		return nil, err
	}
	return &Encryptor{ratchet: r}, nil
}

// Encrypt appends the protocol frame of an encoded frame to dst, which must not
// overlap the frame. For Opus it needs no memory but [MaxOverhead] bytes more
// than the frame has, and eight for a moment, in dst.
//
// The error is [ErrRanges] or [ErrStartCode], which concern this frame alone,
// or [ErrWiped]. Dst is then returned as it was.
func (e *Encryptor) Encrypt(dst, frame []byte, codec Codec) ([]byte, error) {
	if codec == Opus || codec == VP9 {
		return e.encryptWhole(dst, frame)
	}
	l := &e.layout
	l.read(frame, codec)
	if err := e.writeRanges(); err != nil {
		return dst, err
	}
	for range startCodeAttempts {
		if err := e.next(); err != nil {
			return dst, err
		}
		e.sealed = e.aead.Seal(e.sealed[:0], e.iv[:], l.sealed, l.clear)
		out := l.appendFrame(dst, e.sealed[:len(l.sealed)])
		out = append(out, e.sealed[len(l.sealed):][:tagSize]...)
		out = e.appendFooter(out)
		if codec != H264 && codec != H265 || !l.hasStartCode(out[len(dst):]) {
			return out, nil
		}
	}
	return dst, ErrStartCode
}

// encryptWhole encrypts a frame of which nothing stays clear, where it goes.
func (e *Encryptor) encryptWhole(dst, frame []byte) ([]byte, error) {
	if err := e.next(); err != nil {
		return dst, err
	}
	e.ranges = e.ranges[:0]
	dst = slices.Grow(dst, len(frame)+MaxOverhead+tagSize)
	out := e.aead.Seal(dst, e.iv[:], frame, nil)
	return e.appendFooter(out[:len(dst)+len(frame)+tagSize]), nil
}

// next moves on to the next nonce, of which the first is one.
//
// https://daveprotocol.com/#truncated-synchronization-nonce
func (e *Encryptor) next() error {
	if e.ratchet.secret == nil {
		return ErrWiped
	}
	count := e.count + 1
	for generation := count >> generationBits; e.aead == nil || e.generation < generation; {
		g := e.ratchet.generation
		aead, err := e.ratchet.step()
		if err != nil {
			return err
		}
		e.aead, e.generation = aead, g
	}
	e.count = count
	binary.LittleEndian.PutUint32(e.iv[8:], uint32(count))
	return nil
}

func (e *Encryptor) writeRanges() error {
	e.ranges = e.ranges[:0]
	for _, s := range e.layout.spans {
		e.ranges = appendULEB128(appendULEB128(e.ranges, s.offset), s.size)
		if len(e.ranges) > maxFooterSize-MaxOverhead {
			return ErrRanges
		}
	}
	return nil
}

// appendFooter appends what follows the tag.
func (e *Encryptor) appendFooter(dst []byte) []byte {
	from := len(dst) - tagSize
	dst = appendULEB128(dst, uint32(e.count))
	dst = append(dst, e.ranges...)
	return append(dst, byte(len(dst)-from+trailerSize), marker, marker)
}

// Wipe overwrites the secret. Encrypt fails from then on.
func (e *Encryptor) Wipe() {
	e.ratchet.wipe()
	*e = Encryptor{}
}

// Format implements [fmt.Formatter] without keys.
func (e *Encryptor) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "dave encryptor") }
