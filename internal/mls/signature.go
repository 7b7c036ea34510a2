package mls

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
)

// A SignatureKey is the private key with which a member signs: ECDSA on P-256
// with SHA-256. It is immutable and safe for concurrent use, and no fmt verb
// shows it.
type SignatureKey struct {
	key    *ecdsa.PrivateKey
	public []byte
}

// GenerateSignatureKey makes a new key.
func GenerateSignatureKey() (*SignatureKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("mls: signature key: %w", err)
	}
	return newSignatureKey(key)
}

// ParseSignatureKey takes over a key from the 32 bytes that
// [SignatureKey.Bytes] returned.
func ParseSignatureKey(scalar []byte) (*SignatureKey, error) {
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
	if err != nil {
		return nil, fmt.Errorf("mls: signature key: %w", err)
	}
	return newSignatureKey(key)
}

func newSignatureKey(key *ecdsa.PrivateKey) (*SignatureKey, error) {
	public, err := key.PublicKey.Bytes()
	if err != nil {
		return nil, fmt.Errorf("mls: signature key: %w", err)
	}
	return &SignatureKey{key: key, public: public}, nil
}

// Public returns the public key, an uncompressed point of 65 bytes. The slice
// is the caller's.
func (k *SignatureKey) Public() []byte { return append([]byte(nil), k.public...) }

// Bytes returns the private key, 32 bytes that have to be kept secret. The
// slice is the caller's.
func (k *SignatureKey) Bytes() []byte {
	b, err := k.key.Bytes()
	if err != nil {
		panic("mls: " + err.Error())
	}
	return b
}

// Format writes the public key in short, whatever the verb.
func (k *SignatureKey) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "mls.SignatureKey(%x…)", k.public[1:5])
}

// sign is SignWithLabel of RFC 9420 section 5.1.2.
func (k *SignatureKey) sign(label string, content []byte) ([]byte, error) {
	digest := signedDigest(label, content)
	sig, err := ecdsa.SignASN1(rand.Reader, k.key, digest[:])
	if err != nil {
		return nil, fmt.Errorf("mls: sign: %w", err)
	}
	return sig, nil
}

// signedDigest hashes the SignContent of RFC 9420 section 5.1.2.
func signedDigest(label string, content []byte) [sha256.Size]byte {
	in := make([]byte, 0, 16+len(label)+len(content))
	in = appendVector(in, labelPrefix+label)
	in = appendVector(in, content)
	return sha256.Sum256(in)
}

// A verifyKey is the public key of a member or of the external sender.
type verifyKey struct{ key *ecdsa.PublicKey }

func parseVerifyKey(b []byte) (verifyKey, error) {
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), b)
	if err != nil {
		return verifyKey{}, fmt.Errorf("signature key: %w", err)
	}
	return verifyKey{key}, nil
}

// verify is VerifyWithLabel of RFC 9420 section 5.1.2.
func (k verifyKey) verify(label string, content, signature []byte) bool {
	digest := signedDigest(label, content)
	return k.key != nil && ecdsa.VerifyASN1(k.key, digest[:], signature)
}

func (k verifyKey) equal(other verifyKey) bool {
	return k.key != nil && other.key != nil && k.key.Equal(other.key)
}
