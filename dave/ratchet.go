package dave

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/discordpkg/gateway/internal/mls"
)

const (
	baseSecretSize = 16 // what MLS exports for each sender
	mediaKeySize   = 16 // AES-128
	nextSecretSize = sha256.Size

	// generationBits is where the generation starts in a nonce.
	//
	// https://daveprotocol.com/#key-rotation-1
	generationBits = 24
)

// ErrSecret reports a base secret that does not have 16 bytes.
var ErrSecret = errors.New("dave: the base secret does not have 16 bytes")

// A ratchet derives the media keys of one sender in one epoch, each generation
// once and in order. What it has derived cannot be derived again.
//
// https://daveprotocol.com/#sender-key-derivation
type ratchet struct {
	secret     secret
	generation uint64 // of the key that step returns
}

func newRatchet(base []byte) (ratchet, error) {
	if len(base) != baseSecretSize {
		return ratchet{}, ErrSecret
	}
	return ratchet{secret: keep(base)}, nil
}

// step returns the key of r.generation and moves on to the next one.
func (r *ratchet) step() (cipher.AEAD, error) {
	key, err := mls.DeriveTreeSecret(r.secret(), "key", uint32(r.generation), mediaKeySize)
	if err != nil {
		return nil, fmt.Errorf("dave: ratchet: %w", err)
	}
	defer clear(key)
	next, err := mls.DeriveTreeSecret(r.secret(), "secret", uint32(r.generation), nextSecretSize)
	if err != nil {
		return nil, fmt.Errorf("dave: ratchet: %w", err)
	}
	defer clear(next)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("dave: ratchet: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("dave: ratchet: %w", err)
	}
	r.secret.wipe()
	r.secret = keep(next)
	r.generation++
	return aead, nil
}

func (r *ratchet) wipe() { r.secret.wipe() }
