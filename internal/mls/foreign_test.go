package mls

// The proposals that DAVE does without. The official vectors have them, and
// to follow those groups is a test of all the rest.

const (
	proposalUpdate       = 2
	proposalPSK          = 4
	proposalReInit       = 5
	proposalExternalInit = 6
	proposalExtensions   = 7
)

// A foreignProposal is any proposal of RFC 9420.
type foreignProposal struct {
	raw        []byte
	kind       uint16
	add        *KeyPackage
	update     *leafNode
	remove     uint32
	psk        pskID
	extensions []byte

	sender uint32
}

// A pskID is a PreSharedKeyID of RFC 9420 section 8.4.
type pskID struct {
	raw   []byte
	kind  uint8
	id    []byte // of an external key
	epoch uint64 // of a resumption key
	nonce []byte
}

func (r *reader) foreignProposal() *foreignProposal {
	start := r.b
	p := &foreignProposal{kind: r.u16()}
	switch p.kind {
	case proposalAdd:
		p.add = r.keyPackage()
	case proposalUpdate:
		p.update = r.leafNode()
	case proposalRemove:
		p.remove = r.u32()
	case proposalPSK:
		p.psk = r.pskID()
	case proposalReInit:
		r.vector()
		r.u16()
		r.u16()
		r.extensions(nil)
	case proposalExternalInit:
		r.vector()
	case proposalExtensions:
		before := r.b
		r.extensions(nil)
		p.extensions = r.since(before)
	default:
		r.fail("proposal type")
	}
	p.raw = r.since(start)
	return p
}

func (r *reader) pskID() pskID {
	start := r.b
	p := pskID{kind: r.u8()}
	switch p.kind {
	case 1:
		p.id = r.vector()
	case 2:
		r.u8() // usage
		r.vector()
		p.epoch = r.u64()
	default:
		r.fail("kind of pre-shared key")
	}
	p.nonce = r.vector()
	p.raw = r.since(start)
	return p
}

// pskSecret is psk_secret of RFC 9420 section 8.4.
func pskSecret(ids []pskID, keys [][]byte) []byte {
	secret := zero[:]
	for i, id := range ids {
		label := append([]byte(nil), id.raw...)
		label = appendU16(appendU16(label, uint16(i)), uint16(len(ids)))
		input := expand(extract(zero[:], keys[i]), "derived psk", label, hashSize)
		secret = extract(input, secret)
	}
	return secret
}
