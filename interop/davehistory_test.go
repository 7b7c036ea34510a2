package interop

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

// Clients of both kinds come and go while messages are on their way, some of
// which are broken. When all have arrived, all are in one group.
func daveyHistories(t *testing.T, p *daveyProcess) {
	our, their := 0, 0
	for seed := range uint64(5) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			c := newCall(t, p, 100+seed)
			c.tamper = c.damage
			for range 15 {
				for range 1 + c.r.IntN(3) {
					c.happen()
					for range c.r.IntN(12) {
						c.step()
					}
				}
				c.agree()
			}
			for _, m := range c.won {
				if m.foreign {
					their++
				} else {
					our++
				}
			}
		})
	}
	t.Log("epochs:", our, "of ours,", their, "of theirs")
	require.Greater(t, our, 10)
	require.Greater(t, their, 10)
}

// happen lets somebody come or go. Nobody stays long who cannot decrypt.
func (c *call) happen() {
	old := slices.IndexFunc(c.members, func(m *member) bool { return m.peer == nil })
	switch n := len(c.members); {
	case old >= 0 && c.r.IntN(2) == 0:
		c.leave(c.members[old])
		return
	case n > 2 && c.r.IntN(10) < n:
		c.leave(c.members[c.r.IntN(n)])
		return
	}
	kind := rune("ooooottttt-"[c.r.IntN(11)])
	user := snowflake.ID(1 + c.r.IntN(12)) // who left may come back
	if !slices.ContainsFunc(c.members, func(m *member) bool { return m.user == user }) {
		c.join(user, kind)
	}
}

// damage breaks a commit or a welcome now and then. The library ignores that
// another one is broken before its recovery from the first one has ended.
func (c *call) damage(m *member, v *gateway.VoiceMessage) {
	if p, ok := m.peer.(*theirs); ok && p.lost {
		return
	}
	if (v.Op == opcode.DAVEAnnounceCommit || v.Op == opcode.DAVEWelcome) && c.r.IntN(20) == 0 {
		v.Data[len(v.Data)-1] ^= 1
	}
}
