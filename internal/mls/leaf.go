package mls

import (
	"crypto/ecdh"
	"encoding/binary"
	"fmt"
)

// Protocol version 1.0 and cipher suite 2,
// DHKEMP256_AES128GCM_SHA256_P256.
const (
	version = 1
	suite   = 2
)

const credentialBasic = 1

// Where a leaf comes from, see RFC 9420 section 7.2.
const (
	sourceKeyPackage = 1
	sourceUpdate     = 2
	sourceCommit     = 3
)

// A leafNode is a member as the tree knows it. It does not change once it is
// parsed and judged, so trees share it.
type leafNode struct {
	raw    []byte // the whole encoding
	signed int    // so much of raw is signed

	encryptionKey []byte
	signatureKey  []byte
	identity      []byte
	capabilities  []byte // encoded
	extensions    []byte // encoded
	source        uint8
	notBefore     uint64 // of a key package
	notAfter      uint64
	parentHash    []byte // of a commit

	listed  u16s     // extension types of the capabilities
	carried []uint16 // extension types of the leaf
	basic   bool     // the capabilities name the basic credential
	speaks  bool     // and version and cipher suite

	// Set by check.
	seal   *ecdh.PublicKey
	verify verifyKey
}

// leafNode reads a LeafNode of RFC 9420 section 7.2.
func (r *reader) leafNode() *leafNode {
	start := r.b
	l := &leafNode{encryptionKey: r.vector(), signatureKey: r.vector(), identity: r.credential()}
	before := r.b
	r.capabilities(l)
	l.capabilities = r.since(before)
	switch l.source = r.u8(); l.source {
	case sourceKeyPackage:
		l.notBefore, l.notAfter = r.u64(), r.u64()
	case sourceUpdate:
	case sourceCommit:
		l.parentHash = r.vector()
	default:
		r.fail("source of a leaf node")
	}
	before = r.b
	l.carried = r.extensions(nil)
	l.extensions = r.since(before)
	l.signed = len(r.since(start))
	r.vector() // the signature
	l.raw = r.since(start)
	return l
}

// credential reads a Credential and returns the identity of a basic one, the
// only kind that DAVE knows.
func (r *reader) credential() []byte {
	if kind := r.u16(); kind != credentialBasic {
		r.refuse(fmt.Errorf("%w: credential type %d", ErrUnsupported, kind))
	}
	return r.vector()
}

func (r *reader) capabilities(l *leafNode) {
	versions := r.u16s()
	suites := r.u16s()
	l.listed = r.u16s()
	r.u16s() // proposal types
	l.basic = r.u16s().contain(credentialBasic)
	l.speaks = versions.contain(version) && suites.contain(suite)
}

// u16s are the content of a vector of u16.
type u16s []byte

func (r *reader) u16s() u16s {
	v := r.vector()
	if len(v)%2 != 0 {
		r.fail("odd vector of u16")
		return nil
	}
	return v
}

func (s u16s) contain(v uint16) bool {
	for ; len(s) >= 2; s = s[2:] {
		if binary.BigEndian.Uint16(s) == v {
			return true
		}
	}
	return false
}

// appendUnsigned appends what is signed of a leaf node.
func (l *leafNode) appendUnsigned(dst []byte) []byte {
	dst = appendVector(dst, l.encryptionKey)
	dst = appendVector(dst, l.signatureKey)
	dst = appendVector(appendU16(dst, credentialBasic), l.identity)
	dst = append(dst, l.capabilities...)
	dst = append(dst, l.source)
	switch l.source {
	case sourceKeyPackage:
		dst = appendU64(appendU64(dst, l.notBefore), l.notAfter)
	case sourceCommit:
		dst = appendVector(dst, l.parentHash)
	}
	return append(dst, l.extensions...)
}

// ownCapabilities are the least that a member of a DAVE group needs: version
// 1.0, cipher suite 2, no extension, no proposal type, basic credentials.
var ownCapabilities = []byte{2, 0, version, 2, 0, suite, 0, 0, 2, 0, credentialBasic}

// signWith completes a leaf whose fields are set. The group and the place are
// part of what is signed unless the leaf is for a key package.
func (l *leafNode) signWith(key *SignatureKey, groupID []byte, place uint32) error {
	l.raw = l.appendUnsigned(nil)
	l.signed = len(l.raw)
	sig, err := key.sign("LeafNodeTBS", l.toBeSigned(groupID, place))
	if err != nil {
		return err
	}
	l.raw = appendVector(l.raw, sig)
	return l.check()
}

// toBeSigned is LeafNodeTBS of RFC 9420 section 7.2.
func (l *leafNode) toBeSigned(groupID []byte, place uint32) []byte {
	tbs := l.raw[:l.signed:l.signed]
	if l.source != sourceKeyPackage {
		tbs = appendU32(appendVector(tbs, groupID), place)
	}
	return tbs
}

// check judges what the leaf says of itself and readies its keys. Lifetimes
// are not looked at: DAVE has none.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-7.3
func (l *leafNode) check() error {
	if !l.basic || !l.speaks {
		return fmt.Errorf("%w: lacks the capabilities of the group", ErrLeaf)
	}
	for _, kind := range l.carried {
		if kind > extensionExternalSenders && !l.listed.contain(kind) {
			return fmt.Errorf("%w: extension %d is not among the capabilities", ErrLeaf, kind)
		}
	}
	var err error
	if l.seal, err = ecdh.P256().NewPublicKey(l.encryptionKey); err != nil {
		return fmt.Errorf("%w: encryption key: %w", ErrLeaf, err)
	}
	if l.verify, err = parseVerifyKey(l.signatureKey); err != nil {
		return fmt.Errorf("%w: %w", ErrLeaf, err)
	}
	return nil
}

// checkSignature wants a leaf that passed check.
func (l *leafNode) checkSignature(groupID []byte, place uint32) error {
	r := reader{b: l.raw[l.signed:]}
	if !l.verify.verify("LeafNodeTBS", l.toBeSigned(groupID, place), r.vector()) {
		return fmt.Errorf("%w: leaf node", ErrSignature)
	}
	return nil
}
