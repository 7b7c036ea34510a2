package gatewayshard

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/useragent"
)

// A Config is what a [Shard] needs to know besides the protocol. The zero
// Config is ready to use; a zero field means its default.
type Config struct {
	// TLS is for wss URLs. It is not changed.
	TLS *tls.Config

	// Proxy returns the HTTP or HTTPS proxy for a request, nil for none. The
	// request has a URL with scheme https for wss and http for ws. The default
	// is [http.ProxyFromEnvironment].
	Proxy func(*http.Request) (*url.URL, error)

	// NetDial opens the TCP connection, to the gateway or to the proxy. The
	// default is that of a [net.Dialer].
	NetDial func(ctx context.Context, network, addr string) (net.Conn, error)

	// Header is added to the websocket handshake. The default User-Agent has
	// the form that Discord wants.
	//
	// https://discord.com/developers/docs/reference#user-agent
	Header http.Header

	// ReadLimit is the size in bytes, as it comes over the wire, from which on
	// a message ends the connection: 64 MiB by default. That of the inflated
	// message is [gateway.WithMessageLimit].
	ReadLimit int

	// DialTimeout bounds each attempt to open a websocket, TLS and proxy
	// included, 30 s by default.
	DialTimeout time.Duration

	// HandshakeTimeout is how long Discord may take to say Hello, and then to
	// answer identify or resume with an event, 30 s by default. The time spent
	// waiting for the identify limiter does not count.
	HandshakeTimeout time.Duration

	// WriteTimeout bounds each write, and the wait for Discord's answer to a
	// close frame, 10 s by default. A peer that does not read for so long is
	// gone.
	WriteTimeout time.Duration

	// HandlerLimit is how long a handler may run, 30 s by default. One that
	// runs longer is logged with its event, once, and counted in Stats.SlowHandlers.
	HandlerLimit time.Duration

	// HandlerPanic is called when the handler panics, or ends its goroutine with
	// [runtime.Goexit], on that goroutine; the payload is valid until it
	// returns. The panic is recovered, and the shard goes on with the next event. By default the
	// panic is logged with its stack, to [slog.Default] if there is no Logger.
	HandlerPanic func(id gateway.ShardID, p *gateway.GatewayPayload, err *PanicError)

	// Backoff is how Run waits between connections.
	Backoff Backoff

	// Logger is told about connections, by default nobody. Records have the
	// attribute shard, and session and seq where there is a session. The token
	// is never logged.
	Logger *slog.Logger

	// PayloadHandler replaces the [gateway.Handler] for those who need the
	// sequence number, to acknowledge it later: see [Shard.Acknowledge]. The
	// payload is valid until the handler returns.
	PayloadHandler func(gateway.ShardID, *gateway.GatewayPayload)

	// BeforeDial is called by Run before each dial, with the session that the
	// connection will resume, zero if it will identify. It returns when the
	// shard may dial; the context ends with that of Run and with Close. An
	// error is like that of a dial. By default nothing is asked.
	BeforeDial func(ctx context.Context, shard gateway.ShardID, session gateway.Session) error

	// DialBound is how many websockets are opened at the same time, over all
	// shards that share it. The default is no bound.
	DialBound *DialBound

	quiet bool // no logger was given
}

// A Backoff is the wait before a new connection. It doubles from Min to Max
// with each connection that fails before READY or RESUMED, or soon after it:
// within a minute of READY, or within 10 s of RESUMED and without an event. Each wait is
// shortened by a random part, at most a half. The first one, after a
// connection that worked, is a random time below Min.
type Backoff struct {
	Min time.Duration // 1 s by default
	Max time.Duration // 2 min by default
}

const (
	defaultReadLimit        = 64 << 20
	defaultDialTimeout      = 30 * time.Second
	defaultHandshakeTimeout = 30 * time.Second
	defaultWriteTimeout     = 10 * time.Second
	defaultHandlerLimit     = 30 * time.Second
	defaultBackoffMin       = time.Second
	defaultBackoffMax       = 2 * time.Minute
)

// withDefaults returns a copy without zero fields that matter.
func (c Config) withDefaults() (Config, error) {
	for _, d := range []struct {
		name  string
		value *time.Duration
		zero  time.Duration
	}{
		{"dial timeout", &c.DialTimeout, defaultDialTimeout},
		{"handshake timeout", &c.HandshakeTimeout, defaultHandshakeTimeout},
		{"write timeout", &c.WriteTimeout, defaultWriteTimeout},
		{"handler limit", &c.HandlerLimit, defaultHandlerLimit},
		{"minimal backoff", &c.Backoff.Min, defaultBackoffMin},
		{"maximal backoff", &c.Backoff.Max, max(defaultBackoffMax, c.Backoff.Min)},
	} {
		if *d.value < 0 {
			return c, fmt.Errorf("gatewayshard: %s is negative", d.name)
		}
		if *d.value == 0 {
			*d.value = d.zero
		}
	}
	switch {
	case c.Backoff.Min > c.Backoff.Max:
		return c, errors.New("gatewayshard: minimal backoff is above the maximal one")
	case c.ReadLimit < 0:
		return c, errors.New("gatewayshard: read limit is negative")
	case c.ReadLimit == 0:
		c.ReadLimit = defaultReadLimit
	}
	c.network()
	if c.Logger == nil {
		c.quiet = true
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// network sets how to reach Discord.
func (c *Config) network() {
	if c.Proxy == nil {
		c.Proxy = http.ProxyFromEnvironment
	}
	if c.NetDial == nil {
		c.NetDial = new(net.Dialer).DialContext
	}
	c.Header = c.Header.Clone()
	if c.Header == nil {
		c.Header = http.Header{}
	}
	if c.Header.Get("User-Agent") == "" {
		c.Header.Set("User-Agent", useragent.String())
	}
}
