package world_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/gatewaytest/world"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/stretchr/testify/require"
)

// asked are the requests of a world to the voice servers.
type asked struct {
	joins []world.VoiceJoin // or changes
	left  []snowflake.ID
}

func (a *asked) take(w *world.World) *asked {
	for r, ok := w.NextVoiceRequest(); ok; r, ok = w.NextVoiceRequest() {
		if r.Kind == world.VoiceLeft {
			a.left = append(a.left, r.User)
		} else {
			a.joins = append(a.joins, r.VoiceJoin)
		}
	}
	return a
}

// A voiceHarness is a world with two bots.
type voiceHarness struct {
	t *testing.T
	w *world.World
	g *world.Guild
	asked
}

func newVoiceHarness(t *testing.T) *voiceHarness {
	w := open(t, world.WithGuilds(2, 5), world.WithToken("one", "two"), world.WithVoiceRequests(),
		world.WithIdentifyInterval(0), world.WithSessionLife(time.Minute))
	return &voiceHarness{t: t, w: w, g: w.Guilds()[0]}
}

func (s *voiceHarness) connect(token string, intents int) *world.Conn {
	c := s.w.Accept(epoch, world.Params{Version: "10", Encoding: "json"})
	c.Receive(epoch, fmt.Appendf(nil, `{"op":2,"d":{"token":%q,"properties":{},"intents":%d}}`, token, intents), false)
	read(c)
	return c
}

func (s *voiceHarness) join(c *world.Conn, channel snowflake.ID) {
	c.Receive(epoch, fmt.Appendf(nil, `{"op":4,"d":{"guild_id":"%d","channel_id":"%d","self_mute":false,"self_deaf":true}}`, s.g.ID, channel), false)
}

// read returns the names of the events that came, and what they said.
func read(c *world.Conn) (names []string, last string) {
	for f, ok := c.Next(); ok; f, ok = c.Next() {
		_, rest, _ := strings.Cut(string(f.Data), `"t":"`)
		name, _, _ := strings.Cut(rest, `"`)
		names, last = append(names, name), string(f.Data)
	}
	return names, last
}

const voiceStates = 1 << 7

func TestVoiceAnswersLater(t *testing.T) {
	s := newVoiceHarness(t)
	c := s.connect("one", 0)
	s.join(c, s.g.VoiceChannel(0))
	names, _ := read(c)
	require.Equal(t, []string{"VOICE_STATE_UPDATE"}, names)
	require.Equal(t, s.take(s.w).joins, s.w.Voice())
	require.True(t, s.w.Voice()[0].Deaf)
	j := s.take(s.w).joins[0]
	require.True(t, s.w.AnswerVoice(epoch, j, world.VoiceServer{Endpoint: "voice:1", Token: "t"}))
	_, last := read(c)
	require.Contains(t, last, fmt.Sprintf(`{"token":"t","guild_id":"%d","endpoint":"voice:1"}`, s.g.ID))
	s.join(c, s.g.VoiceChannel(1))
	require.False(t, s.w.AnswerVoice(epoch, j, world.VoiceServer{}), "it moved on")
	require.True(t, s.w.AnswerVoice(epoch, s.take(s.w).joins[1], world.VoiceServer{}))
	_, last = read(c)
	require.Contains(t, last, `"endpoint":null`)
}

// A bot hears of itself on all of its sessions, of others if it asks for it.
func TestVoiceStateReceivers(t *testing.T) {
	s := newVoiceHarness(t)
	one, again := s.connect("one", 0), s.connect("one", 0)
	two, deaf := s.connect("two", voiceStates), s.connect("two", 0)
	s.join(one, s.g.VoiceChannel(0))
	for c, want := range map[*world.Conn]int{one: 1, again: 1, two: 1, deaf: 0} {
		names, _ := read(c)
		require.Len(t, names, want)
	}
}

