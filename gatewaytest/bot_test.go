package gatewaytest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/intent"
	"github.com/stretchr/testify/require"
)

// Each token is a bot of its own: with its own name, limits and sessions.
func TestBots(t *testing.T) {
	srv := gatewaytest.NewServer(gatewaytest.WithGuilds(1, 1), gatewaytest.WithToken("one", "two", "three"), gatewaytest.WithSessionStarts(1))
	defer srv.Close()
	g := srv.Guilds()[0]
	require.Equal(t, 3, g.Members, "they are members at least")
	for n, token := range []string{"one", "two", "three"} {
		_, id := login(t, srv, token) // the bucket of the others does not matter
		require.Equal(t, gatewaytest.BotID(n), id)
		require.Equal(t, id, g.Member(n))
		me, guild := get(t, srv, token, "/users/@me"), get(t, srv, token, fmt.Sprintf("/guilds/%d", g.ID))
		require.Contains(t, me, fmt.Sprintf(`"id":"%d"`, id))
		require.Contains(t, guild, fmt.Sprintf(`"members":[{"user":{"id":"%d"`, id))
		require.Contains(t, get(t, srv, token, "/applications/@me"), fmt.Sprintf(`"bot":{"id":"%d"`, id))
		require.Contains(t, get(t, srv, token, "/gateway/bot"), `"remaining":0`)
	}
	require.Empty(t, srv.Violations())
	c := connect(t, srv)
	require.Error(t, c.end())
	require.EqualValues(t, closecode.AuthenticationFailed, srv.Violations()[0].Code)
}

func get(t *testing.T, srv *gatewaytest.Server, token, path string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(testContext(t), http.MethodGet, srv.URL+"/api/v10"+path, nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bot "+token)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode)
	return string(body)
}

// Without the intent a bot reads what it wrote and what mentions it, not what
// concerns another bot.
func TestContentOfAnotherBot(t *testing.T) {
	srv := gatewaytest.NewServer(gatewaytest.WithGuilds(1, 5), gatewaytest.WithToken("one", "two"))
	defer srv.Close()
	g := srv.Guilds()[0]
	read := func(c *client) string {
		var m struct{ Content string }
		require.NoError(t, json.Unmarshal(c.until(event.MessageCreate).Data, &m))
		return m.Content
	}
	bots := map[string]*client{}
	for _, token := range []string{"one", "two"} {
		state, err := gateway.NewGatewayState(token, gateway.WithURL(srv.DialURL), gateway.WithIntents(intent.Guilds|intent.GuildMessages))
		require.NoError(t, err)
		bots[token] = dial(t, state.DialURL(), nil)
		bots[token].state = state
		bots[token].until(event.GuildCreate)
	}
	send := func(author, mention int) {
		_, err := srv.Dispatch(event.MessageCreate, fmt.Sprintf(`{"guild_id":"%d","content":"psst","author":{"id":"%d"},"mentions":[{"id":"%d"}]}`,
			g.ID, g.Member(author), g.Member(mention)))
		require.NoError(t, err)
	}
	send(0, 3)
	require.Equal(t, []string{"psst", ""}, []string{read(bots["one"]), read(bots["two"])})
	send(3, 1)
	require.Equal(t, []string{"", "psst"}, []string{read(bots["one"]), read(bots["two"])})
}
