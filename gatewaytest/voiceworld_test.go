package gatewaytest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/stretchr/testify/require"
)

// A lateVoice says later where voice connections go.
type lateVoice struct {
	joins []gatewaytest.VoiceJoin
	left  []snowflake.ID
}

func (v *lateVoice) Join(j gatewaytest.VoiceJoin) gatewaytest.VoiceServer {
	v.joins = append(v.joins, j)
	return gatewaytest.VoiceServer{Later: true}
}

func (v *lateVoice) Leave(_, user snowflake.ID) { v.left = append(v.left, user) }

// A voiceStage is a world with two bots.
type voiceStage struct {
	t       *testing.T
	w       *gatewaytest.World
	g       *gatewaytest.Guild
	backend *lateVoice
}

func newVoiceStage(t *testing.T) *voiceStage {
	backend := &lateVoice{}
	w := gatewaytest.NewWorld(gatewaytest.WithGuilds(2, 5), gatewaytest.WithToken("one", "two"), gatewaytest.WithVoice(backend),
		gatewaytest.WithIdentifyInterval(0), gatewaytest.WithSessionLife(time.Minute))
	return &voiceStage{t, w, w.Guilds()[0], backend}
}

func (s *voiceStage) connect(token string, intents int) *gatewaytest.Conn {
	c := s.w.Accept(epoch, gatewaytest.Params{Version: "10", Encoding: "json"})
	c.Receive(epoch, fmt.Appendf(nil, `{"op":2,"d":{"token":%q,"properties":{},"intents":%d}}`, token, intents), false)
	read(c)
	return c
}

func (s *voiceStage) join(c *gatewaytest.Conn, channel snowflake.ID) {
	c.Receive(epoch, fmt.Appendf(nil, `{"op":4,"d":{"guild_id":"%d","channel_id":"%d","self_mute":false,"self_deaf":true}}`, s.g.ID, channel), false)
}

// read returns the names of the events that came, and what they said.
func read(c *gatewaytest.Conn) (names []string, last string) {
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
	require.True(t, s.w.AnswerVoice(epoch, j, gatewaytest.VoiceServer{Endpoint: "voice:1", Token: "t"}))
	_, last := read(c)
	require.Contains(t, last, fmt.Sprintf(`{"token":"t","guild_id":"%d","endpoint":"voice:1"}`, s.g.ID))
	s.join(c, s.g.VoiceChannel(1))
	require.False(t, s.w.AnswerVoice(epoch, j, gatewaytest.VoiceServer{}), "it moved on")
	require.True(t, s.w.AnswerVoice(epoch, s.backend.joins[1], gatewaytest.VoiceServer{}))
	_, last = read(c)
	require.Contains(t, last, `"endpoint":null`)
}

// A bot hears of itself on all of its sessions, of others if it asks for it.
func TestVoiceStateReceivers(t *testing.T) {
	s := newVoiceStage(t)
	one, again := s.connect("one", 0), s.connect("one", 0)
	two, deaf := s.connect("two", voiceStates), s.connect("two", 0)
	s.join(one, s.g.VoiceChannel(0))
	for c, want := range map[*gatewaytest.Conn]int{one: 1, again: 1, two: 1, deaf: 0} {
		names, _ := read(c)
		require.Len(t, names, want)
	}
}

func TestModerators(t *testing.T) {
	s := newVoiceStage(t)
	require.ErrorIs(t, s.w.MoveMember(epoch, s.g.ID, gatewaytest.Bot, 0), gatewaytest.ErrNotInVoice)
	require.ErrorIs(t, s.w.MuteMember(epoch, s.g.ID, gatewaytest.Bot, true, true), gatewaytest.ErrNotInVoice)
	c := s.connect("one", 0)
	s.join(c, s.g.VoiceChannel(0))
	require.ErrorIs(t, s.w.MoveMember(epoch, s.g.ID, gatewaytest.Bot, s.g.TextChannel(0)), gatewaytest.ErrNoVoiceChannel)
	require.NoError(t, s.w.MuteMember(epoch, s.g.ID, gatewaytest.Bot, true, false))
	_, last := read(c)
	require.Contains(t, last, `"deaf":false,"mute":true,"self_deaf":true,"self_mute":false`)
	require.True(t, s.backend.joins[1].Mute)
	require.NoError(t, s.w.MoveMember(epoch, s.g.ID, gatewaytest.Bot, s.g.VoiceChannel(1)))
	s.join(c, s.g.VoiceChannel(1))
	require.True(t, s.backend.joins[3].Mute, "the bot cannot change that")
	require.NoError(t, s.w.MoveMember(epoch, s.g.ID, gatewaytest.Bot, 0))
	_, last = read(c)
	require.Contains(t, last, `"channel_id":null`)
	require.Empty(t, s.w.Voice())
	require.Equal(t, []snowflake.ID{gatewaytest.Bot}, s.backend.left)
}

// With its session a bot loses its place in voice, as far as it was that
// session that took it there.
func TestVoiceEndsWithSession(t *testing.T) {
	for name, end := range map[string]func(w *gatewaytest.World, c *gatewaytest.Conn){
		"closed by the client": func(_ *gatewaytest.World, c *gatewaytest.Conn) { c.Lost(epoch, closecode.Normal) },
		"expired": func(w *gatewaytest.World, c *gatewaytest.Conn) {
			c.Lost(epoch, closecode.Abnormal)
			w.Accept(epoch.Add(time.Hour), gatewaytest.Params{Version: "10", Encoding: "json"})
		},
		"timed out": func(_ *gatewaytest.World, c *gatewaytest.Conn) { c.HandleTimeout(epoch.Add(time.Hour)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newVoiceStage(t)
			one, two := s.connect("one", 0), s.connect("two", voiceStates)
			s.join(one, s.g.VoiceChannel(0))
			s.join(two, s.g.VoiceChannel(0))
			read(two)
			end(s.w, one)
			if name == "timed out" { // 4009 lets clients resume
				s.w.Accept(epoch.Add(2*time.Hour), gatewaytest.Params{Version: "10", Encoding: "json"})
			}
			_, last := read(two)
			require.Contains(t, last, `"channel_id":null,"user_id":"`+gatewaytest.Bot.String())
			require.Contains(t, s.backend.left, gatewaytest.Bot)
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
