package mls

import (
	"bytes"
	"fmt"
)

// An ExternalSigner makes the proposals of a voice gateway, which is the
// external sender of its groups and knows none of their secrets. It is
// immutable and safe for concurrent use.
type ExternalSigner struct {
	key      *SignatureKey
	identity []byte
}

// NewExternalSigner makes an external sender with a fresh key. The result
// does not alias identity.
func NewExternalSigner(identity []byte) (*ExternalSigner, error) {
	key, err := GenerateSignatureKey()
	if err != nil {
		return nil, err
	}
	return &ExternalSigner{key, bytes.Clone(identity)}, nil
}

// Sender returns what members have to know of the sender.
func (s *ExternalSigner) Sender() ExternalSender {
	return ExternalSender{SignatureKey: s.key.Public(), Identity: bytes.Clone(s.identity)}
}

// Format writes the public key in short, whatever the verb.
func (s *ExternalSigner) Format(f fmt.State, verb rune) { s.key.Format(f, verb) }

// SignAdd proposes to add the owner of a key package in an epoch. It returns
// the proposal, an MLSMessage, and its reference. The key package is not
// judged, see [ParseKeyPackage].
func (s *ExternalSigner) SignAdd(groupID []byte, epoch uint64, keyPackage []byte) (msg, ref []byte, err error) {
	return s.sign(groupID, epoch, append(appendU16(nil, proposalAdd), keyPackage...))
}

// SignRemove proposes to remove a leaf in an epoch.
func (s *ExternalSigner) SignRemove(groupID []byte, epoch uint64, leaf uint32) (msg, ref []byte, err error) {
	return s.sign(groupID, epoch, appendU32(appendU16(nil, proposalRemove), leaf))
}

func (s *ExternalSigner) sign(groupID []byte, epoch uint64, proposal []byte) (msg, ref []byte, err error) {
	m := &message{groupID: groupID, epoch: epoch, senderKind: senderExternal, kind: contentProposal, body: proposal}
	m.setContent()
	if err := m.sign(s.key, nil); err != nil {
		return nil, nil, err
	}
	return m.bytes(), m.ref(), nil
}

// CommitInfo is what anybody can see of a commit. Its slices alias the
// message.
type CommitInfo struct {
	GroupID []byte
	Epoch   uint64
	Sender  uint32   // leaf
	Refs    [][]byte // of proposals, in order
	Inline  bool     // it carries a proposal, which DAVE forbids; Refs ends there
	Path    *Member  // the committer as its update path has it, nil without one
	Rest    []byte   // what comes after: in DAVE's opcode 28 a Welcome, or nothing
}

// InspectCommit reads the commit of a member from the front of DAVE's opcode
// 28. It verifies nothing: that takes the secrets of the group.
func InspectCommit(b []byte) (CommitInfo, error) {
	var c commitBody
	r := reader{b: b}
	m := r.message(func(r *reader, m *message) { r.commit(m, &c) })
	if r.err != nil {
		return CommitInfo{}, r.err
	}
	if m.senderKind != senderMember {
		return CommitInfo{}, fmt.Errorf("%w: no member", ErrSender)
	}
	refs, inline, err := c.refs()
	if err != nil {
		return CommitInfo{}, err
	}
	info := CommitInfo{GroupID: m.groupID, Epoch: m.epoch, Sender: m.sender, Refs: refs, Inline: inline, Rest: r.b}
	if c.path != nil {
		info.Path = &Member{Leaf: m.sender, Identity: c.path.leaf.identity, SignatureKey: c.path.leaf.signatureKey}
	}
	return info, nil
}

// CommitLength returns how many bytes the commit takes at the front of DAVE's
// opcode 28. The rest, if there is one, is the Welcome.
func CommitLength(b []byte) (int, error) {
	info, err := InspectCommit(b)
	return len(b) - len(info.Rest), err
}

// A WelcomePart is the share of one joiner in a Welcome.
type WelcomePart struct {
	Ref []byte // of its key package

	entry, info []byte
}

// Welcome returns the Welcome for this joiner alone. It holds the whole tree,
// so make it when the reference is one that was expected. The slice is the
// caller's.
func (p WelcomePart) Welcome() []byte { return appendWelcome(p.entry, p.info) }

// SplitWelcome takes a Welcome for all joiners apart, in the order of the
// Adds in the commit. The parts alias welcome, which has to be nothing else.
func SplitWelcome(welcome []byte) ([]WelcomePart, error) {
	var parts []WelcomePart
	r := reader{b: welcome}
	info := r.eachSecret(func(raw, ref []byte, _ sealed) { parts = append(parts, WelcomePart{Ref: ref, entry: raw}) })
	if err := r.end(); err != nil {
		return nil, err
	}
	for i := range parts {
		parts[i].info = info
	}
	return parts, nil
}
