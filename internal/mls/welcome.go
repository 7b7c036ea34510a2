package mls

import (
	"bytes"
	"crypto/hmac"
	"fmt"
)

// welcome makes the Welcome of a staged epoch for those whom it adds, with the
// tree inline, which DAVE demands.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-12.4.3.1
func (g *Group) welcome(joiner, member []byte, adds []*KeyPackage, added []uint32, path *freshPath) ([]byte, error) {
	info, err := g.groupInfo()
	if err != nil {
		return nil, err
	}
	key, nonce := welcomeKey(member)
	a, err := aead(key)
	if err != nil {
		return nil, err
	}
	info = a.Seal(nil, nonce, info, nil)
	var list []byte
	for i, k := range adds {
		plain := appendVector(nil, joiner)
		if path == nil {
			plain = append(plain, 0)
		} else {
			plain = appendVector(append(plain, 1), path.secretFor(g.own, added[i]))
		}
		plain = append(plain, 0) // no pre-shared keys
		list, err = appendSealed(appendVector(list, k.ref), k.seal, "Welcome", info, plain)
		clear(plain)
		if err != nil {
			return nil, err
		}
	}
	return appendWelcome(list, info), nil
}

func appendWelcome(list, info []byte) []byte {
	w := make([]byte, 0, len(list)+len(info)+16)
	return appendVector(appendVector(appendU16(w, suite), list), info)
}

// groupInfo signs the GroupInfo of an epoch.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-12.4.3
func (g *Group) groupInfo() ([]byte, error) {
	info := append([]byte(nil), g.encoded...)
	info = appendVector(info, appendExtension(nil, extensionRatchetTree, g.tree.appendTo(nil)))
	info = appendU32(appendVector(info, g.tag), g.own)
	sig, err := g.key.sign("GroupInfoTBS", info)
	if err != nil {
		return nil, err
	}
	return appendVector(info, sig), nil
}

// A groupInfo is a GroupInfo as a joiner reads it.
type groupInfo struct {
	context   groupContext
	senders   []byte // content of the external_senders extension
	other     bool   // the group has other extensions
	tree      []byte // content of the ratchet_tree extension, nil if absent
	tag       []byte
	signer    uint32
	signature []byte

	encoded []byte // the context
	signed  []byte
}

func (r *reader) groupInfo() *groupInfo {
	start := r.b
	i := &groupInfo{}
	i.context = r.groupContext(func(kind uint16, content []byte) {
		if kind == extensionExternalSenders {
			i.senders = content
		} else {
			i.other = true
		}
	})
	i.encoded = r.since(start)
	r.extensions(func(kind uint16, content []byte) {
		if kind == extensionRatchetTree {
			i.tree = content
		}
	})
	i.tag, i.signer = r.vector(), r.u32()
	i.signed = r.since(start)
	i.signature = r.vector()
	return i
}

// groupSecrets are what a Welcome holds for one joiner.
type groupSecrets struct{ joiner, path, psks []byte }

func (r *reader) groupSecrets() groupSecrets {
	s := groupSecrets{joiner: r.vector()}
	if r.present() {
		s.path = r.vector()
	}
	s.psks = r.vector()
	return s
}

// eachSecret reads a Welcome and shows its entries to see. It returns the
// encrypted group info.
func (r *reader) eachSecret(see func(raw, ref []byte, s sealed)) (info []byte) {
	if s := r.u16(); s != suite {
		r.refuse(fmt.Errorf("%w: welcome of cipher suite %d", ErrUnsupported, s))
	}
	list := r.list()
	for n := 0; list.more(); n++ {
		start := list.b
		ref, s := list.vector(), list.sealed()
		if len(ref) != hashSize || n == maxLeaves {
			list.fail("entry of a welcome")
		} else if list.err == nil {
			see(list.since(start), ref, s)
		}
	}
	r.close(&list)
	return r.vector()
}

// JoinPolicy is what a joiner wants a group to be. It is judged before
// anything is accepted.
type JoinPolicy struct {
	GroupID        []byte
	ExternalSender ExternalSender
	// Recognised reports whether a user is expected in the group. It is asked
	// for all members but the joiner; nil recognises everybody.
	Recognised func(identity []byte) bool
}

// Join enters the group that a Welcome (bare, the tree inline) leads to. It
// verifies every signature and hash in the tree. The result does not alias
// welcome.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-12.4.3.1
func (j *Joiner) Join(welcome []byte, policy JoinPolicy) (*Group, error) {
	if j.initKey == nil {
		return nil, ErrWiped
	}
	external, err := parseVerifyKey(policy.ExternalSender.SignatureKey)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrExternalSender, err)
	}
	s, encrypted, err := j.open(welcome)
	if err != nil {
		return nil, err
	}
	defer clear(s.path)
	if len(s.psks) != 0 {
		return nil, fmt.Errorf("%w: pre-shared keys", ErrUnsupported)
	}
	member := memberSecret(s.joiner, zero[:])
	clear(s.joiner)
	defer clear(member)
	info, err := openGroupInfo(encrypted, member)
	if err != nil {
		return nil, err
	}
	if err := policy.checkInfo(info); err != nil {
		return nil, err
	}
	g, err := j.enter(info, s.path, member)
	if err != nil {
		return nil, err
	}
	if err := policy.checkMembers(g); err != nil {
		g.Wipe()
		return nil, err
	}
	g.external = external
	return g, nil
}

