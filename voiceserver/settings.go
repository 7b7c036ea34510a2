package voiceserver

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/ratelimit"
	"github.com/discordpkg/gateway/snowflake"
)

// An Option configures a [Core], a [Relay] or a [Server]. Values out of range
// are taken for the nearest that makes sense.
type Option func(*settings)

type settings struct {
	interval    time.Duration
	grace       time.Duration
	login       time.Duration // to identify or resume
	life        time.Duration // of a session without connection
	messages    int           // per minute
	messageSize int           // bytes
	pending     int           // bytes a connection may be behind
	replay      replayLimits
	firstSeq    uint16
	channelSize int // members
	packetRate  int // per second and sender
	modes       []rtp.Mode
	nonces      rtp.Nonces // of the server, for each key
	requireE2EE bool
	delivery    func(channel snowflake.ID) (Delivery, error)
	tokens      *tokenKey // nil: at random
	random      io.Reader
	seed        uint64
	records     int

	// Of the server only.
	listener    net.Listener
	sockets     []net.PacketConn
	ports       int
	endpoint    string
	address     net.IP
	tls         *tls.Config
	pair        *tls.Certificate
	parsed      *x509.Certificate
	plain       bool
	connections int
	capacity    int // packets per second
	logger      *slog.Logger
}

func newSettings(options []Option) settings {
	s := settings{
		interval:    13750 * time.Millisecond,
		grace:       20 * time.Second,
		login:       10 * time.Second,
		life:        time.Minute,
		messages:    ratelimit.CommandLimit,
		messageSize: 256 << 10,
		pending:     4 << 20,
		replay:      replayLimits{messages: 512, bytes: 1 << 20},
		firstSeq:    1,
		channelSize: 500,
		packetRate:  600,
		modes:       rtp.Modes(),
		nonces:      rtp.ServerNonces(),
		delivery:    newDelivery,
		random:      rand.Reader,
		records:     1000,
		ports:       1,
		connections: 10_000,
		capacity:    100_000,
		logger:      slog.New(slog.DiscardHandler),
	}
	for _, o := range options {
		o(&s)
	}
	return s
}

// WithHeartbeat sets the interval that Hello asks for, 13.75 s by default, and
// how long a beat may be late before the connection is closed with 4009, 20 s
// by default.
func WithHeartbeat(interval, grace time.Duration) Option {
	return func(s *settings) { s.interval, s.grace = max(time.Millisecond, interval), max(0, grace) }
}

// WithLoginTimeout sets how long a connection may take to identify or resume
// before it is closed with 4003, 10 s by default. When there are more than 256
// such connections the oldest is broken.
func WithLoginTimeout(d time.Duration) Option {
	return func(s *settings) { s.login = max(time.Millisecond, d) }
}

// WithSessionLife sets how long a session without a connection can be
// resumed, 1 minute by default. Its audio goes on as long.
func WithSessionLife(d time.Duration) Option { return func(s *settings) { s.life = max(0, d) } }

// WithMessageLimit sets how many messages a connection may send in any 60
// seconds, 120 by default. One more earns close code 4021.
func WithMessageLimit(n int) Option { return func(s *settings) { s.messages = max(1, n) } }

// WithMessageSize sets the size in bytes of the largest message that a client
// may send, 256 KiB by default, 4 KiB at least. A larger one earns close code
// 4002. Before a client has identified the limit is 4 KiB.
func WithMessageSize(bytes int) Option {
	return func(s *settings) { s.messageSize = max(maxLogin, bytes) }
}

// WithReplay bounds what a session keeps for a resume, by default the last 512
// messages and 1 MiB. A resume that needs more is closed with 4006.
func WithReplay(messages, bytes int) Option {
	return func(s *settings) { s.replay = replayLimits{min(max(0, messages), maxReplay), max(0, bytes)} }
}

// WithSequence sets the number of the first message of each session, 1 by
// default. Numbers have 16 bits: from 65535 on they start at 0 again.
func WithSequence(first uint16) Option { return func(s *settings) { s.firstSeq = first } }

// WithChannelSize sets how many members a channel may have, 500 by default.
func WithChannelSize(n int) Option { return func(s *settings) { s.channelSize = max(1, n) } }

