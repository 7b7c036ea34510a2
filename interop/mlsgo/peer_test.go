package mlsgo

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/thomas-vilte/mls-go/ciphersuite"
	"github.com/thomas-vilte/mls-go/credentials"
	"github.com/thomas-vilte/mls-go/extensions"
	"github.com/thomas-vilte/mls-go/framing"
	"github.com/thomas-vilte/mls-go/group"
	"github.com/thomas-vilte/mls-go/keypackages"
	"github.com/thomas-vilte/mls-go/treesync"
)

const suite = ciphersuite.MLS128DHKEMP256

// channel is the group id of every test: eight bytes, as DAVE's are.
var channel = binary.BigEndian.AppendUint64(nil, 0x0123_4567_89ab_cdef)

var errNotPublic = errors.New("mlsgo: not a public message")

// A peer is one member of one group, on mls-go's package group. The package
// changes a group in place, so a peer works on a copy wherever an operation
// may yet be refused or lose against another member's.
type peer struct {
	credential *credentials.CredentialWithKey
	sign       *ciphersuite.SignaturePrivateKey
	pkg        *keypackages.KeyPackage
	keys       *keypackages.KeyPackagePrivateKeys
	group      *group.Group
}

func newPeer(t testing.TB, user uint64) *peer {
	credential, sign, err := credentials.GenerateCredentialWithKeyForCS(binary.BigEndian.AppendUint64(nil, user), suite)
	require.NoError(t, err)
	p := &peer{credential: credential, sign: sign}
	p.freshKeyPackage(t)
	return p
}

// freshKeyPackage replaces the key package, keeps the signature key, and
// returns the package bare.
func (p *peer) freshKeyPackage(t testing.TB) []byte {
	var err error
	p.pkg, p.keys, err = keypackages.Generate(p.credential, suite, keypackages.InfiniteLifetime())
	require.NoError(t, err)
	return p.pkg.Marshal()
}

// create makes epoch 0 with a single external sender, as op 25 gives it.
func (p *peer) create(t testing.TB, sender []byte) {
	one, err := extensions.ParseSingleExternalSender(sender)
	require.NoError(t, err)
	list := extensions.NewExternalSendersExtension()
	require.NoError(t, list.AddSender(*one))
	ext, err := list.ToExtension()
	require.NoError(t, err)
	p.group, err = group.NewGroup(group.NewGroupID(channel), suite, p.pkg, p.keys, group.WithExtensions([]group.Extension{*ext}))
	require.NoError(t, err)
}

// join accepts a bare Welcome.
func (p *peer) join(welcome []byte) error {
	w, err := group.UnmarshalWelcome(welcome)
	if err != nil {
		return err
	}
	g, err := group.JoinFromWelcome(w, p.pkg, p.keys, nil)
	if err != nil {
		return err
	}
	p.group = g
	return nil
}

// receive takes in one proposal or commit in place.
func (p *peer) receive(message []byte) error { return receive(p.group, message) }

func receive(g *group.Group, message []byte) error {
	m, err := framing.UnmarshalMLSMessage(message)
	if err != nil {
		return err
	}
	public, ok := m.AsPublic()
	if !ok {
		return errNotPublic
	}
	return g.ProcessPublicMessage(public)
}

// process takes in a commit on a copy: a refused one changes nothing.
func (p *peer) process(t testing.TB, commit []byte) error {
	next := clone(t, p.group)
	if err := receive(next, commit); err != nil {
		return err
	}
	p.group = next
	return nil
}

// A staged is a commit that no one has accepted yet.
type staged struct {
	commit, welcome []byte // the welcome is bare, nil without an Add
	next            *group.Group
}

// commit commits everything pending on a copy of the group: the library makes
// the Welcome only after it merged the commit.
func (p *peer) commit(t testing.TB) staged {
	next := clone(t, p.group)
	pending, err := next.Commit(p.sign, p.sign.PublicKey(), nil)
	require.NoError(t, err)
	s := staged{commit: commitMessage(pending), next: next}
	require.NoError(t, next.MergeCommit(pending))
	var added []*keypackages.KeyPackage
	for _, proposal := range pending.Proposals() {
		if proposal.Add != nil {
			added = append(added, proposal.Add.KeyPackage)
		}
	}
	if len(added) == 0 {
		return s
	}
	w, err := next.CreateWelcomeWithOpts(added, p.sign,
		group.WithJoinerSecret(pending.JoinerSecret()), group.WithStagedCommit(pending))
	require.NoError(t, err)
	s.welcome = w.Marshal()
	return s
}

