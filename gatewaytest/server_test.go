package gatewaytest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/voiceserver"
	"github.com/stretchr/testify/require"
)

func TestHandshakeAndResume(t *testing.T) {
	srv := gatewaytest.NewServer(gatewaytest.WithGuilds(2, 10))
	defer srv.Close()
	ctx := testContext(t)

	c := connect(t, srv, gateway.WithIntents(intent.Guilds|intent.GuildMessages|intent.MessageContent))
	ready := c.until(event.Ready)
	require.Equal(t, int64(1), ready.Seq)
	require.Contains(t, string(ready.Data), srv.GatewayURL, "resume url")
	require.Contains(t, string(c.until(event.GuildCreate).Data), `"colors":{"primary_color":0,`, "clients read the colors of roles without looking")
	c.until(event.GuildCreate)
	sessions, err := srv.WaitSessions(ctx, 1)
	require.NoError(t, err)
	require.Equal(t, c.state.SessionID(), sessions[0].ID)

	n, err := srv.Dispatch(event.MessageCreate, map[string]any{"guild_id": srv.Guilds()[0].ID, "content": "hi"})
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Contains(t, string(c.until(event.MessageCreate).Data), `"hi"`)

	require.NoError(t, srv.Inject(gatewaytest.Fault{Kind: gatewaytest.Cut}))
	require.Error(t, c.end())
	require.NoError(t, srv.Wait(ctx, func(s gatewaytest.Stats) bool { return s.Open == 0 }))
	n, err = srv.Dispatch(event.MessageCreate, map[string]any{"guild_id": srv.Guilds()[0].ID, "content": "missed"})
	require.NoError(t, err)
	require.Equal(t, 1, n, "a session without connection counts")

	session, ok := c.state.Session()
	require.True(t, ok)
	c = connect(t, srv, gateway.WithSession(session))
	require.Contains(t, string(c.until(event.MessageCreate).Data), `"missed"`)
	c.until(event.Resumed)
	require.Equal(t, 1, srv.Stats().Resumes)
	require.Empty(t, srv.Violations())
	require.Len(t, srv.Commands(), 2)
}

func TestCloseCodeReachesTheClient(t *testing.T) {
	srv := gatewaytest.NewServer(gatewaytest.WithToken("other"))
	defer srv.Close()
	var discord *gateway.DiscordError
	require.ErrorAs(t, connect(t, srv).end(), &discord)
	require.Equal(t, closecode.AuthenticationFailed, discord.CloseCode)
	require.NoError(t, srv.Wait(testContext(t), func(s gatewaytest.Stats) bool { return s.Open == 0 }))
}

func TestTLS(t *testing.T) {
	srv := gatewaytest.NewServer(gatewaytest.WithTLS())
	defer srv.Close()
	connect(t, srv).until(event.Ready)
	require.NotNil(t, srv.Certificate())
	http1 := &http.Client{Transport: &http.Transport{TLSClientConfig: srv.TLSClientConfig(), DisableKeepAlives: true}}
	res, err := http1.Get(srv.URL + "/api/v10/gateway")
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
}

func TestREST(t *testing.T) {
	srv := gatewaytest.NewServer(gatewaytest.WithToken("secret"), gatewaytest.WithShards(2), gatewaytest.WithMaxConcurrency(16))
	defer srv.Close()
	do := func(method, path, token, body string) (int, map[string]any) {
		req, err := http.NewRequest(method, srv.URL+path, nil)
		require.NoError(t, err)
		if body != "" {
			req.Body = io.NopCloser(strings.NewReader(body))
		}
		req.Header.Set("Authorization", token)
		req.Close = true
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		require.NotEmpty(t, res.Header.Get("X-RateLimit-Remaining"))
		raw, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		var v any
		if len(raw) > 0 {
			require.NoError(t, json.Unmarshal(raw, &v), "%s", raw)
		}
		object, _ := v.(map[string]any)
		return res.StatusCode, object
	}
	for _, prefix := range []string{"/api/v10", "/api/v9", "/api"} {
		status, body := do("GET", prefix+"/gateway", "", "")
		require.Equal(t, 200, status)
		require.Equal(t, srv.GatewayURL, body["url"])
		for _, path := range []string{"/gateway/bot", "/users/@me", "/users/@me/guilds", "/oauth2/applications/@me", "/applications/@me"} {
			status, body = do("GET", prefix+path, "Bot wrong", "")
			require.Equal(t, 401, status, path)
			require.Equal(t, "401: Unauthorized", body["message"])
			status, _ = do("GET", prefix+path, "Bot secret", "")
			require.Equal(t, 200, status, path)
		}
	}
	_, body := do("GET", "/api/v10/gateway/bot", "Bot secret", "")
	require.EqualValues(t, 2, body["shards"])
	require.EqualValues(t, 16, body["session_start_limit"].(map[string]any)["max_concurrency"])

	g := srv.Guilds()[0]
	status, body := do("POST", "/api/v10/channels/"+g.TextChannel(0).String()+"/messages", "Bot secret", `{"content":"pong"}`)
	require.Equal(t, 200, status)
	require.Equal(t, "pong", body["content"])
	status, _ = do("GET", "/api/v10/guilds/"+g.ID.String()+"/channels", "Bot secret", "")
	require.Equal(t, 200, status)
	status, body = do("GET", "/api/v10/guilds/"+g.ID.String(), "Bot secret", "")
	require.Equal(t, 200, status)
	require.Equal(t, g.Name, body["name"])
	for _, path := range []string{"/guilds/1", "/guilds/x/channels", "/guilds/" + g.TextChannel(1).String()} {
		status, _ = do("GET", "/api/v10"+path, "Bot secret", "")
		require.Equal(t, 404, status, path)
	}
	status, _ = do("POST", "/api/v10/channels/"+g.TextChannel(0).String()+"/messages", "Bot secret", "x")
	require.Equal(t, 400, status)
	status, _ = do("POST", "/api/v10/channels/1/messages", "Bot secret", "{}")
	require.Equal(t, 404, status)
	status, _ = do("POST", "/api/v10/channels/1/typing", "Bot secret", "")
	require.Equal(t, 204, status)
	status, _ = do("GET", "/api/v10/nothing", "Bot secret", "")
	require.Equal(t, 404, status)
}

func TestGenerate(t *testing.T) {
	srv := gatewaytest.NewServer()
	defer srv.Close()
	c := connect(t, srv, gateway.WithIntents(intent.All))
	c.until(event.Ready)
	stop := srv.Generate(1000)
	c.until(event.TypingStart)
	stop()
	stop()
	require.NotEmpty(t, srv.GenerateOne())
	srv.RequestHeartbeats()
	_, err := srv.WaitCommand(testContext(t), opcode.Identify)
	require.NoError(t, err)
}

// A value that makes no sense is a panic that names the option.
func TestBadOptions(t *testing.T) {
	for name, option := range map[string]gatewaytest.Option{
		"WithGuilds":    gatewaytest.WithGuilds(1, 0),
		"WithVoice":     gatewaytest.WithVoice(nil),
		"WithListener":  gatewaytest.WithListener(nil),
		"WithHeartbeat": gatewaytest.WithVoiceServer(voiceserver.WithHeartbeat(0, 0)),
		"lvsp":          gatewaytest.WithLVSP(gatewaytest.LVSP{URL: "ws://voice.invalid", Secret: sealed([]byte("short"))}),
	} {
		func() {
			defer func() { require.Contains(t, recover(), name) }()
			gatewaytest.NewServer(option)
		}()
	}
}
