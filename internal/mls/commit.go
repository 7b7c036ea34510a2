package mls

import (
	"bytes"
	"crypto/hmac"
	"fmt"
)

// Kinds of entries in the list of a commit.
const (
	entryProposal  = 1
	entryReference = 2
)

// A commitBody is a Commit of RFC 9420 section 12.4.
type commitBody struct {
	proposals []byte // the list, not taken apart
	path      *updatePath
}

func (r *reader) commitBody() commitBody {
	c := commitBody{proposals: r.vector()}
	if r.present() {
		c.path = r.updatePath()
	}
	return c
}

// refs returns the references in the list of a commit, and whether something
// else is in it, which ends them.
func (c *commitBody) refs() (refs [][]byte, inline bool, err error) {
	r := reader{b: c.proposals}
	for r.more() {
		switch r.u8() {
		case entryReference:
			ref := r.vector()
			if r.err == nil && len(ref) != hashSize {
				r.fail("reference of another size")
			}
			refs = append(refs, ref)
		case entryProposal:
			return refs, true, r.err
		default:
			r.fail("neither a proposal nor a reference")
		}
	}
	return refs, false, r.err
}

// A Staged is a commit that was made but not agreed on: the voice gateway
// picks one of all those that members made in an epoch. If it picks this one,
// the group goes on with Next, else Next can be wiped.
type Staged struct {
	Commit  []byte // an MLSMessage
	Welcome []byte // for all who are added, bare; nil if nobody is
	Next    *Group
}

// Commit makes the next epoch out of proposals, which have to come from
// [Group.ParseProposal] of this epoch, in the order given. Without a Remove
// it carries no update path, unless there are no proposals at all. A Remove
// of the own leaf is [ErrSelfRemove].
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-12.4.1
func (g *Group) Commit(proposals []*Proposal) (*Staged, error) {
	if g.secrets.init == nil {
		return nil, ErrWiped
	}
	for _, p := range proposals {
		if leaf, ok := p.Remove(); ok && leaf == g.own {
			return nil, ErrSelfRemove
		}
	}
	c, err := g.newChange(proposals, g.own)
	if err != nil {
		return nil, err
	}
	t, added, err := c.apply(g.tree)
	if err != nil {
		return nil, err
	}
	next := g.successor(t)
	s, err := g.stage(next, listRefs(proposals), c, added)
	if err != nil {
		next.Wipe()
		return nil, err
	}
	return s, nil
}

// listRefs is the list of a commit.
func listRefs(proposals []*Proposal) []byte {
	var list []byte
	for _, p := range proposals {
		list = appendVector(append(list, entryReference), p.Ref)
	}
	return appendVector(nil, list)
}

// renew gives the committer a path, appends it to the commit, and takes over
// its private keys.
func (g *Group) renew(body []byte, added []uint32) ([]byte, *freshPath, error) {
	path, err := g.tree.newPath(g.own, g.key, g.context.groupID)
	if err != nil {
		return nil, nil, err
	}
	g.wipeKeys()
	g.leafKey, g.keys = path.leafKey, path.keys
	body, err = path.append(append(body, 1), g.tree, added, g.provisional())
	return body, path, err
}

// stage completes the commit that begins with body, and the epoch that it
// leads to, in which the tree has changed already.
func (g *Group) stage(next *Group, body []byte, c change, added []uint32) (s *Staged, err error) {
	var path *freshPath
	commitSecret := zero[:]
	if c.path {
		if body, path, err = next.renew(body, added); err != nil {
			return nil, err
		}
		defer path.wipe()
		commitSecret = path.commit
	} else {
		body = append(body, 0)
	}
	m := &message{
		groupID: g.context.groupID, epoch: g.context.epoch,
		senderKind: senderMember, sender: g.own, kind: contentCommit, body: body,
	}
	m.setContent()
	if err := m.sign(g.key, g.encoded); err != nil {
		return nil, err
	}
	joiner, member := next.begin(confirmedHash(g.interim, m.content, m.signature), g.secrets.init, commitSecret, zero[:])
	defer clear(joiner)
	defer clear(member)
	m.confirmation = next.tag
	m.membership = m.membershipTag(g.secrets.membership, g.encoded)
	s = &Staged{Commit: m.bytes(), Next: next}
	if len(c.adds) > 0 {
		s.Welcome, err = next.welcome(joiner, member, c.adds, added, path)
	}
	return s, err
}

