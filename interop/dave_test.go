package interop

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

// A client of discord.js and one of ours take part in the same groups.
func TestDavey(t *testing.T) {
	t.Parallel()
	p := startDavey(t)
	for _, c := range []struct {
		name string
		test func(*testing.T, *daveyProcess)
	}{
		{"create", daveyCreate},
		{"members", daveyMembers},
		{"rejoin", daveyRejoin},
		{"downgrade", daveyDowngrade},
		{"revoke", daveyRevoke},
		{"amend", daveyAmend},
		{"recovery", daveyRecovery},
		{"strangers", daveyStrangers},
		{"duplicates", daveyDuplicates},
		{"verification", daveyVerification},
		{"frames", daveyFrames},
		{"replay", daveyReplay},
		{"forgery", daveyForgery},
		{"silence", daveySilence},
		{"video", daveyVideo},
		{"histories", daveyHistories},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, p) })
	}
}

func isForeign(m *member) bool { return m.foreign }
func isOurs(m *member) bool    { return !m.foreign }

// Either side creates the group, whoever comes first, and the other is welcome.
func daveyCreate(t *testing.T, p *daveyProcess) {
	for _, kinds := range []string{"ot", "to", "tt", "oo"} {
		for name, first := range map[string]func(*member) bool{"ours first": isOurs, "theirs first": isForeign} {
			t.Run(kinds+", "+name, func(t *testing.T) {
				c := newCall(t, p, 1)
				c.first = first
				c.joinAll(kinds)
				c.agree()
				if kinds == "ot" || kinds == "to" {
					require.Len(t, c.won, 1)
					require.True(t, first(c.won[0]), "the commit that came first wins")
				}
			})
		}
	}
}

// A call grows to ten members and shrinks to one, while both sides commit in turn.
func daveyMembers(t *testing.T, p *daveyProcess) {
	c := newCall(t, p, 2)
	const most = 10
	for i := range most {
		c.first = isOurs
		if i%2 == 0 {
			c.first = isForeign
		}
		c.join(snowflake.ID(100-i), rune("ottot"[i%5]))
		c.agree()
	}
	require.Len(t, c.won, most-1)
	bothCommit(t, c.won)

	c.won = nil
	for i := 0; len(c.members) > 1; i++ {
		c.first = isOurs
		if i%2 == 0 {
			c.first = isForeign
		}
		gone := c.members[c.r.IntN(len(c.members))]
		c.leave(gone)
		c.agree()
		if i == 3 { // who left comes back, as the other kind
			c.join(gone.user, gone.otherKind())
			c.agree()
		}
	}
	bothCommit(t, c.won)

	c.join(7, weJoin)
	c.join(8, theyJoin)
	c.agree()
}

func bothCommit(t *testing.T, won []*member) {
	t.Helper()
	require.True(t, slices.ContainsFunc(won, isOurs))
	require.True(t, slices.ContainsFunc(won, isForeign))
}

// Who is alone again starts anew, on either side.
func daveyRejoin(t *testing.T, p *daveyProcess) {
	for _, kinds := range []string{"ot", "to"} {
		c := newCall(t, p, 3)
		c.joinAll(kinds)
		for range 3 {
			c.agree()
			gone := c.members[0]
			c.leave(gone)
			c.agree()
			c.join(gone.user, gone.otherKind())
		}
		c.agree()
	}
}

// While somebody is there who cannot decrypt, nobody encrypts.
func daveyDowngrade(t *testing.T, p *daveyProcess) {
	c := newCall(t, p, 4)
	c.joinAll("ott")
	c.agree()
	old := c.join(9, oldJoins)
	c.agree()
	c.join(10, theyJoin)
	c.join(11, weJoin)
	c.agree()
	c.leave(old)
	c.agree()
}

// commits blocks the commits of everybody.
func commits(m *member, up bool) bool {
	return up && len(m.up) > 0 && m.up[0].Op == opcode.DAVECommitWelcome
}

