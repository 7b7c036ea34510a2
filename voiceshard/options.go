package voiceshard

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/snowflake"
)

// An Option configures a [Voice].
type Option func(*config)

// config is what the options set. It does not change after [New].
type config struct {
	tls           *tls.Config
	netDial       func(ctx context.Context, network, addr string) (net.Conn, error)
	websocketDial func(ctx context.Context, url string) (net.Conn, error) // nil: with the options of the other fields
	mediaDial     func(ctx context.Context, server netip.AddrPort) (net.Conn, error)
	header        http.Header
	log           *slog.Logger
	states        []gateway.VoiceOption
	e2ee          func(user, channel snowflake.ID) (FrameCryptor, error) // nil: none
	backoff       Backoff
	queue         int
	reorder       time.Duration
	hold          time.Duration
	dialTimeout   time.Duration
	writeTimeout  time.Duration
	handshake     time.Duration
}

// The defaults, see the options.
const (
	defaultQueue        = 512
	defaultReorder      = 60 * time.Millisecond
	defaultHold         = time.Second
	defaultDialTimeout  = 10 * time.Second
	defaultWriteTimeout = 10 * time.Second
	defaultHandshake    = 15 * time.Second
)

// messageLimit is the size in bytes from which on a message of a voice server
// ends the connection. The largest ones welcome somebody to a crowded channel.
const messageLimit = 4 << 20

func newConfig(options []Option) config {
	c := config{
		mediaDial:    dialUDP,
		netDial:      new(net.Dialer).DialContext,
		log:          slog.New(slog.DiscardHandler),
		e2ee:         newDAVE(),
		backoff:      Backoff{}.withDefaults(),
		queue:        defaultQueue,
		reorder:      defaultReorder,
		hold:         defaultHold,
		dialTimeout:  defaultDialTimeout,
		writeTimeout: defaultWriteTimeout,
		handshake:    defaultHandshake,
	}
	for _, o := range options {
		o(&c)
	}
	return c
}

// WithDAVE encrypts end to end with package dave, which is the default, and
// options: [dave.WithIdentity] for a bot that is to be recognised again.
func WithDAVE(options ...dave.Option) Option { return WithE2EE(newDAVE(options...)) }

// WithE2EE sets what makes the end-to-end encryption of each new voice session
// of a user in a channel. An error of it ends the attempt to connect, and
// another one is made later. Nil is [WithoutE2EE].
func WithE2EE(factory func(user, channel snowflake.ID) (FrameCryptor, error)) Option {
	return func(c *config) { c.e2ee = factory }
}

// WithoutE2EE does without end-to-end encryption. Discord lets such bots into
// stage channels only, and closes with 4017 elsewhere.
func WithoutE2EE() Option { return WithE2EE(nil) }

// WithDecision replaces what a close code of the voice server means, see
// [gateway.WithVoiceDecision] and [closecode.Voice.Decision]. The function may
// be called by many sessions at once.
func WithDecision(decide func(code closecode.Voice) closecode.Decision) Option {
	return WithStateOptions(gateway.WithVoiceDecision(decide))
}

// WithStateOptions adds options for the protocol state of each connection.
func WithStateOptions(options ...gateway.VoiceOption) Option {
	return func(c *config) { c.states = append(c.states, options...) }
}

// WithBackoff sets how to wait between connections, and when to give up.
func WithBackoff(b Backoff) Option {
	return func(c *config) { c.backoff = b.withDefaults() }
}

// WithNetDial sets what opens the TCP connections of websockets, by default a
// [net.Dialer]. The proxy of the environment is not used: it is no way for
// audio, and a voice server expects both from one address.
func WithNetDial(dial func(ctx context.Context, network, addr string) (net.Conn, error)) Option {
	return func(c *config) { c.netDial = dial }
}

// WithWebsocketDial sets what opens websockets, for those who have a way of
// their own: it returns a connection to the URL on which the handshake is done,
// and the session frames its messages there. What was read behind the handshake
// must be the first that Read returns. [WithTLS], [WithHeader] and [WithNetDial]
// have no effect then.
func WithWebsocketDial(dial func(ctx context.Context, url string) (net.Conn, error)) Option {
	return func(c *config) { c.websocketDial = dial }
}

// WithMediaDial sets what opens the way of the audio: a connection on which
// each Write is a datagram to the server, and each Read one from it. It must
// have read deadlines, and Read and Write must not keep their argument. The
// default is a UDP socket of its own for each session.
func WithMediaDial(dial func(ctx context.Context, server netip.AddrPort) (net.Conn, error)) Option {
	return func(c *config) { c.mediaDial = dial }
}

// WithListenPacket is [WithMediaDial] for those who have packet sockets, such
// as one that is bound to an address of choice. The session closes what listen
// returns, and ignores datagrams that come from elsewhere than the server.
func WithListenPacket(listen func(ctx context.Context) (net.PacketConn, error)) Option {
	return WithMediaDial(func(ctx context.Context, server netip.AddrPort) (net.Conn, error) {
		pc, err := listen(ctx)
		if err != nil {
			return nil, err
		}
		return connectPacket(pc, server), nil
	})
}

// WithTLS sets the TLS configuration of websockets. It is not changed.
func WithTLS(t *tls.Config) Option { return func(c *config) { c.tls = t } }

// WithHeader adds to the handshake of websockets.
func WithHeader(h http.Header) Option { return func(c *config) { c.header = h.Clone() } }

// WithLogger sets who is told about connections, by default nobody. Tokens and
// keys are never logged.
func WithLogger(l *slog.Logger) Option { return func(c *config) { c.log = l } }

// WithQueue sets how many packets wait for [Session.Receive], 512 by default,
// which is ten seconds of one speaker. When they are too many the oldest is
// dropped, and counted. With zero nothing is received at all: that saves a bot
// that only plays the work of decryption (see [SelfDeaf] too).
func WithQueue(packets int) Option { return func(c *config) { c.queue = max(0, packets) } }

// WithReorder sets how long packets behind a gap wait for the missing one
// before that is given up for lost, 60 ms by default.
func WithReorder(window time.Duration) Option {
	return func(c *config) { c.reorder = orDefault(window, defaultReorder) }
}

// WithHold sets how long packets are kept whose sender or key is not known yet,
// 1 s by default.
func WithHold(limit time.Duration) Option {
	return func(c *config) { c.hold = orDefault(limit, defaultHold) }
}

// WithTimeouts sets how long it may take to open a websocket (10 s by default),
// to get from there to audio (15 s), and to write (10 s).
func WithTimeouts(dial, handshake, write time.Duration) Option {
	return func(c *config) {
		c.dialTimeout = orDefault(dial, defaultDialTimeout)
		c.handshake = orDefault(handshake, defaultHandshake)
		c.writeTimeout = orDefault(write, defaultWriteTimeout)
	}
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}

// A JoinOption configures one session.
type JoinOption func(*Session)

// SelfMute shows the bot as muted.
func SelfMute() JoinOption { return func(s *Session) { s.mute = true } }

// SelfDeaf shows the bot as deaf. Discord sends it no audio then.
func SelfDeaf() JoinOption { return func(s *Session) { s.deaf = true } }
