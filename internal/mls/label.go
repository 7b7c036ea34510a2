package mls

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
)

// Sizes of cipher suite 2 in bytes.
const (
	hashSize  = sha256.Size
	keySize   = 16 // AES-128-GCM
	nonceSize = 12
)

const labelPrefix = "MLS 1.0 "

// zero stands in for a commit secret without a path and for the pre-shared
// keys that DAVE does without.
var zero [hashSize]byte

// extract is HKDF-Extract.
func extract(salt, secret []byte) []byte { return mac(salt, secret) }

// expandWithLabel is ExpandWithLabel of RFC 9420 section 8, length is at most
// 255 times the hash.
func expandWithLabel(secret []byte, label string, context []byte, length int) ([]byte, error) {
	out, err := hkdf.Expand(sha256.New, secret, string(kdfLabel(label, context, length)), length)
	if err != nil {
		return nil, fmt.Errorf("mls: expand %q to %d bytes: %w", label, length, err)
	}
	return out, nil
}

// expand is expandWithLabel for at most one hash, which is one round of HKDF.
func expand(secret []byte, label string, context []byte, length int) []byte {
	return mac(secret, append(kdfLabel(label, context, length), 1))[:length]
}

// kdfLabel is KDFLabel of RFC 9420 section 8, with room for one byte more.
func kdfLabel(label string, context []byte, length int) []byte {
	info := make([]byte, 0, 16+len(labelPrefix)+len(label)+len(context))
	info = appendU16(info, uint16(length))
	info = appendVector(info, labelPrefix+label)
	return appendVector(info, context)
}

// deriveSecret is DeriveSecret of RFC 9420 section 8.
func deriveSecret(secret []byte, label string) []byte {
	return expand(secret, label, nil, hashSize)
}

// DeriveTreeSecret is the function of that name in RFC 9420 section 9, with
// which DAVE ratchets the key of a sender. The length is at most 8160 bytes.
func DeriveTreeSecret(secret []byte, label string, generation uint32, length int) ([]byte, error) {
	return expandWithLabel(secret, label, appendU32(nil, generation), length)
}

// refHash is RefHash of RFC 9420 section 5.2.
func refHash(label string, value []byte) []byte {
	in := make([]byte, 0, 8+len(label)+len(value))
	in = appendVector(in, label)
	in = appendVector(in, value)
	sum := sha256.Sum256(in)
	return sum[:]
}

func mac(key, data []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(data)
	return h.Sum(nil)
}

func aead(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("mls: %w", err)
	}
	return cipher.NewGCM(block)
}
