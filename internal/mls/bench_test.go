package mls

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

var benchSizes = []int{2, 50, 500}

// full makes a group of so many members, the last of which is ours, and
// returns the Welcome that it came with.
func (w *gateway) full(size int) (first, last *Group, welcome []byte, joiner *Joiner) {
	w.t.Helper()
	first = w.create(1)
	var msgs [][]byte
	for user := 2; user <= size; user++ {
		joiner = w.joiner(uint64(user))
		msgs = append(msgs, w.add(0, joiner))
	}
	s := commit(w.t, first, msgs...)
	last, err := joiner.Join(s.Welcome, w.policy())
	require.NoError(w.t, err)
	return s.Next, last, s.Welcome, joiner
}

func benchmark(b *testing.B, run func(b *testing.B, w *gateway, size int)) {
	for _, size := range benchSizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			w := newGateway(b)
			b.ReportAllocs()
			run(b, w, size)
		})
	}
}

func BenchmarkJoin(b *testing.B) {
	benchmark(b, func(b *testing.B, w *gateway, size int) {
		_, _, welcome, joiner := w.full(size)
		for b.Loop() {
			_, err := joiner.Join(welcome, w.policy())
			require.NoError(b, err)
		}
	})
}

func BenchmarkParseProposal(b *testing.B) {
	w := newGateway(b)
	g := w.create(1)
	msg := w.add(0, w.joiner(2))
	b.ReportAllocs()
	for b.Loop() {
		_, _, err := g.ParseProposal(msg)
		require.NoError(b, err)
	}
}

// BenchmarkCommit and BenchmarkProcess have an Add, without a path, and a
// Remove with one.
func BenchmarkCommit(b *testing.B) {
	benchmark(b, func(b *testing.B, w *gateway, size int) {
		first, _, _, _ := w.full(size)
		for i, msg := range [][]byte{w.add(1, w.joiner(0)), w.remove(1, 1)} {
			b.Run([]string{"add", "remove"}[i], func(b *testing.B) {
				list := proposals(b, first, msg)
				b.ReportAllocs()
				for b.Loop() {
					_, err := first.Commit(list)
					require.NoError(b, err)
				}
			})
		}
	})
}

func BenchmarkProcess(b *testing.B) {
	benchmark(b, func(b *testing.B, w *gateway, size int) {
		first, last, _, _ := w.full(size + 1)
		for i, msg := range [][]byte{w.add(1, w.joiner(0)), w.remove(1, 1)} {
			b.Run([]string{"add", "remove"}[i], func(b *testing.B) {
				s, list := commit(b, first, msg), proposals(b, last, msg)
				b.ReportAllocs()
				for b.Loop() {
					_, err := last.Process(s.Commit, list)
					require.NoError(b, err)
				}
			})
		}
	})
}
