package voiceshard

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/lifecycle"
	"github.com/discordpkg/gateway/snowflake"
)

// An Option configures a [Voice]. It returns an error, which [New] returns, for
// a value that makes no sense.
type Option func(*config) error

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
	life          []lifecycle.VoiceOption
	queue         int
	datagram      int
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

func newConfig(options []Option) (config, error) {
	c := config{
		mediaDial:    dialUDP,
		netDial:      new(net.Dialer).DialContext,
		log:          slog.New(slog.DiscardHandler),
		e2ee:         newDAVE(),
		queue:        defaultQueue,
		datagram:     DefaultDatagram,
		reorder:      defaultReorder,
		hold:         defaultHold,
		dialTimeout:  defaultDialTimeout,
		writeTimeout: defaultWriteTimeout,
		handshake:    defaultHandshake,
	}
	for _, o := range options {
		if err := o(&c); err != nil {
			return config{}, fmt.Errorf("voiceshard: %w", err)
		}
	}
	return c, nil
}

// set is an option that cannot fail.
func set(do func(c *config)) Option {
	return func(c *config) error {
		do(c)
		return nil
	}
}

// WithDAVE encrypts end to end with package dave, which is the default, and
// options. All calls have one identity, which is made for the Voice;
// [dave.WithIdentity] gives it one that outlives the process, so that the bot is
// recognised again.
func WithDAVE(options ...dave.Option) Option { return WithE2EE(newDAVE(options...)) }

// WithE2EE sets what makes the end-to-end encryption of each new voice session
// of a user in a channel. An error of it ends the attempt to connect, and
// another one is made later. Nil is [WithoutE2EE].
func WithE2EE(factory func(user, channel snowflake.ID) (FrameCryptor, error)) Option {
	return set(func(c *config) { c.e2ee = factory })
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
	return set(func(c *config) { c.states = append(c.states, options...) })
}

// WithBackoff sets how to wait between connections. It doubles with each
// connection that fails before audio could flow, or within ten seconds after.
// Zero fields mean from 500 ms to 30 s.
func WithBackoff(b lifecycle.Backoff) Option { return withLife(lifecycle.WithVoiceBackoff(b)) }

// WithAttempts sets how many failures in a row end a session, 10 by default:
// two minutes or so.
func WithAttempts(n int) Option { return withLife(lifecycle.WithVoiceAttempts(n)) }

// withLife adds an option for the life of each session, and tries it.
func withLife(o lifecycle.VoiceOption) Option {
	return func(c *config) error {
		c.life = append(c.life, o)
		_, err := lifecycle.NewVoice(1, 1, 1, o)
		return err
	}
}

// WithNetDial sets what opens the TCP connections of websockets, by default a
// [net.Dialer]. The proxy of the environment is not used: it is no way for
// audio, and a voice server expects both from one address.
func WithNetDial(dial func(ctx context.Context, network, addr string) (net.Conn, error)) Option {
	return func(c *config) error {
		if dial == nil {
			return errNoDial
		}
		c.netDial = dial
		return nil
	}
}

// WithWebsocketDial sets what opens websockets, for callers that have a way of
// their own: it returns a connection to the URL on which the handshake is done,
// and the session frames its messages there. What was read behind the handshake
// must be the first that Read returns. [WithTLS], [WithHeader] and [WithNetDial]
// have no effect then.
func WithWebsocketDial(dial func(ctx context.Context, url string) (net.Conn, error)) Option {
	return func(c *config) error {
		if dial == nil {
			return errNoDial
		}
		c.websocketDial = dial
		return nil
	}
}

// WithMediaDial sets what opens the way of the audio: a connection on which
// each Write is a datagram to the server, and each Read one from it. It must
// have read deadlines, and Read and Write must not keep their argument. The
// default is a UDP socket of its own for each session.
func WithMediaDial(dial func(ctx context.Context, server netip.AddrPort) (net.Conn, error)) Option {
	return func(c *config) error {
		if dial == nil {
			return errNoDial
		}
		c.mediaDial = dial
		return nil
	}
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
func WithTLS(t *tls.Config) Option { return set(func(c *config) { c.tls = t }) }

// WithHeader adds to the handshake of websockets.
func WithHeader(h http.Header) Option { return set(func(c *config) { c.header = h.Clone() }) }

// WithLogger sets the logger that is told about connections, by default none.
// Tokens and keys are never logged.
func WithLogger(l *slog.Logger) Option {
	return func(c *config) error {
		if l == nil {
			return errors.New("no logger")
		}
		c.log = l
		return nil
	}
}

// WithQueue sets how many packets wait for [Session.Receive], 512 by default,
// which is ten seconds of one speaker. When they are too many the oldest is
// dropped, and counted. With zero nothing is received at all: that saves a bot
// that only plays the work of decryption (see [SelfDeaf] too).
func WithQueue(packets int) Option {
	return func(c *config) error {
		if packets < 0 {
			return fmt.Errorf("a queue of %d packets", packets)
		}
		c.queue = packets
		return nil
	}
}

// The smallest datagram has room for 20 ms of speech, the largest is the
// largest of UDP.
const (
	minDatagram = 200
	maxDatagram = 65507
)

// WithMaxDatagram sets the size in bytes of the largest datagram that is sent,
// [DefaultDatagram] by default, 200 to 65,507. An Opus packet that is larger is
// sent in parts, which have its frames; one with a frame that does not fit is
// refused.
func WithMaxDatagram(bytes int) Option {
	return func(c *config) error {
		if bytes < minDatagram || bytes > maxDatagram {
			return fmt.Errorf("datagrams of %d bytes", bytes)
		}
		c.datagram = bytes
		return nil
	}
}

// WithReorder sets how long packets behind a gap wait for the missing one
// before that is given up for lost, 60 ms by default. It must be positive.
func WithReorder(window time.Duration) Option {
	return func(c *config) error { return duration("reorder window", window, 1, &c.reorder) }
}

// WithHold sets how long packets are kept whose sender or key is not known yet,
// 1 s by default. Zero: not at all.
func WithHold(limit time.Duration) Option {
	return func(c *config) error { return duration("hold time", limit, 0, &c.hold) }
}

// WithTimeouts sets how long it may take to open a websocket (10 s by default),
// to get from there to audio (15 s), and to write (10 s).
func WithTimeouts(dial, handshake, write time.Duration) Option {
	return func(c *config) error {
		return errors.Join(
			duration("dial timeout", dial, 1, &c.dialTimeout),
			duration("handshake timeout", handshake, 1, &c.handshake),
			duration("write timeout", write, 1, &c.writeTimeout),
		)
	}
}

// duration sets a field to a time that is not below the least one.
func duration(name string, d, least time.Duration, field *time.Duration) error {
	if d < least {
		return fmt.Errorf("%s of %v", name, d)
	}
	*field = d
	return nil
}

// A JoinOption configures one session.
type JoinOption func(*Session)

// SelfMute shows the bot as muted.
func SelfMute() JoinOption {
	return func(s *Session) { s.life.SetSelf(true, s.life.State().SelfDeaf) }
}

// SelfDeaf shows the bot as deaf. Discord sends it no audio then.
func SelfDeaf() JoinOption {
	return func(s *Session) { s.life.SetSelf(s.life.State().SelfMute, true) }
}