func TestModerators(t *testing.T) {
	s := newVoiceHarness(t)
	require.ErrorIs(t, s.w.MoveMember(epoch, s.g.ID, world.Bot, 0), world.ErrNotInVoice)
	require.ErrorIs(t, s.w.MuteMember(epoch, s.g.ID, world.Bot, true, true), world.ErrNotInVoice)
	c := s.connect("one", 0)
	s.join(c, s.g.VoiceChannel(0))
	require.ErrorIs(t, s.w.MoveMember(epoch, s.g.ID, world.Bot, s.g.TextChannel(0)), world.ErrNoVoiceChannel)
	require.NoError(t, s.w.MuteMember(epoch, s.g.ID, world.Bot, true, false))
	_, last := read(c)
	require.Contains(t, last, `"deaf":false,"mute":true,"self_deaf":true,"self_mute":false`)
	require.True(t, s.take(s.w).joins[1].Mute)
	require.NoError(t, s.w.MoveMember(epoch, s.g.ID, world.Bot, s.g.VoiceChannel(1)))
	s.join(c, s.g.VoiceChannel(1))
	require.True(t, s.take(s.w).joins[3].Mute, "the bot cannot change that")
	require.NoError(t, s.w.MoveMember(epoch, s.g.ID, world.Bot, 0))
	_, last = read(c)
	require.Contains(t, last, `"channel_id":null`)
	require.Empty(t, s.w.Voice())
	require.Equal(t, []snowflake.ID{world.Bot}, s.take(s.w).left)
}

// With its session a bot loses its place in voice, as far as it was that
// session that took it there.
func TestVoiceEndsWithSession(t *testing.T) {
	for name, end := range map[string]func(w *world.World, c *world.Conn){
		"closed by the client": func(_ *world.World, c *world.Conn) { c.Lost(epoch, closecode.Normal) },
		"expired": func(w *world.World, c *world.Conn) {
			c.Lost(epoch, closecode.Abnormal)
			w.Accept(epoch.Add(time.Hour), world.Params{Version: "10", Encoding: "json"})
		},
		"timed out": func(_ *world.World, c *world.Conn) { c.HandleTimeout(epoch.Add(time.Hour)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newVoiceHarness(t)
			one, two := s.connect("one", 0), s.connect("two", voiceStates)
			s.join(one, s.g.VoiceChannel(0))
			s.join(two, s.g.VoiceChannel(0))
			read(two)
			end(s.w, one)
			if name == "timed out" { // 4009 lets clients resume
				s.w.Accept(epoch.Add(2*time.Hour), world.Params{Version: "10", Encoding: "json"})
			}
			_, last := read(two)
			require.Contains(t, last, `"channel_id":null,"user_id":"`+world.Bot.String())
			require.Contains(t, s.take(s.w).left, world.Bot)
		})
	}
	s := newVoiceHarness(t)
	first, second := s.connect("one", 0), s.connect("one", 0)
	s.join(first, s.g.VoiceChannel(0))
	s.join(second, s.g.VoiceChannel(0))
	first.Lost(epoch, closecode.Normal)
	require.Len(t, s.w.Voice(), 1)
	require.NotEqual(t, s.take(s.w).joins[0].SessionID, s.take(s.w).joins[1].SessionID)
}

// A change of mute and deaf is told apart from a question for a voice server.
func TestVoiceRequests(t *testing.T) {
	s := newVoiceHarness(t)
	c := s.connect("one", 0)
	var kinds []world.VoiceRequestKind
	for _, deaf := range []bool{true, false, false} {
		c.Receive(epoch, fmt.Appendf(nil, `{"op":4,"d":{"guild_id":"%d","channel_id":"%d","self_mute":false,"self_deaf":%t}}`, s.g.ID, s.g.VoiceChannel(0), deaf), false)
		r, ok := s.w.NextVoiceRequest()
		require.True(t, ok)
		kinds = append(kinds, r.Kind)
	}
	require.Equal(t, []world.VoiceRequestKind{world.VoiceAsked, world.VoiceChanged, world.VoiceAsked}, kinds)
	_, ok := s.w.NextVoiceRequest()
	require.False(t, ok)
}

// Without an owner that answers, all voice connections go to one place.
func TestVoiceAnswersItself(t *testing.T) {
	w := open(t, world.WithGuilds(1, 5), world.WithVoiceServer(world.VoiceServer{Endpoint: "voice:1", Token: "t"}))
	s := &voiceHarness{t: t, w: w, g: w.Guilds()[0]}
	c := s.connect("one", 0)
	s.join(c, s.g.VoiceChannel(0))
	_, last := read(c)
	require.Contains(t, last, `"token":"t"`)
	_, ok := w.NextVoiceRequest()
	require.False(t, ok)
}