// Who leaves before a commit adds them is not added, also when it is the one
// who came last, so that what is left was committed before.
func daveyRevoke(t *testing.T, p *daveyProcess) {
	for _, joining := range []string{"o", "t", "ot", "to", "tt"} {
		for leaving := range joining {
			for name, first := range map[string]func(*member) bool{"ours first": isOurs, "theirs first": isForeign} {
				t.Run(fmt.Sprintf("%s, %d, %s", joining, leaving, name), func(t *testing.T) {
					c := newCall(t, p, 5)
					c.joinAll("ot")
					c.agree()
					revoke(c, joining, leaving, first)
				})
			}
		}
	}
}

func revoke(c *call, joining string, leaving int, first func(*member) bool) {
	epoch := c.delivery.Epoch()
	// The commits are made, but do not arrive.
	c.blocked = commits
	for i, kind := range joining {
		c.join(snowflake.ID(i+3), kind)
		c.travel()
	}
	require.NotEmpty(c.t, c.member(1).up)
	require.NotEmpty(c.t, c.member(2).up)
	gone := c.member(snowflake.ID(leaving + 3))
	c.leave(gone)
	c.travel()
	require.Equal(c.t, epoch, c.delivery.Epoch())
	c.blocked, c.first = nil, first
	c.agree()
	require.Equal(c.t, epoch+uint64(len(joining)-1), c.delivery.Epoch())
	c.join(gone.user, weJoin)
	c.join(20, theyJoin)
	c.agree()
}

// Somebody leaves, and while that is not committed another one comes and goes:
// what is to be committed is the same as before, but older commits are void.
func daveyAmend(t *testing.T, p *daveyProcess) {
	for _, kinds := range []string{"oto", "tto", "ott", "ttt"} {
		c := newCall(t, p, 8)
		c.joinAll(kinds)
		c.agree()
		c.blocked = commits
		c.leave(c.member(3))
		c.travel()
		passing := c.join(4, theyJoin)
		c.travel()
		c.leave(passing)
		c.travel()
		c.blocked, c.first = nil, func(m *member) bool { return m.user == 1 }
		c.agree()
	}
}

// A client that got a bad commit or welcome is removed and added again.
func daveyRecovery(t *testing.T, p *daveyProcess) {
	for _, c := range []struct {
		name   string
		op     opcode.Voice
		victim snowflake.ID
	}{
		{"commit to ours", opcode.DAVEAnnounceCommit, 1},
		{"commit to theirs", opcode.DAVEAnnounceCommit, 2},
		{"welcome to ours", opcode.DAVEWelcome, 5},
		{"welcome to theirs", opcode.DAVEWelcome, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			call := newCall(t, p, 6)
			for i, kind := range "otot" {
				call.join(snowflake.ID(i+1), kind)
				call.agree()
			}
			epoch := call.delivery.Epoch()
			call.first = func(m *member) bool { return m.user == 3 || m.user == 4 } // who commit
			tampered := 0
			call.tamper = func(m *member, v *gateway.VoiceMessage) {
				if v.Op == c.op && m.user == c.victim && tampered == 0 {
					tampered++
					v.Data[len(v.Data)-1] ^= 1
				}
			}
			call.join(5, weJoin)
			call.join(6, theyJoin)
			call.agree()
			require.Equal(t, 1, tampered)
			require.Greater(t, call.delivery.Epoch(), epoch+1, "removed and added again")
		})
	}
}

// Both kinds show their users the same codes.
func daveyVerification(t *testing.T, p *daveyProcess) {
	c := newCall(t, p, 7)
	c.joinAll("ott")
	c.agree()
	we := c.member(1).peer.(ours)
	seen := c.davey.must(daveyOrder{Order: "verify", User: 2, From: 1})
	f, err := we.Fingerprint(2)
	require.NoError(t, err)
	require.Equal(t, seen.Data, f[:])
	require.Equal(t, seen.Code, f.Code())
	seen = c.davey.must(daveyOrder{Order: "verify", User: 2, From: 3})
	f, err = dave.PairwiseFingerprint(2, we.IdentityKey(2), 3, we.IdentityKey(3))
	require.NoError(t, err)
	require.Equal(t, seen.Data, f[:], "also those of others")
}
