package gatewaytest_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/internal/frame"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver"
	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"
)

// login connects the bot with a token and returns it with its user id.
func login(t *testing.T, srv *gatewaytest.Server, token string) (*client, snowflake.ID) {
	t.Helper()
	state, err := gateway.NewGatewayState(token, gateway.WithURL(srv.DialURL), gateway.WithIntents(intent.Guilds|intent.GuildVoiceStates))
	require.NoError(t, err)
	c := dial(t, state.DialURL(), srv.TLSClientConfig())
	c.state = state
	var ready struct {
		User struct{ ID snowflake.ID }
	}
	require.NoError(t, json.Unmarshal(c.until(event.Ready).Data, &ready))
	return c, ready.User.ID
}

func (c *client) join(g *gatewaytest.Guild, channel snowflake.ID) {
	id := "null"
	if channel != 0 {
		id = fmt.Sprintf(`"%d"`, channel)
	}
	require.NoError(c.t, c.state.Write(frameWriter{c, ws.OpText}, command.UpdateVoiceState,
		fmt.Appendf(nil, `{"guild_id":"%d","channel_id":%s,"self_mute":false,"self_deaf":false}`, g.ID, id)))
}

// A place is what the events about voice say.
type place struct {
	Channel  snowflake.ID `json:"channel_id"`
	User     snowflake.ID `json:"user_id"`
	Session  string       `json:"session_id"`
	Endpoint *string      `json:"endpoint"`
	Token    string       `json:"token"`
	Mute     bool         `json:"mute"`
}

func (c *client) voice(name event.Type) (p place) {
	c.t.Helper()
	require.NoError(c.t, json.Unmarshal(c.until(name).Data, &p))
	return p
}

// identified connects to a voice server and returns its first two messages or
// the close code.
func identified(t *testing.T, srv *gatewaytest.Server, g *gatewaytest.Guild, state, server place) (op string) {
	t.Helper()
	c := dial(t, "wss://"+*server.Endpoint+"/?v=8", srv.TLSClientConfig())
	r := frame.NewReader(c.in, ws.StateClientSide, 1<<16, nil)
	_, _, err := r.Next()
	require.NoError(t, err, "hello")
	c.write(fmt.Sprintf(`{"op":0,"d":{"server_id":"%d","user_id":"%d","session_id":%q,"token":%q}}`, g.ID, state.User, state.Session, server.Token))
	kind, payload, err := r.Next()
	require.NoError(t, err)
	if kind == ws.OpClose {
		code, _ := frame.ParseClose(payload)
		return fmt.Sprint(code)
	}
	return string(payload[:7])
}

func TestTwoBotsInVoice(t *testing.T) {
	srv := gatewaytest.NewServer(gatewaytest.WithGuilds(1, 5), gatewaytest.WithToken("one", "two"), gatewaytest.WithIdentifyInterval(0), gatewaytest.WithVoiceServer())
	defer srv.Close()
	g := srv.Guilds()[0]
	one, oneID := login(t, srv, "one")
	two, twoID := login(t, srv, "two")
	require.Equal(t, []snowflake.ID{gatewaytest.Bot, gatewaytest.BotID(1)}, []snowflake.ID{oneID, twoID})
	require.Equal(t, twoID, g.Member(1))

	one.join(g, g.VoiceChannel(0))
	state, server := one.voice(event.VoiceStateUpdate), one.voice(event.VoiceServerUpdate)
	require.Equal(t, srv.Voice().Endpoint(), *server.Endpoint)
	require.Equal(t, oneID, two.voice(event.VoiceStateUpdate).User, "the other bot sees it come")
	require.Equal(t, `{"op":2`, identified(t, srv, g, state, server))
	require.Equal(t, "4006", identified(t, srv, g, place{User: oneID, Session: "another"}, server))
	require.Equal(t, "4004", identified(t, srv, g, place{User: twoID, Session: state.Session}, server))

	two.join(g, g.VoiceChannel(0))
	require.Equal(t, twoID, one.voice(event.VoiceStateUpdate).User)
	require.Len(t, srv.Voice().Members(g.VoiceChannel(0)), 2)
	require.Len(t, srv.InVoice(), 2)

	late, _ := login(t, srv, "one")
	require.Contains(t, string(late.until(event.GuildCreate).Data), `"voice_states":[{"channel_id":"`+g.VoiceChannel(0).String()+`"`)

	require.NoError(t, srv.MoveMember(g.ID, twoID, g.VoiceChannel(1)))
	require.Equal(t, g.VoiceChannel(1), one.voice(event.VoiceStateUpdate).Channel)
	require.NoError(t, srv.MuteMember(g.ID, twoID, true, false))
	require.True(t, one.voice(event.VoiceStateUpdate).Mute)
	two.join(g, 0)
	require.Zero(t, one.voice(event.VoiceStateUpdate).Channel)
	require.Empty(t, srv.Voice().Members(g.VoiceChannel(1)))
}

