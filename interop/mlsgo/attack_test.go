package mlsgo

import (
	"bytes"
	"testing"

	"github.com/discordpkg/gateway/internal/mls"
	"github.com/stretchr/testify/require"
	"github.com/thomas-vilte/mls-go/ciphersuite"
	"github.com/thomas-vilte/mls-go/credentials"
	"github.com/thomas-vilte/mls-go/framing"
	"github.com/thomas-vilte/mls-go/group"
	"github.com/thomas-vilte/mls-go/keypackages"
)

// besiege makes a group of two of ours and one of theirs, who is malicious,
// in that order.
func besiege(t testing.TB) (m *mixed, victim *ourMember, evil *peer) {
	m = newMixed(t)
	m.start(t, true)
	m.add(t, true)
	last := m.add(t, false)
	m.commit(t, 0)
	return m, m.members[1].(*ourMember), last.(*peer)
}

// refuse wants the victim to stay where it is.
func refuse(t *testing.T, victim *ourMember, commit []byte, why error) {
	t.Helper()
	before, epoch := victim.authenticator(), victim.epoch()
	require.ErrorIs(t, victim.follow(t, commit), why)
	require.Equal(t, epoch, victim.epoch())
	require.Equal(t, before, victim.authenticator())
}

// pendOn stages on a copy of the group after some change to it.
func pendOn(t testing.TB, p *peer, prepare func(*group.Group)) []byte {
	next := clone(t, p.group)
	prepare(next)
	s, err := next.Commit(p.sign, p.sign.PublicKey(), nil)
	require.NoError(t, err)
	return commitMessage(s)
}

func TestAttackInlineProposals(t *testing.T) {
	_, victim, evil := besiege(t)
	pkg := newPeer(t, 90).pkg
	for name, prepare := range map[string]func(*group.Group){
		"add":    func(g *group.Group) { must(t)(g.AddMember(pkg)) },
		"remove": func(g *group.Group) { must(t)(g.RemoveMember(0)) },
		"update": func(g *group.Group) { must(t)(g.SelfUpdate(evil.sign)) },
	} {
		t.Run(name, func(t *testing.T) { refuse(t, victim, pendOn(t, evil, prepare), mls.ErrInline) })
	}
}

func must(t testing.TB) func(*group.Proposal, error) {
	return func(_ *group.Proposal, err error) { require.NoError(t, err) }
}

func TestAttackConfirmationTag(t *testing.T) {
	m, victim, evil := besiege(t)
	m.add(t, true)
	next := clone(t, evil.group)
	s, err := next.Commit(evil.sign, evil.sign.PublicKey(), nil)
	require.NoError(t, err)
	refuse(t, victim, forgeTag(evil, s), mls.ErrConfirmationTag)
	m.commit(t, 2) // and the honest one is welcome still
}

func TestAttackSelfRemoval(t *testing.T) {
	m, victim, evil := besiege(t)
	m.remove(t, evil.leaf())
	refuse(t, victim, pendOn(t, evil, func(*group.Group) {}), mls.ErrProposals)
}

func TestAttackEndlessPath(t *testing.T) {
	m, victim, evil := besiege(t)
	var path *group.UpdatePath
	pend(t, evil, func(s *group.StagedCommit) []byte {
		path = s.Commit().Path
		return nil
	})
	m.remove(t, evil.leaf())
	body := group.Commit{Proposals: []group.ProposalOrRef{{ProposalRef: m.refs[0]}}, Path: path}
	refuse(t, victim, signCommit(t, evil, body.Marshal()), mls.ErrProposals)
}

func TestAttackExternalCommit(t *testing.T) {
	_, victim, evil := besiege(t)
	info, err := evil.group.GetGroupInfo(evil.sign)
	require.NoError(t, err)
	credential, sign, err := credentials.GenerateCredentialWithKeyForCS([]byte("stranger"), suite)
	require.NoError(t, err)
	_, s, err := group.ExternalCommit(info, suite, sign, sign.PublicKey(), nil, credential.Credential)
	require.NoError(t, err)
	refuse(t, victim, commitMessage(s), mls.ErrSender)
}

func TestAttackPrivateCommit(t *testing.T) {
	_, victim, evil := besiege(t)
	next := clone(t, evil.group)
	s, err := next.CommitWithFormat(evil.sign, evil.sign.PublicKey(), nil, framing.WireFormatPrivateMessage)
	require.NoError(t, err)
	content := s.AuthenticatedContent()
	sealed, err := framing.Encrypt(framing.EncryptParams{
		AuthContent: content, SenderLeafIndex: uint32(leafOf(evil)), CipherSuite: suite,
		SenderDataSecret: evil.group.EpochSecrets().SenderDataSecret, SecretTree: evil.group.SecretTree(),
	})
	require.NoError(t, err)
	refuse(t, victim, framing.NewMLSMessagePrivate(sealed).Marshal(), mls.ErrUnsupported)
}

