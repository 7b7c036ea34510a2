package sharding

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/internal/redact"
	"github.com/discordpkg/gateway/internal/useragent"
)

// DefaultAPI is the address of Discord's HTTP API.
const DefaultAPI = "https://discord.com/api/v10"

// ErrUnauthorized reports a bot token that the HTTP API does not accept.
var ErrUnauthorized = errors.New("sharding: discord does not accept the bot token; " + closecode.AuthenticationFailed.Hint())

// A Discovery asks Discord where the gateway is, how many shards a bot should
// have, and how many sessions it may start. The zero Discovery is ready to use.
//
// https://discord.com/developers/docs/events/gateway#get-gateway-bot
type Discovery struct {
	// API is the address of the HTTP API with its version, [DefaultAPI] by
	// default.
	API string

	// Client makes the requests. The default is one with a timeout of 10 s for
	// each, and a limit of 64 KiB for the headers of the answer.
	Client *http.Client

	// Hosts are hosts of gateways that the API may name, besides those of Discord
	// and those below the domain of the API, see [gateway.WithResumeHosts].
	Hosts []string

	// UserAgent names the bot. The default has the form that Discord wants.
	UserAgent string

	// Attempts is the number of requests after which a server that fails, or a
	// network that does, is given up: 5 by default. The wait between two
	// doubles from 1 s on.
	Attempts int

	// MaxWait is the longest time that a rate limit (status 429) is waited
	// for, 1 min by default. A longer one is an error.
	MaxWait time.Duration
}

// GatewayBot is the answer to GET /gateway/bot.
type GatewayBot struct {
	URL    string // for [gateway.WithURL]: with version and encoding
	Shards uint   // recommended, at least 1
	Limit  SessionStartLimit
}

// A SessionStartLimit says how many sessions a bot may still start, over all
// of its processes. Discord resets the token of a bot that exceeds it.
//
// https://discord.com/developers/docs/events/gateway#session-start-limit-object
type SessionStartLimit struct {
	Total          int
	Remaining      int
	ResetAfter     time.Duration // until Remaining is Total again
	MaxConcurrency uint          // identify buckets, at least 1
}

// A DiscoveryError is a GET /gateway/bot that Discord refused. With status 401
// it matches [ErrUnauthorized], with 429 [gateway.ErrRateLimited].
type DiscoveryError struct {
	Status     int           // of HTTP
	Message    string        // what Discord said, shortened
	RetryAfter time.Duration // with status 429
}

func (e *DiscoveryError) Error() string {
	if e.Status == http.StatusUnauthorized {
		return ErrUnauthorized.Error()
	}
	s := fmt.Sprintf("sharding: get gateway: status %d", e.Status)
	if e.RetryAfter > 0 {
		s += fmt.Sprintf(", retry after %v", e.RetryAfter)
	}
	if e.Message != "" {
		s += fmt.Sprintf(": %q", e.Message)
	}
	return s
}

// Is reports whether target is the sentinel of the status.
func (e *DiscoveryError) Is(target error) bool {
	return target == ErrUnauthorized && e.Status == http.StatusUnauthorized ||
		target == gateway.ErrRateLimited && e.Status == http.StatusTooManyRequests
}

const (
	maxGatewayBot     = 64 << 10 // bytes of the answer, and of its headers
	maxShards         = 1 << 20
	discoveryTimeout  = 10 * time.Second
	discoveryMinPause = time.Second
	discoveryMaxPause = 30 * time.Second
)

// GatewayBot asks GET /gateway/bot with the token of the bot, which has no
// prefix. It tries again after network errors, after status 5xx, and when a
// rate limit is over, until it has an answer, an error that will not go away,
// or ctx ends. Errors of the API are [*DiscoveryError].
func (d Discovery) GatewayBot(ctx context.Context, token string) (*GatewayBot, error) {
	d = d.withDefaults()
	pause := discoveryMinPause
	for attempt := 1; ; attempt++ {
		bot, err := d.ask(ctx, token)
		if err == nil {
			return bot, nil
		}
		wait, again := d.retry(err, pause)
		if !again || attempt >= d.Attempts || ctx.Err() != nil {
			return nil, err
		}
		if err := sleep(ctx, wait); err != nil {
			return nil, fmt.Errorf("sharding: get gateway: %w", err)
		}
		pause = min(2*pause, discoveryMaxPause)
	}
}

func (d Discovery) withDefaults() Discovery {
	if d.API == "" {
		d.API = DefaultAPI
	}
	if d.Client == nil {
		d.Client = discoveryClient()
	}
	// A redirect would be followed with the token.
	client := *d.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	d.Client = &client
	if d.UserAgent == "" {
		d.UserAgent = useragent.String()
	}
	if d.Attempts <= 0 {
		d.Attempts = 5
	}
	if d.MaxWait <= 0 {
		d.MaxWait = time.Minute
	}
	return d
}

// discoveryClient returns the client that all discoveries share by default: it
// holds idle connections.
var discoveryClient = sync.OnceValue(func() *http.Client {
	client := &http.Client{Timeout: discoveryTimeout}
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		t = t.Clone()
		t.MaxResponseHeaderBytes = maxGatewayBot
		client.Transport = t
	}
	return client
})

