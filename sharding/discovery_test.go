package sharding

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
)

const goodAnswer = `{"url":"wss://gateway.test","shards":9,"session_start_limit":{"total":1000,"remaining":999,"reset_after":14400000,"max_concurrency":16}}`

// An api answers each request with the next of its answers, without a network.
type api struct {
	t       *testing.T
	answers []func() (*http.Response, error)
	asked   []time.Time
}

func (a *api) RoundTrip(r *http.Request) (*http.Response, error) {
	require.Equal(a.t, "Bot secret", r.Header.Get("Authorization"))
	require.Contains(a.t, r.Header.Get("User-Agent"), "DiscordBot (")
	require.Equal(a.t, "https://discord.com/api/v10/gateway/bot", r.URL.String())
	a.asked = append(a.asked, time.Now())
	next := a.answers[0]
	if len(a.answers) > 1 {
		a.answers = a.answers[1:]
	}
	return next()
}

func answer(status int, body string, header ...string) func() (*http.Response, error) {
	return func() (*http.Response, error) {
		w := httptest.NewRecorder()
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.WriteString(body)
		return w.Result(), nil
	}
}

func unreachable() (*http.Response, error) { return nil, errors.New("network is down") }

func discover(t *testing.T, answers ...func() (*http.Response, error)) (*api, *GatewayBot, error) {
	a := &api{t: t, answers: answers}
	bot, err := Discovery{Client: &http.Client{Transport: a}, Hosts: []string{"gateway.test"}}.GatewayBot(t.Context(), "secret")
	return a, bot, err
}

func TestDiscovery(t *testing.T) {
	_, bot, err := discover(t, answer(200, goodAnswer))
	require.NoError(t, err)
	require.Equal(t, &GatewayBot{
		URL: "wss://gateway.test/?encoding=json&v=10", Shards: 9,
		Limit: SessionStartLimit{Total: 1000, Remaining: 999, ResetAfter: 4 * time.Hour, MaxConcurrency: 16},
	}, bot)
}

func TestDiscoveryTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		a, _, err := discover(t, unreachable, answer(502, "bad gateway"), answer(200, goodAnswer))
		require.NoError(t, err)
		require.Equal(t, []time.Duration{0, time.Second, 3 * time.Second}, since(start, a.asked))
	})
	synctest.Test(t, func(t *testing.T) {
		a, _, err := discover(t, answer(503, strings.Repeat("x", 1000)))
		var refused *DiscoveryError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, 503, refused.Status)
		require.Len(t, refused.Message, 200)
		require.Len(t, a.asked, 5)
	})
}

func since(start time.Time, times []time.Time) (out []time.Duration) {
	for _, at := range times {
		out = append(out, at.Sub(start))
	}
	return out
}

func TestDiscoveryHonoursRateLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		a, _, err := discover(t,
			answer(429, `{"message":"slow down","retry_after":2.5,"global":false}`, "Retry-After", "3"),
			answer(429, `{"message":"slow down","retry_after":7.5}`),
			answer(429, ``),
			answer(200, goodAnswer))
		require.NoError(t, err)
		require.Equal(t, []time.Duration{0, 3 * time.Second, 10500 * time.Millisecond, 10501 * time.Millisecond}, since(start, a.asked))
	})
	_, _, err := discover(t, answer(429, `{"retry_after":3600}`))
	require.ErrorIs(t, err, gateway.ErrRateLimited)
	require.ErrorContains(t, err, "retry after 1h0m0s")
}

func TestDiscoveryGivesUpAtOnce(t *testing.T) {
	a, _, err := discover(t, answer(401, `{"message":"401: Unauthorized","code":0}`))
	require.ErrorIs(t, err, ErrUnauthorized)
	require.NotErrorIs(t, err, gateway.ErrRateLimited)
	require.ErrorContains(t, err, "check the bot token")
	require.NotContains(t, err.Error(), "secret")
	require.Len(t, a.asked, 1)
	_, _, err = discover(t, answer(404, `<html>`))
	require.EqualError(t, err, `sharding: get gateway: status 404: "<html>"`)
}

