package mls

import (
	"bytes"
	"crypto/ecdh"
	"fmt"
	"math"
)

// A KeyPackage is what a client publishes to be added to a group. Its
// signatures are verified. It is immutable.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-10
type KeyPackage struct {
	raw     []byte
	signed  int
	version uint16
	suite   uint16
	initKey []byte
	leaf    *leafNode

	seal *ecdh.PublicKey // the init key
	ref  []byte
}

// ParseKeyPackage reads and verifies a KeyPackage as DAVE sends it (opcode
// 26): bare, not inside an MLSMessage, and nothing after it. Lifetimes are
// not judged, see [KeyPackage.Lifetime]. The result does not alias b.
func ParseKeyPackage(b []byte) (*KeyPackage, error) {
	r := reader{b: bytes.Clone(b)}
	k := r.keyPackage()
	if err := r.end(); err != nil {
		return nil, err
	}
	if err := k.check(); err != nil {
		return nil, err
	}
	return k, nil
}

func (r *reader) keyPackage() *KeyPackage {
	start := r.b
	k := &KeyPackage{version: r.u16(), suite: r.u16(), initKey: r.vector(), leaf: r.leafNode()}
	r.extensions(nil)
	k.signed = len(r.since(start))
	r.vector() // the signature
	k.raw = r.since(start)
	return k
}

// check judges a key package and readies its keys.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-10.1
func (k *KeyPackage) check() error {
	if k.version != version || k.suite != suite {
		return fmt.Errorf("%w: key package of version %d, cipher suite %d", ErrUnsupported, k.version, k.suite)
	}
	if k.leaf.source != sourceKeyPackage {
		return fmt.Errorf("%w: its leaf is from elsewhere", ErrKeyPackage)
	}
	if bytes.Equal(k.initKey, k.leaf.encryptionKey) {
		return fmt.Errorf("%w: one key for two purposes", ErrKeyPackage)
	}
	if err := k.leaf.check(); err != nil {
		return fmt.Errorf("%w: %w", ErrKeyPackage, err)
	}
	var err error
	if k.seal, err = ecdh.P256().NewPublicKey(k.initKey); err != nil {
		return fmt.Errorf("%w: init key: %w", ErrKeyPackage, err)
	}
	if err := k.leaf.checkSignature(nil, 0); err != nil {
		return fmt.Errorf("%w: %w", ErrKeyPackage, err)
	}
	r := reader{b: k.raw[k.signed:]}
	if !k.leaf.verify.verify("KeyPackageTBS", k.raw[:k.signed], r.vector()) {
		return fmt.Errorf("%w: %w", ErrKeyPackage, ErrSignature)
	}
	k.ref = refHash("MLS 1.0 KeyPackage Reference", k.raw)
	return nil
}

// Identity returns the identity of the basic credential. It must not be
// modified.
func (k *KeyPackage) Identity() []byte { return k.leaf.identity }

// SignatureKey returns the public signature key, an uncompressed point of 65
// bytes. It must not be modified.
func (k *KeyPackage) SignatureKey() []byte { return k.leaf.signatureKey }

// Lifetime returns the bounds between which the key package says it is valid,
// in seconds since 1970. DAVE wants 0 and the largest uint64, and its voice
// gateway checks that; members do not.
func (k *KeyPackage) Lifetime() (notBefore, notAfter uint64) {
	return k.leaf.notBefore, k.leaf.notAfter
}

// Ref returns the reference by which a Welcome names the key package. It must
// not be modified.
func (k *KeyPackage) Ref() []byte { return k.ref }

// Bytes returns the encoding. It must not be modified.
func (k *KeyPackage) Bytes() []byte { return k.raw }

// A Joiner is an own key package with its private keys. It creates a group or
// joins one. It is immutable until [Joiner.Wipe], and no fmt verb shows a key.
type Joiner struct {
	pkg     *KeyPackage
	key     *SignatureKey
	initKey []byte // scalars
	leafKey []byte
}

// NewJoiner makes a key package of unlimited lifetime for identity, which is
// the user's snowflake in eight bytes, big-endian, in DAVE. The key package
// has fresh encryption keys and is meant for one group; the signature key may
// be used for many. The result does not alias identity.
func NewJoiner(identity []byte, key *SignatureKey) (*Joiner, error) {
	leafKey, leafPublic, err := newDecapsulationKey()
	if err != nil {
		return nil, err
	}
	initKey, initPublic, err := newDecapsulationKey()
	if err != nil {
		return nil, err
	}
	leaf := &leafNode{
		encryptionKey: leafPublic.Bytes(), signatureKey: key.public,
		identity: bytes.Clone(identity), capabilities: ownCapabilities, extensions: []byte{0},
		source: sourceKeyPackage, notAfter: math.MaxUint64,
		basic: true, speaks: true,
	}
	if err := leaf.signWith(key, nil, 0); err != nil {
		return nil, err
	}
	k := &KeyPackage{version: version, suite: suite, initKey: initPublic.Bytes(), leaf: leaf, seal: initPublic}
	k.raw = appendU16(appendU16(nil, k.version), k.suite)
	k.raw = append(appendVector(k.raw, k.initKey), leaf.raw...)
	k.raw = append(k.raw, 0) // no extensions
	k.signed = len(k.raw)
	sig, err := key.sign("KeyPackageTBS", k.raw)
	if err != nil {
		return nil, err
	}
	k.raw = appendVector(k.raw, sig)
	k.ref = refHash("MLS 1.0 KeyPackage Reference", k.raw)
	return &Joiner{pkg: k, key: key, initKey: initKey, leafKey: leafKey}, nil
}

// KeyPackage returns the encoded key package, bare as DAVE wants it (opcode
// 26). The slice is the caller's.
func (j *Joiner) KeyPackage() []byte { return bytes.Clone(j.pkg.raw) }

// Wipe overwrites the private keys of the key package. Groups that came of it
// have their own copies, the signature key is left alone.
func (j *Joiner) Wipe() {
	clear(j.initKey)
	clear(j.leafKey)
	j.initKey, j.leafKey = nil, nil
}

// Format writes the reference of the key package in short, whatever the verb.
func (j *Joiner) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "mls.Joiner(%x…)", j.pkg.ref[:4]) }
