package mls

import (
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/rand"
	"fmt"
)

// newDecapsulationKey makes the private key of a leaf or of a key package.
func newDecapsulationKey() (scalar []byte, public *ecdh.PublicKey, err error) {
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("mls: encryption key: %w", err)
	}
	return key.Bytes(), key.PublicKey(), nil
}

// deriveKeyPair is KEM.DeriveKeyPair of RFC 9180 section 7.1.3.
func deriveKeyPair(secret []byte) (scalar []byte, public *ecdh.PublicKey, err error) {
	key, err := hpke.DHKEM(ecdh.P256()).DeriveKeyPair(secret)
	if err != nil {
		return nil, nil, fmt.Errorf("mls: derive key pair: %w", err)
	}
	if scalar, err = key.Bytes(); err != nil {
		return nil, nil, fmt.Errorf("mls: derive key pair: %w", err)
	}
	if public, err = ecdh.P256().NewPublicKey(key.PublicKey().Bytes()); err != nil {
		return nil, nil, fmt.Errorf("mls: derive key pair: %w", err)
	}
	return scalar, public, nil
}

// appendSealed is EncryptWithLabel of RFC 9420 section 5.1.3, it appends the
// HPKECiphertext.
func appendSealed(dst []byte, to *ecdh.PublicKey, label string, context, plaintext []byte) ([]byte, error) {
	key, err := hpke.NewDHKEMPublicKey(to)
	if err != nil {
		return nil, fmt.Errorf("mls: encrypt: %w", err)
	}
	enc, sender, err := hpke.NewSender(key, hpke.HKDFSHA256(), hpke.AES128GCM(), encryptContext(label, context))
	if err != nil {
		return nil, fmt.Errorf("mls: encrypt: %w", err)
	}
	sealed, err := sender.Seal(nil, plaintext)
	if err != nil {
		return nil, fmt.Errorf("mls: encrypt: %w", err)
	}
	return appendVector(appendVector(dst, enc), sealed), nil
}

// A sealed is an HPKECiphertext.
type sealed struct{ kem, text []byte }

func (r *reader) sealed() sealed { return sealed{r.vector(), r.vector()} }

// open is DecryptWithLabel of RFC 9420 section 5.1.3.
func (s sealed) open(scalar []byte, label string, context []byte) ([]byte, error) {
	key, err := hpke.DHKEM(ecdh.P256()).NewPrivateKey(scalar)
	if err != nil {
		return nil, fmt.Errorf("%w: private key: %w", ErrDecrypt, err)
	}
	recipient, err := hpke.NewRecipient(s.kem, key, hpke.HKDFSHA256(), hpke.AES128GCM(), encryptContext(label, context))
	if err != nil {
		return nil, fmt.Errorf("%w: encapsulated key: %w", ErrDecrypt, err)
	}
	text, err := recipient.Open(nil, s.text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDecrypt, err)
	}
	return text, nil
}

func encryptContext(label string, context []byte) []byte {
	in := make([]byte, 0, 16+len(label)+len(context))
	in = appendVector(in, labelPrefix+label)
	return appendVector(in, context)
}