func TestVoiceServerMoves(t *testing.T) {
	srv := gatewaytest.NewServer(gatewaytest.WithGuilds(1, 5), gatewaytest.WithVoiceServer(voiceserver.WithPorts(2)))
	defer srv.Close()
	g := srv.Guilds()[0]
	c, _ := login(t, srv, "token")
	c.join(g, g.VoiceChannel(0))
	state, first := c.voice(event.VoiceStateUpdate), c.voice(event.VoiceServerUpdate)
	require.NoError(t, srv.MoveVoice())
	second := c.voice(event.VoiceServerUpdate)
	require.NotEqual(t, *first.Endpoint, *second.Endpoint)
	require.Equal(t, "4004", identified(t, srv, g, state, first), "the old token is gone")
	require.Equal(t, `{"op":2`, identified(t, srv, g, state, second))
	require.NoError(t, srv.StopVoice())
	require.Nil(t, c.voice(event.VoiceServerUpdate).Endpoint)
	require.Nil(t, srv.Voice())
	require.NoError(t, srv.MoveVoice())
	require.Equal(t, `{"op":2`, identified(t, srv, g, state, c.voice(event.VoiceServerUpdate)))
}

func TestVoiceControl(t *testing.T) {
	srv := gatewaytest.NewServer(gatewaytest.WithGuilds(1, 5), gatewaytest.WithVoiceServer())
	defer srv.Close()
	g := srv.Guilds()[0]
	c, id := login(t, srv, "token")
	c.join(g, g.VoiceChannel(0))
	c.voice(event.VoiceServerUpdate)
	handler := srv.ControlHandler()
	do := func(method, body string) (int, string) {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(method, "/voice", strings.NewReader(body)))
		return w.Code, w.Body.String()
	}
	who := fmt.Sprintf(`"guild_id":"%d","user_id":"%d"`, g.ID, id)
	for _, body := range []string{
		`{` + who + `,"mute":true}`, `{` + who + `,"deaf":true}`, `{` + who + fmt.Sprintf(`,"channel_id":"%d"}`, g.VoiceChannel(1)),
		`{"server":"move"}`, `{"close":4006}`, `{"cut":true}`, `{"stall":"1s","user_id":"7"}`, `{"network":{"loss":0.5},"user_id":"7"}`, `{"network":{}}`,
		`{"server":"stop"}`,
	} {
		status, answer := do("POST", body)
		require.Equal(t, 200, status, "%s: %s", body, answer)
	}
	_, answer := do("GET", "")
	require.Contains(t, answer, g.VoiceChannel(1).String())
	for _, body := range []string{
		`{"server":"burn"}`, `{` + who + `,"channel_id":"7"}`, `{"close":4006}`, `{}`, `{"nothing":1}`,
	} {
		status, answer := do("POST", body)
		require.Equal(t, 400, status, "%s: %s", body, answer)
	}
	require.NoError(t, srv.MoveVoice())
	for _, body := range []string{`{}`, `{"close":1005000}`, `{"close":1006}`, `{"stall":"long"}`} {
		status, answer := do("POST", body)
		require.Equal(t, 400, status, "%s: %s", body, answer)
	}
}

func TestNoVoiceServer(t *testing.T) {
	srv := gatewaytest.NewServer()
	defer srv.Close()
	require.Nil(t, srv.Voice())
	require.Error(t, srv.MoveVoice())
	require.Error(t, srv.StopVoice())
	require.False(t, srv.AnswerVoice(gatewaytest.VoiceJoin{}, gatewaytest.VoiceServer{}))
	require.ErrorIs(t, srv.MoveMember(1, 2, 3), gatewaytest.ErrNotInVoice)
}

// A channel that is full has no server for those who come late.
func TestVoiceChannelIsFull(t *testing.T) {
	srv := gatewaytest.NewServer(gatewaytest.WithGuilds(1, 5), gatewaytest.WithToken("one", "two"), gatewaytest.WithVoiceServer(voiceserver.WithChannelSize(1)))
	defer srv.Close()
	g := srv.Guilds()[0]
	for _, token := range []string{"one", "two"} {
		c, _ := login(t, srv, token)
		c.join(g, g.VoiceChannel(0))
		require.Equal(t, token == "two", c.voice(event.VoiceServerUpdate).Endpoint == nil)
	}
	require.Len(t, srv.Voice().Members(g.VoiceChannel(0)), 1)
	require.Len(t, srv.InVoice(), 2)
}
