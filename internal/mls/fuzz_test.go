package mls

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// A scene has one of everything that a peer may send, for one group.
type scene struct {
	*gateway
	a, b     *Group
	joiner   *Joiner
	msgs     [][]byte
	list     []*Proposal
	staged   *Staged
	extSend  []byte
	authentA []byte
}

func newScene(t testing.TB) *scene {
	t.Helper()
	s := &scene{gateway: newGateway(t)}
	s.a, s.b, _, _ = s.full(5)
	s.joiner = s.gateway.joiner(9)
	s.msgs = [][]byte{s.remove(1, 1), s.add(1, s.joiner)}
	s.list = proposals(t, s.b, s.msgs...)
	s.staged = commit(t, s.a, s.msgs...)
	s.extSend = s.signer.Sender().Append(nil)
	s.authentA = s.b.EpochAuthenticator()
	return s
}

// seeds adds what a fuzzer finds hard to guess: whole messages, and what is
// left of them when they are cut.
func seeds(f *testing.F, whole ...[]byte) {
	f.Add([]byte{})
	f.Add([]byte{0, 1, 0, 1, 0xff})
	f.Add(bytes.Repeat([]byte{0xbf, 0xff, 0xff, 0xff}, 8))
	for _, b := range whole {
		f.Add(b)
		f.Add(b[:len(b)/2])
		f.Add(append(bytes.Clone(b), b...))
	}
}

func FuzzParseExternalSender(f *testing.F) {
	s := newScene(f)
	seeds(f, s.extSend)
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := ParseExternalSender(b); err == nil {
			require.Equal(t, b, e.Append(nil))
		}
	})
}

func FuzzParseKeyPackage(f *testing.F) {
	s := newScene(f)
	seeds(f, s.joiner.KeyPackage())
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := ParseKeyPackage(b)
		if err != nil {
			require.Nil(t, k)
			return
		}
		require.Equal(t, b, k.Bytes())
		require.Equal(t, k.leaf.raw[:k.leaf.signed], k.leaf.appendUnsigned(nil))
	})
}

func FuzzParseProposal(f *testing.F) {
	s := newScene(f)
	seeds(f, s.msgs...)
	seeds(f, bytes.Join(s.msgs, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		for rest := b; ; {
			p, next, err := s.a.ParseProposal(rest)
			require.Equal(t, err == nil, p != nil)
			if len(next) == 0 {
				return
			}
			require.Less(t, len(next), len(rest))
			rest = next
		}
	})
}

func FuzzProcess(f *testing.F) {
	s := newScene(f)
	next := commit(f, s.a)
	seeds(f, s.staged.Commit, next.Commit, s.msgs[0])
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := s.b.Process(b, s.list)
		require.Equal(t, err == nil, g != nil)
		require.Equal(t, s.authentA, s.b.EpochAuthenticator())
	})
}

// FuzzCommitBody signs what the fuzzer made of a commit, so that it gets past
// the signature.
func FuzzCommitBody(f *testing.F) {
	s := newScene(f)
	var body []byte
	r := reader{b: s.staged.Commit}
	m := r.message(func(r *reader, m *message) { r.commit(m, &commitBody{}) })
	body = m.body
	seeds(f, body, listRefs(s.list), []byte{0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := s.b.Process(s.a.forge(t, b, m.confirmation), s.list)
		require.Equal(t, err == nil, g != nil)
		require.Equal(t, s.authentA, s.b.EpochAuthenticator())
	})
}

func FuzzJoin(f *testing.F) {
	s := newScene(f)
	seeds(f, s.staged.Welcome)
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := s.joiner.Join(b, s.policy())
		require.Equal(t, err == nil, g != nil)
	})
}

// FuzzGroupInfo judges what the fuzzer made of a group info, past its
// encryption.
func FuzzGroupInfo(f *testing.F) {
	s := newScene(f)
	info, err := s.staged.Next.groupInfo()
	require.NoError(f, err)
	seeds(f, info)
	f.Fuzz(func(t *testing.T, b []byte) {
		r := reader{b: b}
		info := r.groupInfo()
		if r.end() != nil {
			return
		}
		_, err := s.joiner.enter(info, make([]byte, hashSize), zero[:])
		require.Error(t, err)
	})
}

// FuzzTree judges foreign trees, past their hash, and changes them.
func FuzzTree(f *testing.F) {
	s := newScene(f)
	a, _ := renewed(f, s.a, s.b)
	seeds(f, a.tree.appendTo(nil), s.staged.Next.tree.appendTo(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := reader{b: b}
		tr := r.tree()
		if r.end() != nil {
			return
		}
		require.Equal(t, b, tr.appendTo(nil), "reads and writes the same")
		tr.hash(tr.root())
		if tr.check(s.group) != nil {
			return
		}
		changed := tr.clone()
		place, err := changed.add(s.joiner.pkg.leaf, 0)
		require.NoError(t, err)
		changed.path(place)
		changed.remove(place)
		changed.truncate()
		require.Equal(t, b, tr.appendTo(nil), "a clone is apart")
	})
}

func FuzzInspectCommit(f *testing.F) {
	s := newScene(f)
	seeds(f, s.staged.Commit, append(bytes.Clone(s.staged.Commit), s.staged.Welcome...))
	f.Fuzz(func(t *testing.T, b []byte) {
		info, err := InspectCommit(b)
		n, again := CommitLength(b)
		require.Equal(t, err, again)
		if err == nil {
			require.Equal(t, b[n:], info.Rest)
		}
	})
}

func FuzzSplitWelcome(f *testing.F) {
	s := newScene(f)
	seeds(f, s.staged.Welcome)
	f.Fuzz(func(t *testing.T, b []byte) {
		parts, err := SplitWelcome(b)
		if err == nil && len(parts) == 1 {
			require.Equal(t, b, parts[0].Welcome())
		}
	})
}
