package mls

import (
	"crypto/sha256"
	"fmt"
)

// A groupContext is what all members agree on in an epoch.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-8.1
type groupContext struct {
	groupID    []byte
	epoch      uint64
	treeHash   []byte
	confirmed  []byte // confirmed transcript hash
	extensions []byte // encoded list
}

func (c *groupContext) append(dst []byte) []byte {
	dst = appendU16(appendU16(dst, version), suite)
	dst = appendVector(dst, c.groupID)
	dst = appendU64(dst, c.epoch)
	dst = appendVector(dst, c.treeHash)
	dst = appendVector(dst, c.confirmed)
	return append(dst, c.extensions...)
}

// groupContext reads a GroupContext and shows its extensions to see.
func (r *reader) groupContext(see func(kind uint16, content []byte)) groupContext {
	if v, s := r.u16(), r.u16(); v != version || s != suite {
		r.refuse(fmt.Errorf("%w: group of version %d, cipher suite %d", ErrUnsupported, v, s))
	}
	c := groupContext{groupID: r.vector(), epoch: r.u64(), treeHash: r.vector(), confirmed: r.vector()}
	start := r.b
	r.extensions(see)
	c.extensions = r.since(start)
	return c
}

// The key schedule: from the secrets of two epochs to the joiner secret, from
// there to the member secret, to the epoch secret, to all others.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-8

func joinerSecret(init, commit, context []byte) []byte {
	secret := extract(init, commit)
	defer clear(secret)
	return expand(secret, "joiner", context, hashSize)
}

func memberSecret(joiner, psk []byte) []byte { return extract(joiner, psk) }

func epochSecret(member, context []byte) []byte {
	return expand(member, "epoch", context, hashSize)
}

// welcomeKey returns the key and the nonce of the group info in a Welcome.
func welcomeKey(member []byte) (key, nonce []byte) {
	secret := deriveSecret(member, "welcome")
	defer clear(secret)
	return expand(secret, "key", nil, keySize), expand(secret, "nonce", nil, nonceSize)
}

// secrets are those of an epoch that DAVE has a use for.
type secrets struct{ init, exporter, confirmation, membership, authenticator []byte }

func deriveSecrets(epoch []byte) secrets {
	return secrets{
		init:          deriveSecret(epoch, "init"),
		exporter:      deriveSecret(epoch, "exporter"),
		confirmation:  deriveSecret(epoch, "confirm"),
		membership:    deriveSecret(epoch, "membership"),
		authenticator: deriveSecret(epoch, "authentication"),
	}
}

func (s *secrets) wipe() {
	for _, b := range [...][]byte{s.init, s.exporter, s.confirmation, s.membership, s.authenticator} {
		clear(b)
	}
	*s = secrets{}
}

// export is MLS-Exporter of RFC 9420 section 8.5.
func (s *secrets) export(label string, context []byte, length int) ([]byte, error) {
	secret := deriveSecret(s.exporter, label)
	defer clear(secret)
	hash := sha256.Sum256(context)
	return expandWithLabel(secret, "exported", hash[:], length)
}

// Transcript hashes, https://www.rfc-editor.org/rfc/rfc9420.html#section-8.2

// confirmedHash takes the interim hash of the epoch before and the commit
// with its signature.
func confirmedHash(interim []byte, content, signature []byte) []byte {
	in := make([]byte, 0, len(interim)+len(content)+len(signature)+8)
	in = append(in, interim...)
	in = appendU16(in, wirePublicMessage)
	in = append(in, content...)
	in = appendVector(in, signature)
	sum := sha256.Sum256(in)
	return sum[:]
}

func interimHash(confirmed, tag []byte) []byte {
	in := make([]byte, 0, len(confirmed)+len(tag)+8)
	sum := sha256.Sum256(appendVector(append(in, confirmed...), tag))
	return sum[:]
}
