package mlsgo

import (
	"fmt"
	"testing"

	"github.com/discordpkg/gateway/internal/mls"
	"github.com/stretchr/testify/require"
)

// The steps of a member in groups of 2 to 500, on either library. Only the
// first two members live, the others are leaves. What mls-go does to a group
// it does to a copy, as [peer] has to.
func BenchmarkMember(b *testing.B) {
	for _, n := range []int{2, 10, 50, 200, 500} {
		for _, ours := range []bool{true, false} {
			b.Run(fmt.Sprintf("%s/%d", map[bool]string{true: "ours", false: "mls-go"}[ours], n), func(b *testing.B) {
				m := crowd(b, ours, n)
				add, addRef, err := m.signer.SignAdd(channel, m.epoch(), m.client(b, ours).keyPackage())
				require.NoError(b, err)
				m.time(b, "add", add, addRef)
				m.timeJoin(b, ours)
				if n > 2 {
					remove, ref, err := m.signer.SignRemove(channel, m.epoch(), uint32(n-1))
					require.NoError(b, err)
					m.time(b, "remove", remove, ref)
				}
			})
		}
	}
}

// crowd makes a group of n of whom the first two live.
func crowd(b *testing.B, ours bool, n int) *mixed {
	m := newMixed(b)
	m.start(b, ours)
	m.add(b, ours)
	for i := range n - 2 {
		m.users++
		dead := newOurs(b, uint64(1000+i), m.signer.Sender())
		message, ref, err := m.signer.SignAdd(channel, 0, dead.keyPackage())
		require.NoError(b, err)
		m.propose(b, message, ref)
	}
	o := m.members[0].stage(b)
	o.accept()
	parts, err := mls.SplitWelcome(o.welcome)
	require.NoError(b, err)
	require.NoError(b, m.joining[0].join(parts[0].Welcome()))
	m.members, m.joining, m.refs = append(m.members, m.joining...), nil, nil
	return m
}

// time measures a proposal with the commit that covers it, at the committer
// and at another member.
func (m *mixed) time(b *testing.B, name string, message, ref []byte) {
	committer, other := m.members[0], m.members[1]
	b.Run("commit-"+name, func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			require.NoError(b, committer.receive(message))
			committer.stage(b)
			committer.revoke(ref)
		}
	})
	require.NoError(b, committer.receive(message))
	o := committer.stage(b)
	committer.revoke(ref)
	b.Run("process-"+name, func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			back := rewind(other)
			require.NoError(b, other.receive(message))
			require.NoError(b, other.follow(b, o.commit))
			back()
			other.revoke(ref)
		}
	})
}

func (m *mixed) timeJoin(b *testing.B, ours bool) {
	newcomer := m.client(b, ours)
	message, ref, err := m.signer.SignAdd(channel, m.epoch(), newcomer.keyPackage())
	require.NoError(b, err)
	require.NoError(b, m.members[0].receive(message))
	o := m.members[0].stage(b)
	m.members[0].revoke(ref)
	b.Run("join", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			require.NoError(b, newcomer.join(o.welcome))
		}
	})
}

// rewind remembers the epoch of a member, which no library changes in place.
func rewind(c member) func() {
	switch c := c.(type) {
	case *ourMember:
		g := c.group
		return func() { c.group = g }
	case *peer:
		g := c.group
		return func() { c.group = g }
	}
	panic("mlsgo: no such member")
}
