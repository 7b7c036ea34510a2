package mls

import (
	"bytes"
	"fmt"
)

// Types of proposals, see RFC 9420 section 17.4. DAVE has these two.
const (
	proposalAdd    = 1
	proposalRemove = 3
)

// A Proposal is an Add or a Remove that the external sender of a group made
// for one of its epochs, and whose signature is verified. It is immutable.
type Proposal struct {
	Ref []byte      // by which commits name it, and a voice gateway revokes it
	Add *KeyPackage // who is to be added, nil if it is a Remove

	remove  uint32
	groupID []byte
	epoch   uint64
	sender  verifyKey
}

// Remove returns the leaf that is to be removed, if it is a Remove.
func (p *Proposal) Remove() (leaf uint32, ok bool) { return p.remove, p.Add == nil }

// ParseProposal reads one proposal from the front of a list of MLSMessages
// (DAVE opcode 27, without operation type and length) and returns what comes
// after it. It wants the group, epoch and external sender of g, a valid key
// package or an occupied leaf, and the sender's signature. Whether users are
// expected is for the caller to decide, see [KeyPackage.Identity].
//
// A proposal that can be read to its end but not accepted comes with an error
// and the rest, so that those after it still count; with one that cannot be
// read the list ends, and rest is nil. The result does not alias list, the
// rest does.
func (g *Group) ParseProposal(list []byte) (p *Proposal, rest []byte, err error) {
	p = &Proposal{}
	r := reader{b: list}
	r.message(func(r *reader, m *message) { r.proposal(m, &Proposal{}) })
	if r.err != nil {
		return nil, nil, r.err
	}
	rest = r.b
	r = reader{b: bytes.Clone(r.since(list))}
	m := r.message(func(r *reader, m *message) { r.proposal(m, p) })
	if err := g.checkProposal(m, p); err != nil {
		return nil, rest, err
	}
	p.Ref, p.groupID, p.epoch, p.sender = m.ref(), m.groupID, m.epoch, g.external
	return p, rest, nil
}

// proposal reads a Proposal.
func (r *reader) proposal(m *message, into *Proposal) {
	if m.kind != contentProposal {
		r.refuse(fmt.Errorf("%w: content type %d", ErrUnsupported, m.kind))
		return
	}
	switch kind := r.u16(); kind {
	case proposalAdd:
		into.Add = r.keyPackage()
	case proposalRemove:
		into.remove = r.u32()
	default:
		r.refuse(fmt.Errorf("%w: proposal type %d", ErrUnsupported, kind))
	}
}

func (g *Group) checkProposal(m *message, p *Proposal) error {
	if err := g.checkPlace(m); err != nil {
		return err
	}
	// https://www.rfc-editor.org/rfc/rfc9420.html#section-12.1.8
	if m.senderKind != senderExternal || m.sender != 0 {
		return fmt.Errorf("%w: a proposal comes from the external sender 0", ErrSender)
	}
	if err := m.checkSignature(g.external, nil); err != nil {
		return err
	}
	if p.Add != nil {
		return p.Add.check()
	}
	if g.tree.leaf(p.remove) == nil {
		return fmt.Errorf("%w: nobody to remove from leaf %d", ErrProposals, p.remove)
	}
	return nil
}

// checkPlace wants a message of this group and epoch.
func (g *Group) checkPlace(m *message) error {
	if !bytes.Equal(m.groupID, g.context.groupID) {
		return ErrGroup
	}
	if m.epoch != g.context.epoch {
		return fmt.Errorf("%w: %d, not %d", ErrEpoch, m.epoch, g.context.epoch)
	}
	return nil
}

// A change is what a list of proposals does to the tree.
type change struct {
	removes []uint32
	adds    []*KeyPackage
	path    bool // an update path has to come with it
}

// newChange judges a list of proposals that the member in place committer
// commits. They may come from another view of the same epoch: a client that
// starts over has had a group of this identifier before.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-12.2
func (g *Group) newChange(proposals []*Proposal, committer uint32) (change, error) {
	c := change{path: len(proposals) == 0}
	seen := make(map[uint32]struct{})
	for _, p := range proposals {
		if !bytes.Equal(p.groupID, g.context.groupID) || p.epoch != g.context.epoch || !p.sender.equal(g.external) {
			return change{}, fmt.Errorf("%w: one is of another group or epoch", ErrProposals)
		}
		if p.Add != nil {
			c.adds = append(c.adds, p.Add)
			continue
		}
		if p.remove == committer || g.tree.leaf(p.remove) == nil {
			return change{}, fmt.Errorf("%w: the committer or nobody is removed", ErrProposals)
		}
		if _, twice := seen[p.remove]; twice {
			return change{}, fmt.Errorf("%w: leaf %d is removed twice", ErrProposals, p.remove)
		}
		seen[p.remove] = struct{}{}
		c.removes = append(c.removes, p.remove)
		c.path = true
	}
	return c, nil
}

// apply returns a tree with the change and the places of those it adds.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-12.3
func (c *change) apply(old *tree) (t *tree, added []uint32, err error) {
	t = old.clone()
	for _, place := range c.removes {
		t.remove(place)
	}
	t.truncate()
	var from uint32
	for _, k := range c.adds {
		place, err := t.add(k.leaf, from)
		if err != nil {
			return nil, nil, err
		}
		added = append(added, place)
		from = place + 1
	}
	return t, added, t.checkAdded(added)
}

// checkAdded wants new members to share no identity, signature key or
// encryption key with anybody. One identity twice is what DAVE refuses beyond
// MLS.
func (t *tree) checkAdded(added []uint32) error {
	if len(added) == 0 {
		return nil
	}
	identities := make(map[string]uint32, len(added))
	signers := make(map[string]uint32, len(added))
	keys := make(map[string]uint32, len(added))
	for _, place := range added {
		leaf := t.leaf(place)
		identities[string(leaf.identity)] = place
		signers[string(leaf.signatureKey)] = place
		keys[string(leaf.encryptionKey)] = place
	}
	for i := range t.nodes {
		n := &t.nodes[i]
		if n.blank() {
			continue
		}
		place, known := keys[string(n.key())]
		clash := known && 2*place != uint32(i)
		if n.leaf != nil {
			first, known := identities[string(n.leaf.identity)]
			clash = clash || known && 2*first != uint32(i)
			first, known = signers[string(n.leaf.signatureKey)]
			clash = clash || known && 2*first != uint32(i)
		}
		if clash {
			return fmt.Errorf("%w: node %d", ErrDuplicate, i)
		}
	}
	return nil
}
