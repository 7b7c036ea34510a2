package rtp

import "errors"

// ErrOpen says that a packet was not made with this key, or was changed on its way.
var ErrOpen = errors.New("rtp: the packet is not authentic")

// An Opener decrypts what one end of a connection receives, from all senders.
// It is not safe for concurrent use. Make one with [NewOpener], and
// [Opener.Close] it.
//
// It does not notice packets that arrive twice: whoever puts them in order does.
type Opener struct {
	open      func(dst, nonce, ciphertext, additional []byte) ([]byte, error) // nil once closed
	nonce     [maxNonce]byte
	nonceSize int
}

// NewOpener returns an opener with a key of [KeySize] bytes, of which nothing
// but the cipher keeps a copy. The error is [ErrKeySize], or [ErrNoMode] for a
// mode this package does not have.
func NewOpener(mode Mode, key []byte) (*Opener, error) {
	aead, err := mode.aead(key)
	if err != nil {
		return nil, err
	}
	return &Opener{open: aead.Open, nonceSize: aead.NonceSize()}, nil
}

// Open decrypts a packet as it came off the wire, in place, and returns it
// without its last [Overhead] bytes: an RTP packet in clear, header, extension
// and padding included, for [Packet.Unmarshal] or [Sealer.Seal].
//
// The error is one of [Header.Unmarshal], [ErrOpen] or [ErrClosed]. After
// ErrOpen all but the header of the packet is undefined: keep a copy of a
// packet for which there may be another key.
func (o *Opener) Open(packet []byte) ([]byte, error) {
	if o.open == nil {
		return nil, ErrClosed
	}
	size, err := clearSize(packet)
	if err != nil {
		return nil, err
	}
	end := len(packet) - nonceSuffix
	if end-tagSize < size {
		return nil, ErrShort
	}
	copy(o.nonce[:nonceSuffix], packet[end:])
	plain, err := o.open(packet[:size], o.nonce[:o.nonceSize], packet[size:end], packet[:size])
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

// Close lets go of the cipher, whose expanded key is out of reach and left to
// the garbage collector. A closed opener returns [ErrClosed].
func (o *Opener) Close() { o.open = nil }

// String does not tell the key.
func (o *Opener) String() string { return "rtp.Opener" }
