package gatewayshard

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/useragent"
	"github.com/discordpkg/gateway/lifecycle"
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

	// ResumeDialTimeout is DialTimeout for the URL that Discord gave for
	// resuming, 5 s by default. The ordinary URL is tried next.
	ResumeDialTimeout time.Duration

	// HandshakeTimeout is how long Discord may take to say Hello, and then to
	// answer identify or resume with an event, 30 s by default. The time spent
	// waiting for the identify limiter does not count. The time moves while
	// Discord sends at least HandshakeRate bytes a second (1024 by default), up to
	// HandshakeMax (3 min by default): a large READY may take its time.
	HandshakeTimeout time.Duration
	HandshakeMax     time.Duration
	HandshakeRate    int

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

	// Backoff is how Run waits between connections, see [lifecycle.Shard].
	Backoff lifecycle.Backoff

	// State is what a former process knew of the shard, see [Shard.Progress].
	State lifecycle.ShardState

	// Permit is asked before each dial, and before identify or resume is
	// written. An error means that the shard may not log in now: it waits as
	// after a failed dial, which is not counted as a failure, and asks again.
	// Permit must return at once. [Shard.Wake] ends the wait. By default the
	// shard may always log in.
	Permit func(gateway.ShardID) error

	// Logger is told about connections, by default nobody. Records have the
	// attribute shard, and session and seq where there is a session. The token
	// is never logged.
	Logger *slog.Logger

	// PayloadHandler replaces the [gateway.Handler] for those who need the
	// sequence number, to acknowledge it later: see [Shard.Acknowledge]. The
	// payload is valid until the handler returns.
	PayloadHandler func(gateway.ShardID, *gateway.GatewayPayload)

	// Shared is what the shard shares with the other shards of the bot: the
	// identifies of the day, the hosts that do not answer. Run asks it before each dial. By
	// default the shard has one for itself, for 1,000 identifies a day.
	Shared *Shared

	// IdentifyLimitError makes Run return a [*IdentifyLimitError] when the
	// identifies of the day are used up. By default it waits for more, and
	// says so in the log and in [Stats].
	IdentifyLimitError bool

	// BeforeDial is called by Run before each dial, with the session that the
	// connection will resume, zero if it will identify. It returns when the
	// shard may dial; the context ends with that of Run and with Close. After an
	// error the shard waits as after a failed dial, which is not counted as a
	// failure, and asks again. By default nothing is asked.
	BeforeDial func(ctx context.Context, shard gateway.ShardID, session gateway.Session) error

	// Disconnected is called when Run begins to wait between two connections:
	// with the error that ended the last one or kept it from being opened, nil
	// before any, how many in a row came to nothing, and how long the
	// shard waits, as far as is known. It must not block.
	Disconnected func(shard gateway.ShardID, err error, failures int, wait time.Duration)

	// PhaseChanged is called after the phase that [Stats] shows has changed, one
	// call at a time, in order. A phase that is over at once may be left out. It
	// must not block, and not call Close.
	PhaseChanged func(shard gateway.ShardID, phase Phase)

	// DialBound is how many websockets are opened at the same time, over all
	// shards that share it. The default is no bound.
	DialBound *DialBound

	quiet bool // no logger was given
}

const (
	defaultReadLimit    = 64 << 20
	defaultWriteTimeout = 10 * time.Second
	defaultHandlerLimit = 30 * time.Second
)

// withDefaults returns a copy without zero fields that matter. The machine of
// the shard judges what it needs, see lifeOptions.
func (c Config) withDefaults() (Config, error) {
	switch {
	case c.WriteTimeout < 0:
		return c, errors.New("gatewayshard: write timeout is negative")
	case c.HandlerLimit < 0:
		return c, errors.New("gatewayshard: handler limit is negative")
	case c.ReadLimit < 0:
		return c, errors.New("gatewayshard: read limit is negative")
	}
	if c.WriteTimeout == 0 {
		c.WriteTimeout = defaultWriteTimeout
	}
	if c.HandlerLimit == 0 {
		c.HandlerLimit = defaultHandlerLimit
	}
	if c.ReadLimit == 0 {
		c.ReadLimit = defaultReadLimit
	}
	c.network()
	if c.Logger == nil {
		c.quiet = true
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// lifeOptions configure the machine of a shard.
func (c Config) lifeOptions() []lifecycle.ShardOption {
	return []lifecycle.ShardOption{
		lifecycle.WithBackoff(c.Backoff),
		lifecycle.WithShardState(c.State),
		lifecycle.WithLimits(lifecycle.Limits{
			Dial: c.DialTimeout, ResumeDial: c.ResumeDialTimeout,
			Handshake: c.HandshakeTimeout, HandshakeMax: c.HandshakeMax, HandshakeRate: c.HandshakeRate,
		}),
	}
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