// WithPacketRate sets how many packets per second of one sender are forwarded,
// 600 by default; the shortest frames make 400. More are dropped.
func WithPacketRate(perSecond int) Option {
	return func(s *settings) { s.packetRate = max(1, perSecond) }
}

// WithModes sets the encryption modes on offer, in that order. By default
// these are aead_aes256_gcm_rtpsize and aead_xchacha20_poly1305_rtpsize; other
// names are left out. Discord always offers the latter.
func WithModes(modes ...string) Option {
	return func(s *settings) {
		s.modes = nil
		for _, m := range rtp.Modes() {
			for _, name := range modes {
				if name == string(m) {
					s.modes = append(s.modes, m)
				}
			}
		}
	}
}

// WithE2EERequired closes with 4017 on clients that do not offer end-to-end
// encryption, as Discord does outside of stage channels. By default calls go on
// without it as long as there is such a client.
func WithE2EERequired() Option { return func(s *settings) { s.requireE2EE = true } }

// WithDelivery makes a delivery service for each channel when its first member
// comes, instead of a [dave.Delivery]. It is called while the server stands
// still. An error keeps the member out; channels for which it returns nil are
// not encrypted end to end.
func WithDelivery(channel func(channel snowflake.ID) (Delivery, error)) Option {
	return func(s *settings) { s.delivery = channel }
}

// WithoutE2EE lets nobody encrypt end to end.
func WithoutE2EE() Option { return WithDelivery(nil) }

// WithRandom sets where tokens, keys and SSRCs come from, [rand.Reader] by
// default. A source that can be predicted is for tests only.
func WithRandom(source io.Reader) Option { return func(s *settings) { s.random = source } }

// WithSeed sets what the faults of the network follow from, see [Network].
func WithSeed(seed uint64) Option { return func(s *settings) { s.seed = seed } }

// WithRecord sets how many of the last violations are kept, 1000 by default.
func WithRecord(n int) Option { return func(s *settings) { s.records = max(0, n) } }

// WithListener makes a server accept connections from l, which it owns from
// then on, instead of from a port of the loopback interface.
func WithListener(l net.Listener) Option { return func(s *settings) { s.listener = l } }

// WithPacketConns makes a server send and receive audio on these sockets,
// which it owns from then on, instead of on a port of the loopback interface.
// All audio of a channel goes over one socket, and each socket is served by a
// goroutine of its own.
func WithPacketConns(sockets ...net.PacketConn) Option {
	return func(s *settings) { s.sockets = append([]net.PacketConn(nil), sockets...) }
}

// WithPorts sets how many sockets a server opens for audio, 1 by default.
func WithPorts(n int) Option { return func(s *settings) { s.ports = min(max(1, n), 256) } }

// WithEndpoint sets the host and port that clients are sent to, by default the
// address that the server listens on.
func WithEndpoint(hostport string) Option { return func(s *settings) { s.endpoint = hostport } }

// WithAddress sets the address that clients are told to send audio to, by
// default that of the socket.
func WithAddress(ip net.IP) Option { return func(s *settings) { s.address = ip } }

// WithTLS makes a server insist on TLS with this configuration. By default it
// has a certificate of its own making, see [Server.Certificate], and takes
// clients with and without TLS on the same port.
func WithTLS(config *tls.Config) Option { return func(s *settings) { s.tls = config } }

// WithCertificate makes a server use a certificate instead of one of its own
// making. It takes clients with and without TLS all the same. Parsed is what
// [Server.Certificate] returns, and may be nil.
func WithCertificate(pair tls.Certificate, parsed *x509.Certificate) Option {
	return func(s *settings) { s.pair, s.parsed = &pair, parsed }
}

// WithoutTLS makes a server speak plain HTTP only, as behind a proxy.
func WithoutTLS() Option { return func(s *settings) { s.plain = true } }

// WithMaxConnections sets how many connections a server has at most, 10,000 by
// default. More are answered with HTTP status 503.
func WithMaxConnections(n int) Option { return func(s *settings) { s.connections = max(1, n) } }

// WithLogger sets where a server tells what happens, nowhere by default.
func WithLogger(l *slog.Logger) Option {
	return func(s *settings) {
		if l != nil {
			s.logger = l
		}
	}
}
