package lvsp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"
)

// Why a token of a user is not accepted.
var (
	ErrTokenInvalid = errors.New("lvsp: user token is invalid")
	ErrTokenExpired = errors.New("lvsp: user token has expired")
)

// A TokenKey makes and checks the tokens with which users connect to the voice
// server. A token is good for one user, in one channel, with one session id,
// until it expires; it needs no memory. A TokenKey does not change, so it is
// safe for concurrent use.
type TokenKey struct {
	sum func(channel, user Snowflake, session string, expiry uint64) []byte
}

// NewTokenKey returns the key made of a secret of at least [MinSecret] bytes.
// It may be the secret of a backend: what is signed here is nothing that
// [Sign] signs.
func NewTokenKey(secret []byte) (TokenKey, error) {
	if len(secret) < MinSecret {
		return TokenKey{}, ErrShortSecret
	}
	secret = append([]byte(nil), secret...)
	return TokenKey{func(channel, user Snowflake, session string, expiry uint64) []byte {
		m := hmac.New(sha256.New, secret)
		b := append(make([]byte, 0, 128), "lvsp user token\x00"...)
		b = binary.BigEndian.AppendUint64(b, uint64(channel))
		b = binary.BigEndian.AppendUint64(b, uint64(user))
		b = binary.BigEndian.AppendUint64(b, expiry)
		m.Write(append(b, session...))
		return m.Sum(nil)
	}}, nil
}

// Issue returns a token, unpadded base64url of the time of expiry in seconds,
// 8 bytes big endian, and an HMAC-SHA256 over channel, user, expiry and session.
func (k TokenKey) Issue(channel, user Snowflake, session string, expires time.Time) string {
	expiry := uint64(max(0, expires.Unix()))
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 8+sha256.Size), expiry)
	return base64.RawURLEncoding.EncodeToString(append(b, k.sum(channel, user, session, expiry)...))
}

// Verify returns nil if the token is good for the user at now, and
// [ErrTokenInvalid] or [ErrTokenExpired] otherwise.
func (k TokenKey) Verify(token string, channel, user Snowflake, session string, now time.Time) error {
	if len(token) != base64.RawURLEncoding.EncodedLen(8+sha256.Size) {
		return ErrTokenInvalid
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) != 8+sha256.Size { // line ends count for nothing
		return ErrTokenInvalid
	}
	expiry := binary.BigEndian.Uint64(b)
	if !hmac.Equal(b[8:], k.sum(channel, user, session, expiry)) {
		return ErrTokenInvalid
	}
	if uint64(max(0, now.Unix())) >= expiry {
		return ErrTokenExpired
	}
	return nil
}
