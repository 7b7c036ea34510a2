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

// A lateVoice says later where voice connections go.
type lateVoice struct {
	joins []world.VoiceJoin
	left  []snowflake.ID
}

func (v *lateVoice) Join(j world.VoiceJoin) world.VoiceServer {
	v.joins = append(v.joins, j)
	return world.VoiceServer{Later: true}
}

func (v *lateVoice) Leave(_, user snowflake.ID) { v.left = append(v.left, user) }

// A voiceStage is a world with two bots.
type voiceStage struct {
	t       *testing.T
	w       *world.World
	g       *world.Guild
	backend *lateVoice
}

func newVoiceStage(t *testing.T) *voiceStage {
	backend := &lateVoice{}
	w := open(t, world.WithGuilds(2, 5), world.WithToken("one", "two"), world.WithVoice(backend),
		world.WithIdentifyInterval(0), world.WithSessionLife(time.Minute))
	return &voiceStage{t, w, w.Guilds()[0], backend}
}

func (s *voiceStage) connect(token string, intents int) *world.Conn {
	c := s.w.Accept(epoch, world.Params{Version: "10", Encoding: "json"})
	c.Receive(epoch, fmt.Appendf(nil, `{"op":2,"d":{"token":%q,"properties":{},"intents":%d}}`, token, intents), false)
	read(c)
	return c
}

func (s *voiceStage) join(c *world.Conn, channel snowflake.ID) {
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
	s := newVoiceStage(t)
	c := s.connect("one", 0)
	s.join(c, s.g.VoiceChannel(0))
	names, _ := read(c)
	require.Equal(t, []string{"VOICE_STATE_UPDATE"}, names)
	require.Equal(t, s.backend.joins, s.w.Voice())
	require.True(t, s.w.Voice()[0].Deaf)
	j := s.backend.joins[0]
	require.True(t, s.w.AnswerVoice(epoch, j, world.VoiceServer{Endpoint: "voice:1", Token: "t"}))
	_, last := read(c)
	require.Contains(t, last, fmt.Sprintf(`{"token":"t","guild_id":"%d","endpoint":"voice:1"}`, s.g.ID))
	s.join(c, s.g.VoiceChannel(1))
	require.False(t, s.w.AnswerVoice(epoch, j, world.VoiceServer{}), "it moved on")
	require.True(t, s.w.AnswerVoice(epoch, s.backend.joins[1], world.VoiceServer{}))
	_, last = read(c)
	require.Contains(t, last, `"endpoint":null`)
}

// A bot hears of itself on all of its sessions, of others if it asks for it.
func TestVoiceStateReceivers(t *testing.T) {
	s := newVoiceStage(t)
	one, again := s.connect("one", 0), s.connect("one", 0)
	two, deaf := s.connect("two", voiceStates), s.connect("two", 0)
	s.join(one, s.g.VoiceChannel(0))
	for c, want := range map[*world.Conn]int{one: 1, again: 1, two: 1, deaf: 0} {
		names, _ := read(c)
		require.Len(t, names, want)
	}
}

func TestModerators(t *testing.T) {
	s := newVoiceStage(t)
	require.ErrorIs(t, s.w.MoveMember(epoch, s.g.ID, world.Bot, 0), world.ErrNotInVoice)
	require.ErrorIs(t, s.w.MuteMember(epoch, s.g.ID, world.Bot, true, true), world.ErrNotInVoice)
	c := s.connect("one", 0)
	s.join(c, s.g.VoiceChannel(0))
	require.ErrorIs(t, s.w.MoveMember(epoch, s.g.ID, world.Bot, s.g.TextChannel(0)), world.ErrNoVoiceChannel)
	require.NoError(t, s.w.MuteMember(epoch, s.g.ID, world.Bot, true, false))
	_, last := read(c)
	require.Contains(t, last, `"deaf":false,"mute":true,"self_deaf":true,"self_mute":false`)
	require.True(t, s.backend.joins[1].Mute)
	require.NoError(t, s.w.MoveMember(epoch, s.g.ID, world.Bot, s.g.VoiceChannel(1)))
	s.join(c, s.g.VoiceChannel(1))
	require.True(t, s.backend.joins[3].Mute, "the bot cannot change that")
	require.NoError(t, s.w.MoveMember(epoch, s.g.ID, world.Bot, 0))
	_, last = read(c)
	require.Contains(t, last, `"channel_id":null`)
	require.Empty(t, s.w.Voice())
	require.Equal(t, []snowflake.ID{world.Bot}, s.backend.left)
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
			s := newVoiceStage(t)
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
			require.Contains(t, s.backend.left, world.Bot)
		})
	}
	s := newVoiceStage(t)
	first, second := s.connect("one", 0), s.connect("one", 0)
	s.join(first, s.g.VoiceChannel(0))
	s.join(second, s.g.VoiceChannel(0))
	first.Lost(epoch, closecode.Normal)
	require.Len(t, s.w.Voice(), 1)
	require.NotEqual(t, s.backend.joins[0].SessionID, s.backend.joins[1].SessionID)
}
