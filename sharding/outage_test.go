package sharding_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/sharding"
)

// A brokenAPI is an API that may be unreachable.
type brokenAPI struct {
	next http.RoundTripper
	mu   sync.Mutex
	down bool
}

func (b *brokenAPI) set(down bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = down
}

func (b *brokenAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	down := b.down
	b.mu.Unlock()
	if down {
		return nil, errors.New("the network is down")
	}
	return b.next.RoundTrip(r)
}

// broken puts an API between a group and its Discord that is down.
func broken(c *sharding.Config) *brokenAPI {
	b := &brokenAPI{next: c.Discovery.Client.Transport, down: true}
	c.Discovery.Client = &http.Client{Transport: b}
	return b
}

func TestNoNetworkAtTheStart(t *testing.T) {
	virtually(t, "is waited for", func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithShards(2))
		c := d.config()
		api := broken(&c)
		g, err := c.NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		done := run(t.Context(), g)
		time.Sleep(24 * time.Hour)
		require.Zero(t, d.Stats().Connections)
		api.set(false)
		begin := time.Now()
		_, err = d.WaitSessions(t.Context(), 2)
		require.NoError(t, err)
		require.Less(t, time.Since(begin), 3*time.Minute)
		require.NoError(t, g.Close(t.Context(), gatewayshard.EndSession))
		require.NoError(t, <-done)
	})
	virtually(t, "is given up", func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithShards(2))
		c := d.config()
		c.StartTimeout = 10 * time.Minute
		broken(&c)
		g, err := c.NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		begin := time.Now()
		require.ErrorContains(t, g.Run(t.Context()), "the network is down")
		require.LessOrEqual(t, time.Since(begin), 10*time.Minute)
		require.Greater(t, time.Since(begin), 5*time.Minute)
	})
	virtually(t, "ends with the group", func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithShards(2))
		c := d.config()
		broken(&c)
		g, err := c.NewGroup("token", gateway.WithIntents(messages))
		require.NoError(t, err)
		done := run(t.Context(), g)
		time.Sleep(time.Hour)
		require.NoError(t, g.Close(t.Context(), gatewayshard.KeepSession))
		require.NoError(t, <-done)
	})
}

// TestResumeWithoutAnAPI wants stored sessions to need no answer, with the URL
// and the buckets of the store.
func TestResumeWithoutAnAPI(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiscord(t, gatewaytest.WithShards(4), gatewaytest.WithMaxConcurrency(2), gatewaytest.WithRecord(1000))
		c := d.config()
		c.Store, c.StoreKey = new(sharding.MemoryStore), "key"
		api := broken(&c)
		api.set(false)
		start := func() (g *sharding.Group, done <-chan error) {
			g, err := c.NewGroup("token", gateway.WithIntents(messages))
			require.NoError(t, err)
			return g, run(t.Context(), g)
		}
		g, done := start()
		_, err := d.WaitSessions(t.Context(), 4)
		require.NoError(t, err)
		time.Sleep(time.Second)
		require.NoError(t, g.Close(t.Context(), gatewayshard.KeepSession))
		require.NoError(t, <-done)
		stored, err := c.Store.Load(t.Context(), "key")
		require.NoError(t, err)
		require.EqualValues(t, 2, stored.MaxConcurrency)
		require.NotEmpty(t, stored.URL)

		stored.Shards = stored.Shards[:2] // two have to identify
		require.NoError(t, c.Store.Save(t.Context(), "key", stored))
		api.set(true)
		g, done = start()
		begin := time.Now()
		require.NoError(t, d.Wait(t.Context(), func(s gatewaytest.Stats) bool { return s.Resumes == 2 && s.Identifies == 6 }))
		require.Less(t, time.Since(begin), 20*time.Second)
		require.False(t, g.Stats().StartsKnown)
		time.Sleep(time.Hour)
		api.set(false)
		time.Sleep(2 * time.Minute)
		require.True(t, g.Stats().StartsKnown, "the group has asked meanwhile")
		require.NoError(t, g.Close(t.Context(), gatewayshard.KeepSession))
		require.NoError(t, <-done)

		api.set(true)
		g, done = start()
		time.Sleep(time.Minute)
		require.NoError(t, g.Close(t.Context(), gatewayshard.KeepSession), "it does not wait for the answer")
		require.NoError(t, <-done)
		require.Empty(t, d.Violations())
	})
}