// Process follows a commit of another member (an MLSMessage) to the next
// epoch. The commit may refer to the proposals given and to no others, which
// have to come from [Group.ParseProposal] of this epoch; one that carries a
// proposal is refused with [ErrInline]. [ErrRemoved] means that the commit is
// in order and removes the own leaf, [ErrOwnCommit] that it is from it. The
// result does not alias commit.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-12.4.2
func (g *Group) Process(commit []byte, proposals []*Proposal) (*Group, error) {
	if g.secrets.init == nil {
		return nil, ErrWiped
	}
	var c commitBody
	r := reader{b: bytes.Clone(commit)}
	m := r.message(func(r *reader, m *message) { r.commit(m, &c) })
	if err := r.end(); err != nil {
		return nil, err
	}
	return g.process(m, &c, proposals)
}

func (g *Group) process(m *message, c *commitBody, proposals []*Proposal) (*Group, error) {
	if err := g.authenticate(m); err != nil {
		return nil, err
	}
	list, err := c.resolve(proposals)
	if err != nil {
		return nil, err
	}
	change, err := g.newChange(list, m.sender)
	if err != nil {
		return nil, err
	}
	if change.path && c.path == nil {
		return nil, fmt.Errorf("%w: it is missing", ErrPath)
	}
	t, added, err := change.apply(g.tree)
	if err != nil {
		return nil, err
	}
	return g.follow(m, t, added, c.path, zero[:])
}

// commit reads a Commit.
func (r *reader) commit(m *message, into *commitBody) {
	if m.kind != contentCommit {
		r.refuse(fmt.Errorf("%w: content type %d", ErrUnsupported, m.kind))
		return
	}
	*into = r.commitBody()
}

// authenticate wants a message that another member sent in this epoch.
func (g *Group) authenticate(m *message) error {
	if err := g.checkPlace(m); err != nil {
		return err
	}
	leaf := g.tree.leaf(m.sender)
	switch {
	case m.senderKind != senderMember || leaf == nil:
		return fmt.Errorf("%w: no member", ErrSender)
	case m.sender == g.own:
		return ErrOwnCommit
	}
	if err := m.checkMembership(g.secrets.membership, g.encoded); err != nil {
		return err
	}
	return m.checkSignature(leaf.verify, g.encoded)
}

// resolve looks up the references of a commit.
func (c *commitBody) resolve(proposals []*Proposal) ([]*Proposal, error) {
	refs, inline, err := c.refs()
	if err != nil {
		return nil, err
	}
	if inline {
		return nil, ErrInline
	}
	known := make(map[string]*Proposal, len(proposals))
	for _, p := range proposals {
		known[string(p.Ref)] = p
	}
	list := make([]*Proposal, len(refs))
	for i, ref := range refs {
		p := known[string(ref)]
		if p == nil {
			return nil, fmt.Errorf("%w: %x", ErrUnknownProposal, ref)
		}
		list[i] = p
	}
	return list, nil
}

// follow completes a commit of another member whose proposals made t.
func (g *Group) follow(m *message, t *tree, added []uint32, path *updatePath, psk []byte) (next *Group, err error) {
	var hops []hop
	if path != nil {
		if hops, err = t.mergeForeign(path, m.sender, g.context.groupID); err != nil {
			return nil, err
		}
	}
	if t.leaf(g.own) != g.tree.leaf(g.own) {
		return nil, ErrRemoved
	}
	next = g.successor(t)
	commitSecret := zero[:]
	if path != nil {
		if commitSecret, err = next.openPath(path, hops, added, next.provisional()); err != nil {
			next.Wipe()
			return nil, err
		}
		defer clear(commitSecret)
	}
	joiner, member := next.begin(confirmedHash(g.interim, m.content, m.signature), g.secrets.init, commitSecret, psk)
	clear(joiner)
	clear(member)
	if !hmac.Equal(m.confirmation, next.tag) {
		next.Wipe()
		return nil, ErrConfirmationTag
	}
	return next, nil
}