// retry returns whether to ask again, and when.
func (d Discovery) retry(err error, pause time.Duration) (wait time.Duration, again bool) {
	var refused *DiscoveryError
	var unusable *answerError
	switch {
	case errors.As(err, &unusable):
		return 0, false
	case !errors.As(err, &refused), refused.Status >= 500:
		return pause, true
	case refused.Status == http.StatusTooManyRequests:
		return max(refused.RetryAfter, time.Millisecond), refused.RetryAfter <= d.MaxWait
	}
	return 0, false
}

// An answerError is a request or an answer that will be as bad the next time.
type answerError struct{ err error }

func (e *answerError) Error() string { return "sharding: get gateway: " + e.err.Error() }
func (e *answerError) Unwrap() error { return e.err }

func (d Discovery) ask(ctx context.Context, token string) (*GatewayBot, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(d.API, "/")+"/gateway/bot", nil)
	if err != nil {
		return nil, &answerError{err}
	}
	request.Header.Set("Authorization", "Bot "+token)
	request.Header.Set("User-Agent", d.UserAgent)
	response, err := d.Client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("sharding: get gateway: %w", redact.Error(err, token))
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxGatewayBot+1))
	body = []byte(redact.Text(string(body), token)) // a server may send it back
	switch {
	case err != nil:
		return nil, fmt.Errorf("sharding: get gateway: %w", err)
	case len(body) > maxGatewayBot:
		return nil, &answerError{fmt.Errorf("answer exceeds %d bytes", maxGatewayBot)}
	case response.StatusCode != http.StatusOK:
		return nil, refusal(response, body)
	}
	bot, err := parseGatewayBot(body)
	if err == nil && request.URL.Scheme == "https" && !strings.HasPrefix(bot.URL, "wss:") {
		err = errors.New("the API is encrypted and the gateway is not")
	}
	if err == nil {
		err = d.judge(bot.URL)
	}
	if err != nil {
		return nil, &answerError{err}
	}
	return bot, nil
}

// judge judges the URL of a gateway: the token goes there.
func (d Discovery) judge(u string) error {
	refused := gateway.JudgeURL(u, gateway.DefaultURL, d.Hosts...)
	if refused == nil || d.API == "" || d.API == DefaultAPI {
		return refused
	}
	api := strings.Replace(d.API, "http", "ws", 1)
	if gateway.JudgeURL(u, api, d.Hosts...) == nil {
		return nil
	}
	return refused
}

// refusal returns what an answer without success says.
//
// https://discord.com/developers/docs/topics/rate-limits#exceeding-a-rate-limit
func refusal(response *http.Response, body []byte) *DiscoveryError {
	var said struct {
		Message    string  `json:"message"`
		RetryAfter float64 `json:"retry_after"`
	}
	if json.Unmarshal(body, &said) != nil {
		said.Message = string(body)
	}
	e := &DiscoveryError{Status: response.StatusCode, Message: said.Message}
	if len(e.Message) > 200 {
		e.Message = e.Message[:200]
	}
	if e.Status == http.StatusTooManyRequests {
		seconds := said.RetryAfter
		if h, err := time.ParseDuration(response.Header.Get("Retry-After") + "s"); err == nil {
			seconds = max(seconds, h.Seconds())
		}
		// The bound keeps the product below what a Duration holds.
		e.RetryAfter = time.Duration(min(max(seconds, 0), 1e9) * float64(time.Second))
	}
	return e
}

// parseGatewayBot judges what GET /gateway/bot answered.
func parseGatewayBot(body []byte) (*GatewayBot, error) {
	var a struct {
		URL    string `json:"url"`
		Shards int64  `json:"shards"`
		Limit  struct {
			Total          int64 `json:"total"`
			Remaining      int64 `json:"remaining"`
			ResetAfter     int64 `json:"reset_after"` // milliseconds
			MaxConcurrency int64 `json:"max_concurrency"`
		} `json:"session_start_limit"`
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	dial, err := gatewayURL(a.URL)
	if err != nil {
		return nil, err
	}
	const week = int64(7 * 24 * time.Hour / time.Millisecond)
	for name, in := range map[string]bool{
		"shards":          a.Shards >= 1 && a.Shards <= maxShards,
		"total":           a.Limit.Total >= 0 && a.Limit.Total <= maxShards<<8,
		"remaining":       a.Limit.Remaining >= 0 && a.Limit.Remaining <= maxShards<<8,
		"reset_after":     a.Limit.ResetAfter >= 0 && a.Limit.ResetAfter <= week,
		"max_concurrency": a.Limit.MaxConcurrency >= 1 && a.Limit.MaxConcurrency <= maxShards,
	} {
		if !in {
			return nil, fmt.Errorf("answer: %s is out of range", name)
		}
	}
	return &GatewayBot{URL: dial, Shards: uint(a.Shards), Limit: SessionStartLimit{
		Total:          int(a.Limit.Total),
		Remaining:      int(a.Limit.Remaining),
		ResetAfter:     time.Duration(a.Limit.ResetAfter) * time.Millisecond,
		MaxConcurrency: uint(a.Limit.MaxConcurrency),
	}}, nil
}

// gatewayURL adds the version and the encoding to a URL of the API.
func gatewayURL(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", fmt.Errorf("answer: %w", err)
	}
	q := u.Query()
	q.Set("v", "10")
	q.Set("encoding", "json")
	u.RawQuery = q.Encode()
	dial, err := gateway.ValidateDialURL(u.String())
	if err != nil {
		return "", fmt.Errorf("answer: %w", err)
	}
	return dial, nil
}

// sleep waits, but not longer than for ctx.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
