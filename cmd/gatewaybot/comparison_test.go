package main

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/voiceshard"
)

func TestComparison(t *testing.T) {
	ok := func(s string) *voiceshard.Packet {
		return &voiceshard.Packet{Verdict: voiceshard.OK, Opus: []byte(s), Count: 1}
	}
	lost := func(n int) *voiceshard.Packet { return &voiceshard.Packet{Verdict: voiceshard.Lost, Count: n} }
	for name, c := range map[string]struct {
		said         []string
		heard        []*voiceshard.Packet
		heard2, fail uint64
	}{
		"all":                   {[]string{"a", "b", "b"}, []*voiceshard.Packet{ok("a"), ok("b"), ok("b")}, 3, 0},
		"silence at the end":    {[]string{"a"}, []*voiceshard.Packet{ok("a"), ok(silence), ok(silence)}, 1, 0},
		"silence between":       {[]string{"a", "b", silence, "c"}, []*voiceshard.Packet{ok("a"), ok(silence), ok("b"), ok(silence), ok("c")}, 4, 0},
		"one lost":              {[]string{"a", "b", "c"}, []*voiceshard.Packet{ok("a"), lost(1), ok("c")}, 2, 0},
		"lost without a word":   {[]string{"a", "b", "c"}, []*voiceshard.Packet{ok("a"), ok("c")}, 2, 0},
		"all lost":              {[]string{"a", "b"}, []*voiceshard.Packet{lost(2)}, 0, 0},
		"nobody said that":      {[]string{"a"}, []*voiceshard.Packet{ok("a"), ok("x")}, 1, 1},
		"twice, said once":      {[]string{"a", "b"}, []*voiceshard.Packet{ok("a"), ok("a"), ok("b")}, 2, 1},
		"late is lost already":  {[]string{"a", "b"}, []*voiceshard.Packet{lost(1), ok("b"), {Verdict: voiceshard.Late, Opus: []byte("a"), Count: 1}}, 1, 0},
		"it cannot be read":     {[]string{"a"}, []*voiceshard.Packet{{Verdict: voiceshard.Undecryptable, Count: 1}}, 0, 0},
		"nothing said or heard": {},
	} {
		t.Run(name, func(t *testing.T) {
			m := newComparison()
			for _, s := range c.said {
				m.say([]byte(s))
			}
			for _, p := range c.heard {
				m.hear(p)
			}
			heard, wrong := m.result()
			require.Equal(t, c.heard2, heard)
			require.Equal(t, c.fail, wrong)
			m.await(t.Context(), uint64(len(c.said)))
			require.NoError(t, t.Context().Err())
		})
	}
}

func TestComparisonIsBounded(t *testing.T) {
	m := newComparison()
	for n := range 3 * maxSaid {
		m.say(fmt.Appendf(nil, "%d", n))
	}
	require.Len(t, m.said, maxSaid)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m.await(ctx, 4*maxSaid) // returns
}
