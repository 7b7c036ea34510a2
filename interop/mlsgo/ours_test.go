package mlsgo

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/discordpkg/gateway/internal/mls"
	"github.com/stretchr/testify/require"
)

// A member is one client of a mixed group, whichever library it is on.
type member interface {
	keyPackage() []byte // of the client before it joins
	create(t testing.TB, sender []byte)
	join(welcome []byte) error
	receive(proposal []byte) error
	revoke(ref []byte)
	stage(t testing.TB) offer
	follow(t testing.TB, commit []byte) error
	epoch() uint64
	leaf() uint32
	identity() uint64
	authenticator() []byte
	export(t testing.TB, length int) []byte
	roster() map[uint32]string
}

// An offer is what a member says to the service, and what it does if the
// service picks it.
type offer struct {
	commit, welcome []byte
	accept          func()
}

// exportLabel and exportContext are DAVE's, for user 1.
const exportLabel = "Discord Secure Frames v0"

var exportContext = []byte{1, 0, 0, 0, 0, 0, 0, 0}

// The methods that peer lacks to be a member.

func (p *peer) keyPackage() []byte { return p.pkg.Marshal() }
func (p *peer) revoke(ref []byte)  { p.group.RevokeProposal(ref) }
func (p *peer) epoch() uint64      { return epochOf(p) }
func (p *peer) leaf() uint32       { return uint32(leafOf(p)) }
func (p *peer) identity() uint64   { return binary.BigEndian.Uint64(p.credential.Credential.Identity) }

func (p *peer) stage(t testing.TB) offer {
	s := p.commit(t)
	return offer{s.commit, s.welcome, func() { p.group = s.next }}
}

func (p *peer) follow(t testing.TB, commit []byte) error { return p.process(t, commit) }

func (p *peer) authenticator() []byte { return p.group.EpochAuthenticator() }

func (p *peer) export(t testing.TB, length int) []byte {
	b, err := p.group.Export(exportLabel, exportContext, length)
	require.NoError(t, err)
	return b
}

func (p *peer) roster() map[uint32]string {
	members := map[uint32]string{}
	for _, m := range p.group.GetMembers() {
		members[uint32(m.LeafIndex)] = string(m.Credential.Identity)
	}
	return members
}

// An ourMember is a member on internal/mls.
type ourMember struct {
	user      uint64
	joiner    *mls.Joiner
	sender    mls.ExternalSender
	group     *mls.Group
	proposals []*mls.Proposal
}

func newOurs(t testing.TB, user uint64, sender mls.ExternalSender) *ourMember {
	key, err := mls.GenerateSignatureKey()
	require.NoError(t, err)
	joiner, err := mls.NewJoiner(binary.BigEndian.AppendUint64(nil, user), key)
	require.NoError(t, err)
	return &ourMember{user: user, joiner: joiner, sender: sender}
}

func (o *ourMember) keyPackage() []byte { return o.joiner.KeyPackage() }

func (o *ourMember) create(t testing.TB, sender []byte) {
	require.Equal(t, sender, o.sender.Append(nil))
	var err error
	o.group, err = o.joiner.CreateGroup(channel, o.sender)
	require.NoError(t, err)
}

func (o *ourMember) join(welcome []byte) (err error) {
	o.group, err = o.joiner.Join(welcome, mls.JoinPolicy{GroupID: channel, ExternalSender: o.sender})
	return err
}

func (o *ourMember) receive(message []byte) error {
	p, _, err := o.group.ParseProposal(message)
	if err == nil {
		o.proposals = append(o.proposals, p)
	}
	return err
}

func (o *ourMember) revoke(ref []byte) {
	o.proposals = slices.DeleteFunc(o.proposals, func(p *mls.Proposal) bool { return bytes.Equal(p.Ref, ref) })
}

func (o *ourMember) stage(t testing.TB) offer {
	s, err := o.group.Commit(o.proposals)
	require.NoError(t, err)
	return offer{s.Commit, s.Welcome, func() { o.group, o.proposals = s.Next, nil }}
}

func (o *ourMember) follow(_ testing.TB, commit []byte) error {
	next, err := o.group.Process(commit, o.proposals)
	if err == nil {
		o.group, o.proposals = next, nil
	}
	return err
}

func (o *ourMember) epoch() uint64         { return o.group.Epoch() }
func (o *ourMember) leaf() uint32          { return o.group.OwnLeaf() }
func (o *ourMember) identity() uint64      { return o.user }
func (o *ourMember) authenticator() []byte { return o.group.EpochAuthenticator() }

func (o *ourMember) export(t testing.TB, length int) []byte {
	b, err := o.group.Export(exportLabel, exportContext, length)
	require.NoError(t, err)
	return b
}

func (o *ourMember) roster() map[uint32]string {
	members := map[uint32]string{}
	for _, m := range o.group.Members() {
		members[m.Leaf] = string(m.Identity)
	}
	return members
}