// open finds the secrets for the own key package.
func (j *Joiner) open(welcome []byte) (s groupSecrets, info []byte, err error) {
	var own *sealed
	r := reader{b: welcome}
	info = r.eachSecret(func(_, ref []byte, s sealed) {
		if own == nil && bytes.Equal(ref, j.pkg.ref) {
			own = &s
		}
	})
	if err := r.end(); err != nil {
		return s, nil, err
	}
	if own == nil {
		return s, nil, ErrNotForUs
	}
	plain, err := own.open(j.initKey, "Welcome", info)
	if err != nil {
		return s, nil, err
	}
	r = reader{b: plain}
	s = r.groupSecrets()
	return s, info, r.end()
}

func openGroupInfo(encrypted, member []byte) (*groupInfo, error) {
	key, nonce := welcomeKey(member)
	a, err := aead(key)
	if err != nil {
		return nil, err
	}
	plain, err := a.Open(nil, nonce, encrypted, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: group info: %w", ErrDecrypt, err)
	}
	r := reader{b: plain}
	info := r.groupInfo()
	return info, r.end()
}

func (p *JoinPolicy) checkInfo(info *groupInfo) error {
	if !bytes.Equal(info.context.groupID, p.GroupID) {
		return ErrGroup
	}
	want := appendVector(nil, p.ExternalSender.Append(nil))
	if info.other || !bytes.Equal(info.senders, want) {
		return ErrExternalSender
	}
	return nil
}

// checkMembers refuses strangers, and an identity that is there twice.
func (p *JoinPolicy) checkMembers(g *Group) error {
	seen := make(map[string]struct{}, g.tree.leaves())
	for _, m := range g.Members() {
		if _, twice := seen[string(m.Identity)]; twice {
			return fmt.Errorf("%w: leaf %d", ErrDuplicate, m.Leaf)
		}
		seen[string(m.Identity)] = struct{}{}
		if m.Leaf != g.own && p.Recognised != nil && !p.Recognised(m.Identity) {
			return fmt.Errorf("%w: leaf %d", ErrUnrecognised, m.Leaf)
		}
	}
	return nil
}

// enter judges the group and derives the own view of it.
func (j *Joiner) enter(info *groupInfo, pathSecret, member []byte) (*Group, error) {
	t, own, err := j.judge(info)
	if err != nil {
		return nil, err
	}
	g := &Group{
		context: info.context, encoded: info.encoded, tree: t,
		own: own, key: j.key, leafKey: bytes.Clone(j.leafKey), keys: make(map[uint32][]byte),
	}
	if pathSecret != nil {
		if err := g.climbFrom(info.signer, pathSecret); err != nil {
			g.Wipe()
			return nil, err
		}
	}
	g.enter(member)
	if !hmac.Equal(info.tag, g.tag) {
		g.Wipe()
		return nil, ErrConfirmationTag
	}
	return g, nil
}

// judge verifies all that a GroupInfo says, and finds the own leaf.
func (j *Joiner) judge(info *groupInfo) (t *tree, own uint32, err error) {
	if info.tree == nil {
		return nil, 0, fmt.Errorf("%w: not in the welcome", ErrTree)
	}
	r := reader{b: info.tree}
	t = r.tree()
	if err := r.end(); err != nil {
		return nil, 0, err
	}
	if hash := t.hash(t.root()); !bytes.Equal(hash[:], info.context.treeHash) {
		return nil, 0, fmt.Errorf("%w: not the tree of the group", ErrTree)
	}
	own, found := t.find(j.pkg.leaf.raw)
	if !found {
		return nil, 0, fmt.Errorf("%w: without the own leaf", ErrTree)
	}
	signer := t.leaf(info.signer)
	if signer == nil || info.signer == own {
		return nil, 0, fmt.Errorf("%w: the group info is from leaf %d", ErrSender, info.signer)
	}
	if err := t.check(info.context.groupID); err != nil {
		return nil, 0, err
	}
	if !signer.verify.verify("GroupInfoTBS", info.signed, info.signature) {
		return nil, 0, fmt.Errorf("%w: group info", ErrSignature)
	}
	return t, own, nil
}

// climbFrom takes over the path of the member that made the Welcome, from the
// lowest node above both.
func (g *Group) climbFrom(signer uint32, secret []byte) error {
	lowest := commonAncestor(g.own, signer)
	hops := g.tree.path(signer)
	for len(hops) > 0 && hops[0].node != lowest {
		hops = hops[1:]
	}
	last, err := g.climb(secret, hops)
	clear(last)
	return err
}