// The committer's leaf in its path claims to be another user.
func TestAttackImpersonation(t *testing.T) {
	_, victim, evil := besiege(t)
	become := func(g *group.Group) {
		self, ok := g.GetMember(g.OwnLeafIndex())
		require.True(t, ok)
		self.Credential = credentials.NewBasicCredential([]byte("\x00\x00\x00\x00\x00\x00\x00\x63"))
	}
	refuse(t, victim, pendOn(t, evil, become), mls.ErrPath)
}

// The committer's leaf in its path has a key that is not the committer's.
func TestAttackOtherLeafKey(t *testing.T) {
	_, victim, evil := besiege(t)
	other, err := ciphersuite.GenerateSignaturePrivateKey()
	require.NoError(t, err)
	s, err := clone(t, evil.group).Commit(evil.sign, other.PublicKey(), nil)
	require.NoError(t, err)
	refuse(t, victim, commitMessage(s), mls.ErrPath)
}

func TestAttackOtherSignatureKey(t *testing.T) {
	_, victim, evil := besiege(t)
	next := clone(t, evil.group)
	other, err := ciphersuite.GenerateSignaturePrivateKey()
	require.NoError(t, err)
	s, err := next.Commit(other, other.PublicKey(), nil)
	require.NoError(t, err)
	content := s.AuthenticatedContent()
	content.Content.Sender.LeafIndex = uint32(leafOf(evil))
	refuse(t, victim, commitMessage(s), mls.ErrSignature)
}

func TestAttackMemberProposals(t *testing.T) {
	_, victim, evil := besiege(t)
	p, err := clone(t, evil.group).AddMember(newPeer(t, 91).pkg)
	require.NoError(t, err)
	message, err := evil.group.SignProposalAsPublicMessage(p, evil.sign)
	require.NoError(t, err)
	require.ErrorIs(t, victim.receive(message), mls.ErrSender)
}

// Two leaves of one user, which mls-go commits without a thought.
func TestAttackSecondLeaf(t *testing.T) {
	m, victim, evil := besiege(t)
	twin := newPeer(t, victim.identity())
	message, ref, err := m.signer.SignAdd(channel, m.epoch(), twin.keyPackage())
	require.NoError(t, err)
	m.propose(t, message, ref)
	refuse(t, victim, evil.stage(t).commit, mls.ErrDuplicate)
}

func TestAttackUnknownReference(t *testing.T) {
	m, victim, evil := besiege(t)
	message, _, err := m.signer.SignAdd(channel, m.epoch(), newPeer(t, 92).keyPackage())
	require.NoError(t, err)
	require.NoError(t, evil.receive(message)) // and the victim is not told
	refuse(t, victim, evil.stage(t).commit, mls.ErrUnknownProposal)
}

func TestAttackReplay(t *testing.T) {
	m, victim, evil := besiege(t)
	late, _, err := m.signer.SignAdd(channel, m.epoch(), newPeer(t, 93).keyPackage())
	require.NoError(t, err)
	o := evil.stage(t)
	require.NoError(t, victim.follow(t, o.commit))
	refuse(t, victim, o.commit, mls.ErrEpoch)
	require.ErrorIs(t, victim.receive(late), mls.ErrEpoch)
	other := bytes.Clone(channel)
	other[0]++
	foreign, _, err := m.signer.SignAdd(other, victim.epoch(), newPeer(t, 94).keyPackage())
	require.NoError(t, err)
	require.ErrorIs(t, victim.receive(foreign), mls.ErrGroup)
}

// One bit of anything that mls-go makes is wrong.
func TestAttackFlippedBits(t *testing.T) {
	m, victim, evil := besiege(t)
	pkg := newPeer(t, 95).keyPackage()
	flip(pkg, func(b []byte) {
		_, err := mls.ParseKeyPackage(b)
		require.Error(t, err)
	})
	joiner := m.add(t, true)
	m.remove(t, 0)
	o := evil.stage(t)
	flip(o.commit, func(b []byte) { require.Error(t, victim.follow(t, b)) })
	flip(o.welcome, func(b []byte) { require.Error(t, joiner.join(b)) })
	require.NoError(t, victim.follow(t, o.commit))
	require.NoError(t, joiner.join(o.welcome))
	require.Equal(t, victim.authenticator(), joiner.authenticator())
}

// flip shows b with one bit of each byte changed in turn.
func flip(b []byte, f func([]byte)) {
	for i := range b {
		changed := bytes.Clone(b)
		changed[i] ^= 1 << (i % 8)
		f(changed)
	}
}

func TestAttackKeyPackages(t *testing.T) {
	for _, pkg := range []string{"", "00\x06000000\x040000"} {
		_, err := mls.ParseKeyPackage([]byte(pkg))
		require.ErrorIs(t, err, mls.ErrMalformed)
	}
	p := newPeer(t, 96)
	_, err := mls.ParseKeyPackage(append(p.keyPackage(), 0))
	require.ErrorIs(t, err, mls.ErrMalformed)
	short, _, err := keypackages.Generate(p.credential, suite, keypackages.WithLifetime(1, 2))
	require.NoError(t, err)
	k, err := mls.ParseKeyPackage(short.Marshal())
	require.NoError(t, err)
	notBefore, notAfter := k.Lifetime()
	require.Equal(t, []uint64{1, 2}, []uint64{notBefore, notAfter})
}
