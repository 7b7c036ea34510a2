package dave

import (
	"fmt"

	"github.com/discordpkg/gateway/internal/mls"
)

// An Identity is the key pair by which others recognise a user. Kept over
// restarts, it lets them verify a bot once and for all; without one each
// [Session] makes its own, see [WithIdentity]. It is immutable and safe for
// concurrent use.
//
// https://daveprotocol.com/#identity-key-verification
type Identity struct{ key *mls.SignatureKey }

// NewIdentity makes a new key pair.
func NewIdentity() (*Identity, error) {
	key, err := mls.GenerateSignatureKey()
	if err != nil {
		return nil, fmt.Errorf("dave: identity: %w", err)
	}
	return &Identity{key}, nil
}

// ParseIdentity returns the identity that [Identity.Bytes] came from.
func ParseIdentity(private []byte) (*Identity, error) {
	key, err := mls.ParseSignatureKey(private)
	if err != nil {
		return nil, fmt.Errorf("dave: identity: %w", err)
	}
	return &Identity{key}, nil
}

// Bytes returns the private key, 32 bytes to be kept as a password is.
func (i *Identity) Bytes() []byte { return i.key.Bytes() }

// PublicKey returns the public key, an uncompressed point of 65 bytes.
func (i *Identity) PublicKey() []byte { return i.key.Public() }

// Format implements [fmt.Formatter] without the private key.
func (i *Identity) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "dave identity %x", i.key.Public()[1:9])
}
