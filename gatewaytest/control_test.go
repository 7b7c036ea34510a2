package gatewaytest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/intent"
	"github.com/stretchr/testify/require"
)

func TestControl(t *testing.T) {
	srv := gatewaytest.NewServer(gatewaytest.WithGuilds(1, 5))
	defer srv.Close()
	c := connect(t, srv, gateway.WithIntents(intent.All))
	c.until(event.GuildCreate)
	id := srv.Sessions()[0].ID

	handler := srv.ControlHandler()
	do := func(method, path, body string) (int, string) {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
		raw, err := io.ReadAll(w.Result().Body)
		require.NoError(t, err)
		return w.Code, string(raw)
	}
	ok := func(method, path, body, want string) {
		t.Helper()
		status, got := do(method, path, body)
		require.Less(t, status, 300, got)
		require.Contains(t, got, want)
	}
	bad := func(path, body string) {
		t.Helper()
		status, got := do("POST", path, body)
		require.Equal(t, http.StatusBadRequest, status)
		require.Contains(t, got, `"error"`)
	}

	ok("POST", "/dispatch", `{"event":"USER_UPDATE","data":{"n":1}}`, `{"sessions":1}`)
	require.JSONEq(t, `{"n":1}`, string(c.until(event.UserUpdate).Data))
	ok("POST", "/dispatch", `{"event":"X","everyone":true,"session_id":"`+id+`","direct":true,"shard":[0,1],"guild_id":"`+srv.Guilds()[0].ID.String()+`"}`, `{"sessions":5}`)
	ok("POST", "/generate", `{"events":10}`, `10`)
	ok("POST", "/heartbeat", ``, ``)
	ok("GET", "/sessions", "", id)
	ok("GET", "/stats", "", `"identifies":1`)
	ok("GET", "/guilds", "", srv.Guilds()[0].ID.String())
	ok("GET", "/commands", "", `"op":2`)
	ok("GET", "/violations", "", `[]`)
	ok("POST", "/fault", `{"kind":"refuse","status":500,"next":1}`, `{}`)
	ok("POST", "/fault", `{"kind":"stall","for":"1ms"}`, `{}`)
	ok("POST", "/fault", `{"kind":"cut","sessions":["`+id+`"]}`, `{}`)
	require.Error(t, c.end())

	bad("/dispatch", `{}`)
	bad("/dispatch", `{"nonsense":1}`)
	bad("/fault", `{"kind":"rain"}`)
	bad("/fault", `{"kind":"stall","for":"long","next":1}`)
	bad("/fault", `{"kind":"cut","sessions":["nobody"]}`)
	bad("/generate", `[]`)
}
