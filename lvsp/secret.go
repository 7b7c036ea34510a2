package lvsp

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/discordpkg/gateway/internal/redact"
)

// MinSecret is the least number of bytes that a secret has.
const MinSecret = 32

// ErrShortSecret is a secret of less than [MinSecret] bytes.
var ErrShortSecret = fmt.Errorf("lvsp: secret of less than %d bytes", MinSecret)

// A Secret is shared by a backend and a voice server. It is held in a function,
// so that no form of a struct shows it: fmt, log/slog and encoding/json do not
// call the methods of what is in an unexported field. The zero Secret is too
// short for anything.
type Secret struct{ reveal func() []byte }

// NewSecret returns the secret with a copy of the bytes, at least [MinSecret].
// Otherwise the error is [ErrShortSecret].
func NewSecret(secret []byte) (Secret, error) {
	if len(secret) < MinSecret {
		return Secret{}, ErrShortSecret
	}
	secret = append([]byte(nil), secret...)
	return Secret{func() []byte { return secret }}, nil
}

// bytes returns the secret, which must not be changed.
func (s Secret) bytes() []byte {
	if s.reveal == nil {
		return nil
	}
	return s.reveal()
}

// Equal reports whether both are the same, in a time that tells nothing about
// them. Zero secrets are equal to nothing.
func (s Secret) Equal(other Secret) bool {
	return s.reveal != nil && subtle.ConstantTimeCompare(s.bytes(), other.bytes()) == 1
}

func (Secret) String() string { return redact.Mark }

// Format implements [fmt.Formatter] with what String returns.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue implements [slog.LogValuer] with what String returns.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements [encoding.TextMarshaler] with what String returns, for
// encoders of settings. It cannot be read back.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

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