// TestTooFewShardsWhileTheAPIIsDown wants the shards that were not refused to go on.
func TestTooFewShardsWhileTheAPIIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var api *brokenAPI
		d, g, got, done := pair(t, func(c *sharding.Config) {
			c.Reshard.Automatic = true
			api = broken(c)
			api.set(false)
		})
		api.set(true)
		refused := d.Sessions()[1]
		require.NoError(t, d.Inject(gatewaytest.Fault{Kind: gatewaytest.Close, Code: closecode.ShardingRequired}, refused.ID))
		time.Sleep(time.Hour)
		healthy := 1 - int(refused.ShardID)
		d.say(t, healthy, "still here")
		synctest.Wait()
		require.Equal(t, []string{"still here"}, got.texts(event.MessageCreate))
		api.set(false)
		time.Sleep(3 * time.Minute)
		require.Equal(t, "sharding: shards 0 to 3 of 4", g.String())
		require.NoError(t, g.Close(t.Context(), gatewayshard.EndSession))
		require.NoError(t, <-done)
	})
}

// TestTokenStaysWithItsBackend wants a group whose gateway is not Discord's to be
// told which API to ask.
func TestTokenStaysWithItsBackend(t *testing.T) {
	const url = "wss://gateway.example.org/?v=10&encoding=json"
	_, err := sharding.NewGroup("token", nil, gateway.WithURL(url))
	require.ErrorContains(t, err, "Discovery.API, or Total and MaxConcurrency")
	for _, c := range []sharding.Config{{Total: 1, MaxConcurrency: 1}, {Discovery: sharding.Discovery{API: "https://api.example.org"}}} {
		_, err = c.NewGroup("token", gateway.WithURL(url))
		require.NoError(t, err)
	}
	_, err = sharding.NewGroup("token", nil, gateway.WithURL("wss://gateway-us-east1-b.discord.gg/?v=10&encoding=json"))
	require.NoError(t, err)
}

// respond answers every request, and writes down where it went.
type respond struct {
	asked []string
	body  string
	to    string // redirect
}

func (r *respond) RoundTrip(request *http.Request) (*http.Response, error) {
	r.asked = append(r.asked, request.URL.Host+" "+request.Header.Get("Authorization"))
	response := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: request, Body: io.NopCloser(strings.NewReader(r.body))}
	if r.to != "" {
		response.StatusCode = http.StatusFound
		response.Header.Set("Location", r.to)
	}
	return response, nil
}

func TestDiscoveryFollowsNoRedirect(t *testing.T) {
	for _, to := range []string{"https://discord.com/elsewhere", "http://discord.com/", "https://attacker.example/"} {
		r := &respond{to: to}
		_, err := sharding.Discovery{Client: &http.Client{Transport: r}}.GatewayBot(context.Background(), "secret")
		var refused *sharding.DiscoveryError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, http.StatusFound, refused.Status)
		require.Equal(t, []string{"discord.com Bot secret"}, r.asked)
	}
}

// TestDiscoveryJudgesTheGateway wants the token to go where the API belongs.
func TestDiscoveryJudgesTheGateway(t *testing.T) {
	for _, c := range []struct {
		api, url string
		hosts    []string
		ok       bool
	}{
		{"", "wss://gateway.discord.gg", nil, true},
		{"", "wss://gateway-us-east1-b.discord.gg", nil, true},
		{"", "ws://gateway.discord.gg", nil, false},
		{"", "wss://attacker.example", nil, false},
		{"", "wss://attacker.example", []string{"attacker.example"}, true},
		{"", "wss://gateway.discord.gg.attacker.example", nil, false},
		{"https://api.example.org/v10", "wss://gw.example.org", nil, true},
		{"https://api.example.org/v10", "wss://gw.example.net", nil, false},
		{"https://api.example.org/v10", "ws://gw.example.org", nil, false},
		{"http://127.0.0.1:8080", "ws://127.0.0.1:8081", nil, true},
		{"http://127.0.0.1:8080", "ws://127.0.0.2:8081", nil, false},
	} {
		r := &respond{body: `{"url":"` + c.url + `","shards":1,"session_start_limit":{"total":1,"remaining":1,"reset_after":0,"max_concurrency":1}}`}
		_, err := sharding.Discovery{API: c.api, Hosts: c.hosts, Client: &http.Client{Transport: r}}.GatewayBot(context.Background(), "secret")
		require.Equal(t, c.ok, err == nil, "%+v: %v", c, err)
	}
}