func commitMessage(s *group.StagedCommit) []byte {
	content := s.AuthenticatedContent()
	return framing.NewMLSMessagePublic(&framing.PublicMessage{
		Content: content.Content, Auth: content.Auth, MembershipTag: s.MembershipTag(),
	}).Marshal()
}

// clone copies a group the only way the library has: through its JSON.
func clone(t testing.TB, g *group.Group) *group.Group {
	state, err := g.MarshalState()
	require.NoError(t, err)
	copied, err := group.UnmarshalGroupState(state)
	require.NoError(t, err)
	return copied
}

// A service is the external sender of a voice server, on mls-go's framing.
type service struct {
	key *ciphersuite.SignaturePrivateKey
}

func newService(t testing.TB) *service {
	key, err := ciphersuite.GenerateSignaturePrivateKey()
	require.NoError(t, err)
	return &service{key: key}
}

// sender is the payload of op 25.
func (s *service) sender() []byte {
	return append(vector(s.key.PublicKey().AsSlice()), append([]byte{0, 1}, vector([]byte("server"))...)...)
}

func (s *service) add(t testing.TB, epoch uint64, pkg []byte) (message, ref []byte) {
	return s.propose(t, channel, epoch, append([]byte{0, 1}, pkg...))
}

func (s *service) remove(t testing.TB, epoch uint64, leaf uint32) (message, ref []byte) {
	return s.propose(t, channel, epoch, binary.BigEndian.AppendUint32([]byte{0, 3}, leaf))
}

func (s *service) propose(t testing.TB, id []byte, epoch uint64, proposal []byte) (message, ref []byte) {
	public, err := framing.NewPublicMessage(framing.FramedContent{
		GroupID: id, Epoch: epoch,
		Sender: framing.Sender{Type: framing.SenderTypeExternal},
		Body:   framing.ProposalBody{Data: proposal},
	}, s.key, nil, nil, suite)
	require.NoError(t, err)
	content := framing.AuthenticatedContent{WireFormat: framing.WireFormatPublicMessage, Content: public.Content, Auth: public.Auth}
	return framing.NewMLSMessagePublic(public).Marshal(), group.ComputeProposalRef(content.Marshal(), suite)
}

// vector writes an MLS vector of at most 16383 bytes.
func vector(b []byte) []byte {
	if len(b) < 64 {
		return append([]byte{byte(len(b))}, b...)
	}
	return append([]byte{0x40 | byte(len(b)>>8), byte(len(b))}, b...)
}

// A call is a group of mls-go members and the service that proposes.
type call struct {
	service *service
	members []*peer
}

// newCall makes a group of n members, all added by the first in one commit.
func newCall(t testing.TB, n int) *call {
	c := &call{service: newService(t)}
	first := newPeer(t, 1)
	first.create(t, c.service.sender())
	c.members = append(c.members, first)
	if n == 1 {
		return c
	}
	for user := 2; user <= n; user++ {
		p := newPeer(t, uint64(user))
		message, _ := c.service.add(t, 0, p.pkg.Marshal())
		require.NoError(t, first.receive(message))
		c.members = append(c.members, p)
	}
	s := first.commit(t)
	first.group = s.next
	for _, p := range c.members[1:] {
		require.NoError(t, p.join(s.welcome))
	}
	return c
}

func (c *call) propose(t testing.TB, message []byte) {
	for _, p := range c.members {
		require.NoError(t, p.receive(message))
	}
}

// win makes everybody accept what the member at index by has staged.
func (c *call) win(t testing.TB, by int, s staged) {
	for i, p := range c.members {
		if i == by {
			p.group = s.next
			continue
		}
		require.NoError(t, p.process(t, s.commit), "member %d", i)
	}
	c.agree(t)
}

func (c *call) agree(t testing.TB) {
	want := c.members[0].group
	for i, p := range c.members {
		require.Equal(t, want.Epoch(), p.group.Epoch(), "member %d", i)
		require.Equal(t, want.EpochAuthenticator(), p.group.EpochAuthenticator(), "member %d", i)
	}
}

func epochOf(p *peer) uint64 { return p.group.Epoch().AsUint64() }

func leafOf(p *peer) treesync.LeafIndex { return treesync.LeafIndex(p.group.OwnLeafIndex()) }
