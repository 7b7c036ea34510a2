package rtp

import (
	"errors"
	"slices"
)

// Overhead is by how many bytes a packet grows when it is sealed: the
// authentication tag, and the four bytes of nonce.
const Overhead = tagSize + nonceSuffix

const tagSize = 16

// Errors about keys that are gone or worn out.
var (
	ErrClosed     = errors.New("rtp: the key has been wiped")
	ErrNonces     = errors.New("rtp: the nonces are used up, only a new session has a new key")
	ErrNonceRange = errors.New("rtp: the range of nonces wraps around")
)

// A Sealer encrypts what one end of a connection sends. It is not safe for
// concurrent use. Make one with [NewSealer], and [Sealer.Close] it.
//
// A sealed packet is the header in clear, which is authenticated, the rest
// encrypted, the tag, and four bytes of nonce. The nonce of the cipher is those
// four bytes followed by zeros, so that the byte order in which a sender counts
// is its own business; ours is big endian.
//
// https://discord.com/developers/docs/topics/voice-connections#transport-encryption-modes
type Sealer struct {
	seal      func(dst, nonce, plaintext, additional []byte) []byte // nil once closed
	key       secret
	nonces    *Nonces // of this key; shared by copies, so that none repeats one
	nonce     [maxNonce]byte
	nonceSize int
}

// NewSealer returns a sealer with a key of [KeySize] bytes, which it copies,
// and the nonces it may use. The error is [ErrKeySize], [ErrNoMode] for a mode
// this package does not have, or [ErrNonceRange].
func NewSealer(mode Mode, key []byte, nonces Nonces) (*Sealer, error) {
	if nonces.wraps() {
		return nil, ErrNonceRange
	}
	aead, err := mode.aead(key)
	if err != nil {
		return nil, err
	}
	return &Sealer{seal: aead.Seal, key: keep(key), nonces: &nonces, nonceSize: aead.NonceSize()}, nil
}

// Rekey changes mode and key, after a Session Description on the same
// connection. If the key is the one that s has, the nonces given are ignored
// and s goes on counting: a description that was sent twice does not make
// nonces repeat. The errors are those of [NewSealer], and [ErrClosed]; s is as
// it was then.
func (s *Sealer) Rekey(mode Mode, key []byte, nonces Nonces) error {
	if s.seal == nil {
		return ErrClosed
	}
	same := s.key.equal(key)
	if same {
		nonces = *s.nonces
	}
	next, err := NewSealer(mode, key, nonces)
	if err != nil {
		return err
	}
	if same {
		next.nonces = s.nonces
	}
	s.key.wipe()
	*s = *next
	return nil
}

// Seal encrypts a packet in clear, as [Packet.MarshalTo] or [Opener.Open] left
// it, and returns it with [Overhead] bytes more. As append does, it works in
// place if the capacity of packet allows, and moves the packet otherwise.
//
// The error is one of [Header.Unmarshal], [ErrNonces], or [ErrClosed]. The
// packet is as it was then, and no nonce is lost.
func (s *Sealer) Seal(packet []byte) ([]byte, error) {
	if s.seal == nil {
		return nil, ErrClosed
	}
	size, err := clearSize(packet)
	if err != nil {
		return nil, err
	}
	if !s.nonces.take(s.nonce[:nonceSuffix]) {
		return nil, ErrNonces
	}
	packet = slices.Grow(packet, Overhead)
	sealed := s.seal(packet[:size], s.nonce[:s.nonceSize], packet[size:], packet[:size])
	return append(sealed, s.nonce[:nonceSuffix]...), nil
}

// Nonces returns those that are left. When they get [Nonces.Low], the owner
// should ask for a new session; a process that hands the connection to another
// one hands them over too.
func (s *Sealer) Nonces() Nonces { return *s.nonces }

// Close wipes the key and lets go of the cipher, whose expanded key is out of
// reach and left to the garbage collector. A closed sealer returns [ErrClosed].
func (s *Sealer) Close() {
	s.key.wipe()
	s.seal = nil
}

// String does not tell the key.
func (s *Sealer) String() string { return "rtp.Sealer" }
