package rtp

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/chacha20poly1305"
)

// A Mode is a transport encryption mode, as Ready, Select Protocol and Session
// Description name it.
//
// https://discord.com/developers/docs/topics/voice-connections#transport-encryption-modes
type Mode string

const (
	AES256GCM         Mode = "aead_aes256_gcm_rtpsize"         // preferred; not every server has it
	XChaCha20Poly1305 Mode = "aead_xchacha20_poly1305_rtpsize" // every server has it
)

// KeySize is the size in bytes of the secret key, in every mode.
const KeySize = 32

// Errors about encryption modes and keys.
var (
	ErrNoMode  = errors.New("rtp: no encryption mode in common, which Discord closes with 4016")
	ErrKeySize = errors.New("rtp: the secret key does not have 32 bytes")
)

// Modes returns the modes of this package, the preferred one first.
func Modes() []Mode { return []Mode{AES256GCM, XChaCha20Poly1305} }

// SelectMode returns the best mode of those offered, in whatever order they
// are. Names it does not know are skipped. The error is [ErrNoMode].
func SelectMode(offered []string) (Mode, error) {
	for _, m := range Modes() {
		if slices.Contains(offered, string(m)) {
			return m, nil
		}
	}
	return "", fmt.Errorf("%w (offered: %.100q)", ErrNoMode, offered[:min(len(offered), 8)])
}

// aead returns the cipher of the mode. It keeps a copy of the key.
func (m Mode) aead(key []byte) (cipher.AEAD, error) {
	if len(key) != KeySize {
		return nil, ErrKeySize
	}
	switch m {
	case AES256GCM:
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("rtp: %w", err)
		}
		return cipher.NewGCM(block)
	case XChaCha20Poly1305:
		return chacha20poly1305.NewX(key)
	}
	return nil, fmt.Errorf("%w (chosen: %.100q)", ErrNoMode, string(m))
}
