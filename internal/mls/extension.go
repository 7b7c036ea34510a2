package mls

import (
	"bytes"
	"fmt"
	"slices"
)

// Extension types of RFC 9420 section 17.3 that mean something here. Those up
// to external senders need not be listed in capabilities.
const (
	extensionRatchetTree     = 2
	extensionExternalSenders = 5
)

// extensions reads a list of extensions, returns their types and shows each
// to see, if there is one. No type may come twice.
func (r *reader) extensions(see func(kind uint16, content []byte)) []uint16 {
	list := r.list()
	var kinds []uint16
	for list.more() {
		kind, content := list.u16(), list.vector()
		switch {
		case list.err != nil:
		case len(kinds) == maxExtensions:
			list.fail("too many extensions")
		case slices.Contains(kinds, kind):
			list.fail("extension twice")
		default:
			kinds = append(kinds, kind)
			if see != nil {
				see(kind, content)
			}
		}
	}
	r.close(&list)
	return kinds
}

func appendExtension(dst []byte, kind uint16, content []byte) []byte {
	return appendVector(appendU16(dst, kind), content)
}

// An ExternalSender is the credential and signature key of the voice gateway,
// which may send proposals although it is no member.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-12.1.8.1
type ExternalSender struct {
	SignatureKey []byte // uncompressed point, 65 bytes
	Identity     []byte // of a basic credential
}

// ParseExternalSender reads the payload of DAVE's external sender package
// (opcode 25), which must hold nothing else. The result does not alias b.
func ParseExternalSender(b []byte) (ExternalSender, error) {
	r := reader{b: bytes.Clone(b)}
	s := r.externalSender()
	if err := r.end(); err != nil {
		return ExternalSender{}, err
	}
	if _, err := parseVerifyKey(s.SignatureKey); err != nil {
		return ExternalSender{}, fmt.Errorf("%w: %w", ErrExternalSender, err)
	}
	return s, nil
}

func (r *reader) externalSender() ExternalSender {
	return ExternalSender{SignatureKey: r.vector(), Identity: r.credential()}
}

// Append appends the encoding that [ParseExternalSender] reads.
func (s ExternalSender) Append(dst []byte) []byte {
	dst = appendVector(dst, s.SignatureKey)
	return appendVector(appendU16(dst, credentialBasic), s.Identity)
}

// groupExtensions are the extensions of a DAVE group: the one external sender
// and nothing else.
func (s ExternalSender) groupExtensions() []byte {
	list := appendVector(nil, s.Append(nil))
	return appendVector(nil, appendExtension(nil, extensionExternalSenders, list))
}