func TestDiscoveryJudgesTheAnswer(t *testing.T) {
	for body, want := range map[string]string{
		`[]`:                                 "cannot unmarshal",
		strings.Repeat(" ", 1e5):             "exceeds 65536 bytes",
		`{"url":":"}`:                        "missing protocol scheme",
		`{"url":"http://x"}`:                 "scheme is neither ws nor wss",
		`{"url":"wss://x"}`:                  "out of range",
		replaced(`"shards":9`, `"shards":0`): "shards is out of range",
		replaced(`"shards":9`, `"shards":9999999999`):                   "shards is out of range",
		replaced(`"total":1000`, `"total":-1`):                          "total is out of range",
		replaced(`"remaining":999`, `"remaining":-1`):                   "remaining is out of range",
		replaced(`"reset_after":14400000`, `"reset_after":99999999999`): "reset_after is out of range",
		replaced(`"max_concurrency":16`, `"max_concurrency":0`):         "max_concurrency is out of range",
		replaced(`wss://gateway.test`, `ws://gateway.test`):             "is encrypted and the gateway",
	} {
		a, _, err := discover(t, answer(200, body))
		require.ErrorContains(t, err, want, body)
		require.Len(t, a.asked, 1, "the next answer would be no better")
	}
	_, err := Discovery{API: ":"}.GatewayBot(t.Context(), "secret")
	require.ErrorContains(t, err, "missing protocol scheme")
}

func replaced(old, by string) string { return strings.Replace(goodAnswer, old, by, 1) }

func TestDiscoveryEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		enough := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 1500*time.Millisecond, enough)
		defer cancel()
		a := &api{t: t, answers: []func() (*http.Response, error){unreachable}}
		_, err := Discovery{Client: &http.Client{Transport: a}, Attempts: 100}.GatewayBot(ctx, "secret")
		require.ErrorIs(t, err, enough)
		require.Len(t, a.asked, 2)
	})
}

// A server that sends the token back finds no help in bringing it into a log.
func TestDiscoveryShowsNoToken(t *testing.T) {
	elsewhere := answer(http.StatusFound, "", "Location", "https://elsewhere.test/t0ken")
	for name, a := range map[string]func() (*http.Response, error){
		"body":     answer(http.StatusForbidden, "denied: Bot t0ken"),
		"message":  answer(http.StatusForbidden, `{"message":"denied: t0ken"}`),
		"cut":      answer(http.StatusForbidden, strings.Repeat("x", 196)+"t0ken"),
		"url":      answer(http.StatusOK, replaced("wss://gateway.test", "wss://t0ken:%zz")),
		"number":   answer(http.StatusOK, replaced("9", `"t0ken"`)),
		"location": elsewhere,
	} {
		client := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return a() })}
		_, err := Discovery{Client: client, Attempts: 1}.GatewayBot(t.Context(), "t0ken")
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "t0ken", name)
		require.NotContains(t, err.Error(), "xt", name)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The default client does not read headers without end.
func TestDiscoveryBoundsHeaders(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X", strings.Repeat("y", 1<<20))
		_, _ = io.WriteString(w, goodAnswer)
	}))
	defer server.Close()
	defer discoveryClient().CloseIdleConnections()
	_, err := Discovery{API: server.URL, Attempts: 1}.GatewayBot(t.Context(), "secret")
	require.ErrorContains(t, err, "headers exceeded")
}

func FuzzGatewayBot(f *testing.F) {
	f.Add([]byte(goodAnswer))
	f.Add([]byte(`{"url":"wss://x?v=9","shards":1,"session_start_limit":{"max_concurrency":1}}`))
	f.Add([]byte(`{"shards":-1}`))
	f.Add([]byte(`{"message":"You are being rate limited.","retry_after":1e300}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		response := &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {string(body)}}}
		if e := refusal(response, body); e.RetryAfter < 0 || len(e.Message) > 200 {
			t.Errorf("%#v", e)
		}
		bot, err := parseGatewayBot(body)
		if err != nil {
			return
		}
		if _, err := gateway.ValidateDialURL(bot.URL); err != nil || bot.Shards == 0 || bot.Limit.MaxConcurrency == 0 {
			t.Error(fmt.Sprintf("%+v", bot), err)
		}
	})
}
