package voiceshard

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/snowflake"
)

// What the main gateway says, in every order that matters, and when it is
// enough to connect.
func TestIntroduction(t *testing.T) {
	state := func(channel snowflake.ID, session string) func(i *introduction, now time.Time) {
		return func(i *introduction, now time.Time) {
			i.handleState(now, voiceState{ChannelID: channel, SessionID: session})
		}
	}
	server := func(endpoint, token string) func(i *introduction, now time.Time) {
		return func(i *introduction, now time.Time) {
			i.handleServer(now, voiceServer{Endpoint: endpoint, Token: token}, i.used.token != "")
		}
	}
	ask := func(leave bool) func(i *introduction, _ time.Time) {
		return func(i *introduction, now time.Time) { i.ask(now, leave) }
	}
	take := func(i *introduction, _ time.Time) { i.take() }
	dismiss := func(i *introduction, _ time.Time) { i.dismiss(i.asks) }
	type steps []func(i *introduction, now time.Time)
	joined := steps{ask(false), state(1, "s"), server("e", "t"), take}
	for _, c := range []struct {
		name  string
		steps steps
		ready bool
		lone  bool // ready after a moment
	}{
		{"nothing", steps{ask(false)}, false, false},
		{"state", steps{ask(false), state(1, "s")}, false, false},
		{"server", steps{ask(false), server("e", "t")}, false, false},
		{"both", steps{ask(false), state(1, "s"), server("e", "t")}, true, false},
		{"both, other order", steps{ask(false), server("e", "t"), state(1, "s")}, true, false},
		{"no endpoint", steps{ask(false), server("", "t"), state(1, "s")}, false, false},
		{"endpoint later", steps{ask(false), server("", "t"), state(1, "s"), server("e", "t")}, true, false},
		{"used", joined, false, false},
		{"used, the same again", append(joined, state(1, "s"), server("e", "t")), false, false},
		{"server change", append(joined, server("f", "u")), false, true},
		{"server change, muted before", append(joined, state(1, "s"), server("f", "u")), false, true},
		{"move", append(joined, state(2, "s"), server("f", "u")), true, false},
		{"move, other order", append(joined, server("f", "u"), state(2, "s")), true, false},
		{"moved only", append(joined, state(2, "s")), false, false},
		{"asked again, old server", append(joined, ask(false), server("e", "t")), false, false},
		{"asked again, same words", append(joined, ask(false), server("e", "t"), state(1, "s")), true, false},
		{"left and joined", append(joined, ask(true), state(0, "s"), state(1, "u"), server("e", "u")), true, false},
		{"left and joined, old state between", append(joined, ask(true), state(1, "s"), state(0, "s"), server("e", "u")), false, false},
		{"unanswered, then server change", append(joined, ask(false), dismiss, server("f", "u")), false, true},
		{"kicked", append(joined, state(0, "s"), server("f", "u")), false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var i introduction
			now := time.Unix(1, 0)
			for _, step := range c.steps {
				step(&i, now)
			}
			ok, at := i.ready(now)
			require.Equal(t, c.ready, ok)
			require.Equal(t, c.lone, !at.IsZero())
			if c.lone {
				require.Equal(t, now.Add(settle), at)
				ok, _ = i.ready(at)
				require.True(t, ok)
			}
		})
	}
}

func TestIntroductionOfAKick(t *testing.T) {
	var i introduction
	now := time.Unix(1, 0)
	out, in := voiceState{}, voiceState{ChannelID: 1, SessionID: "s"}
	i.ask(now, false)
	require.False(t, i.handleState(now, out), "the answer to an earlier leave")
	i.handleState(now, in)
	require.True(t, i.handleState(now, out))
	i.ask(now, true)
	i.handleState(now, in)
	require.False(t, i.handleState(now, out), "we leave by ourselves")
	i.handleState(now, in)
	require.True(t, i.handleState(now, out))
	i.ask(now, true)
	i.handleState(now, in)
	i.handleServer(now, voiceServer{Token: "t", Endpoint: "e"}, false)
	i.take()
	require.False(t, i.handleState(now, out), "the answer is late, the bot was moved meanwhile")
	i.ask(now, true)
	i.handleState(now, in)
	require.True(t, i.handleState(now.Add(leaveTime), out), "leaving was not answered")
}
