package mls

import (
	"crypto/hmac"
	"fmt"
)

// Wire formats of RFC 9420 section 17.2. Only public messages are handled.
const (
	wirePublicMessage = 1
	wireWelcome       = 3
	wireGroupInfo     = 4
	wireKeyPackage    = 5
)

// Kinds of senders and of content, see RFC 9420 section 6.
const (
	senderMember   = 1
	senderExternal = 2

	contentProposal = 2
	contentCommit   = 3
)

// A message is a PublicMessage: a proposal or a commit in the clear, signed.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-6
type message struct {
	content []byte // the whole FramedContent

	groupID    []byte
	epoch      uint64
	senderKind uint8
	sender     uint32
	kind       uint8
	body       []byte // the proposal or commit

	signature    []byte
	confirmation []byte // of a commit
	membership   []byte // of a member
}

// message reads an MLSMessage that holds a PublicMessage. The body is what
// the function reads that is given for its kind.
func (r *reader) message(body func(*reader, *message)) *message {
	if v, wire := r.u16(), r.u16(); v != version || wire != wirePublicMessage {
		r.refuse(fmt.Errorf("%w: message of version %d, wire format %d", ErrUnsupported, v, wire))
	}
	return r.publicMessage(body)
}

func (r *reader) publicMessage(body func(*reader, *message)) *message {
	start := r.b
	m := &message{groupID: r.vector(), epoch: r.u64()}
	m.senderKind = r.u8()
	switch m.senderKind {
	case senderMember, senderExternal:
		m.sender = r.u32()
	default:
		r.refuse(fmt.Errorf("%w: kind %d", ErrSender, m.senderKind))
	}
	r.vector() // authenticated data, of no use to anyone here
	m.kind = r.u8()
	before := r.b
	switch m.kind {
	case contentProposal, contentCommit:
		body(r, m)
	default:
		r.refuse(fmt.Errorf("%w: content type %d", ErrUnsupported, m.kind))
	}
	m.body = r.since(before)
	m.content = r.since(start)
	m.signature = r.vector()
	if m.kind == contentCommit {
		m.confirmation = r.vector()
	}
	if m.senderKind == senderMember {
		m.membership = r.vector()
	}
	return m
}

// setContent encodes the content of a message that is being made.
func (m *message) setContent() {
	c := make([]byte, 0, len(m.groupID)+len(m.body)+32)
	c = appendVector(c, m.groupID)
	c = appendU64(c, m.epoch)
	c = appendU32(append(c, m.senderKind), m.sender)
	c = append(c, 0) // authenticated data
	c = append(c, m.kind)
	m.content = append(c, m.body...)
}

// toBeSigned is FramedContentTBS: a member signs the group context too.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-6.1
func (m *message) toBeSigned(context []byte) []byte {
	tbs := make([]byte, 0, len(m.content)+len(context)+128)
	tbs = appendU16(appendU16(tbs, version), wirePublicMessage)
	tbs = append(tbs, m.content...)
	if m.senderKind == senderMember {
		tbs = append(tbs, context...)
	}
	return tbs
}

func (m *message) sign(key *SignatureKey, context []byte) (err error) {
	m.signature, err = key.sign("FramedContentTBS", m.toBeSigned(context))
	return err
}

func (m *message) checkSignature(key verifyKey, context []byte) error {
	if !key.verify("FramedContentTBS", m.toBeSigned(context), m.signature) {
		return fmt.Errorf("%w: message", ErrSignature)
	}
	return nil
}

// appendAuth appends the FramedContentAuthData.
func (m *message) appendAuth(dst []byte) []byte {
	dst = appendVector(dst, m.signature)
	if m.kind == contentCommit {
		dst = appendVector(dst, m.confirmation)
	}
	return dst
}

// membershipTag is the tag with which a member shows that it is one.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-6.2
func (m *message) membershipTag(key, context []byte) []byte {
	return mac(key, m.appendAuth(m.toBeSigned(context)))
}

func (m *message) checkMembership(key, context []byte) error {
	if !hmac.Equal(m.membership, m.membershipTag(key, context)) {
		return ErrMembershipTag
	}
	return nil
}

// bytes is the MLSMessage.
func (m *message) bytes() []byte {
	b := make([]byte, 0, len(m.content)+192)
	b = appendU16(appendU16(b, version), wirePublicMessage)
	b = m.appendAuth(append(b, m.content...))
	if m.senderKind == senderMember {
		b = appendVector(b, m.membership)
	}
	return b
}

// ref is the ProposalRef of a proposal.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-5.2
func (m *message) ref() []byte {
	in := make([]byte, 0, len(m.content)+96)
	in = append(appendU16(in, wirePublicMessage), m.content...)
	return refHash("MLS 1.0 Proposal Reference", m.appendAuth(in))
}
