package lvsp

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// MinSecret is the least number of bytes that a secret has.
const MinSecret = 32

// ErrShortSecret is a secret of less than [MinSecret] bytes.
var ErrShortSecret = fmt.Errorf("lvsp: secret of less than %d bytes", MinSecret)

// NonceLength is the number of characters in the nonce of HELLO.
const NonceLength = 10

const nonceCharacters = "0123456789abcdefghijklmnopqrstuvwxyz"

// newNonce returns characters that are equally likely, from random bytes.
func newNonce(random io.Reader, length int) (string, error) {
	const whole = 256 / len(nonceCharacters) * len(nonceCharacters)
	nonce := make([]byte, 0, length)
	var buf [32]byte
	for tries := 0; len(nonce) < length; tries++ {
		if tries == 64 {
			return "", errors.New("lvsp: random source: always the same")
		}
		if _, err := io.ReadFull(random, buf[:]); err != nil {
			return "", fmt.Errorf("lvsp: random source: %w", err)
		}
		for _, b := range buf {
			if int(b) < whole && len(nonce) < length {
				nonce = append(nonce, nonceCharacters[int(b)%len(nonceCharacters)])
			}
		}
	}
	return string(nonce), nil
}

// Sign returns the token that proves knowledge of the secret for one nonce: an
// HMAC-SHA256 in lower-case hexadecimal.
func Sign(secret []byte, nonce string) string {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(nonce))
	return hex.EncodeToString(m.Sum(nil))
}

// A signer keeps a secret where no formatting of a struct finds it.
type signer func(nonce string) string

func newSigner(secret []byte) (signer, error) {
	if len(secret) < MinSecret {
		return nil, ErrShortSecret
	}
	secret = append([]byte(nil), secret...)
	return func(nonce string) string { return Sign(secret, nonce) }, nil
}

// plainSigner answers every nonce with the secret itself.
func plainSigner(secret []byte) signer {
	text := string(secret)
	return func(string) string { return text }
}

// accepts reports whether token is the right one for nonce, in a time that
// tells nothing about it.
func (s signer) accepts(nonce, token string) bool {
	want, got := sha256.Sum256([]byte(s(nonce))), sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1
}
