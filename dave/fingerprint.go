package dave

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/crypto/scrypt"

	"github.com/discordpkg/gateway/snowflake"
)

// FingerprintSize is the size in bytes of a [Fingerprint].
const FingerprintSize = 64

// A Fingerprint stands for the identity keys of two users. If both see the
// same, no one between them reads along.
type Fingerprint [FingerprintSize]byte

// ErrFingerprint reports a fingerprint without a public key.
var ErrFingerprint = errors.New("dave: a fingerprint needs two public keys")

var fingerprintSalt = []byte{0x24, 0xca, 0xb1, 0x7a, 0x7a, 0xf8, 0xec, 0x2b, 0x82, 0xb4, 0x12, 0xb9, 0x2d, 0xab, 0x19, 0x2e}

// PairwiseFingerprint returns the fingerprint of two users with their public
// keys. Their order does not matter. It is meant to be slow: it takes about a
// tenth of a second and 16 MiB.
//
// https://daveprotocol.com/#verification-fingerprint
func PairwiseFingerprint(a snowflake.ID, keyA []byte, b snowflake.ID, keyB []byte) (Fingerprint, error) {
	if len(keyA) == 0 || len(keyB) == 0 {
		return Fingerprint{}, ErrFingerprint
	}
	first, second := keyFingerprint(a, keyA), keyFingerprint(b, keyB)
	if bytes.Compare(first, second) > 0 {
		first, second = second, first
	}
	const n, r, p = 16384, 8, 2
	out, err := scrypt.Key(append(first, second...), fingerprintSalt, n, r, p, FingerprintSize)
	if err != nil {
		return Fingerprint{}, fmt.Errorf("dave: fingerprint: %w", err)
	}
	return Fingerprint(out), nil
}

// Code returns the 45 digits that users compare, in groups of five without
// spaces.
func (f Fingerprint) Code() string {
	code, _ := DisplayableCode(f[:], fingerprintCodeLength, codeGroup) // there are 64 bytes
	return code
}

func keyFingerprint(user snowflake.ID, key []byte) []byte {
	const version = 0
	b := binary.BigEndian.AppendUint16(nil, version)
	b = append(b, key...)
	return binary.BigEndian.AppendUint64(b, uint64(user))
}
