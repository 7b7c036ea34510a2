package voiceserver

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/discordpkg/gateway/voiceserver/relay"
	"github.com/discordpkg/gateway/voiceserver/signaling"
)

// An Option configures a [Server]. The error of a value that makes no sense
// names the option.
type Option func(*settings) error

type settings struct {
	rules []signaling.Option
	audio []relay.Option
	seed  uint64 // of the faults

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
	perAddress  int // connections that have not identified
	addressRate int // new connections a second
	capacity    int // packets per second
	logger      *slog.Logger
}

// newSettings returns the settings. In case of an error they tell which sockets
// are to be closed.
func newSettings(options []Option) (s settings, err error) {
	s = settings{
		ports:       1,
		connections: 10_000,
		perAddress:  64,
		addressRate: 100,
		capacity:    100_000,
		logger:      slog.New(slog.DiscardHandler),
	}
	for _, o := range options {
		if e := o(&s); e != nil && err == nil {
			err = e
		}
	}
	return s, err
}

// WithListener makes a server accept connections from l, which it owns from
// then on, instead of from a port of the loopback interface.
func WithListener(l net.Listener) Option {
	return func(s *settings) error { s.listener = l; return nil }
}

// WithPacketConns makes a server send and receive audio on these sockets,
// which it owns from then on, instead of on a port of the loopback interface.
// All audio of a channel goes over one socket, and each socket is served by a
// goroutine of its own.
func WithPacketConns(sockets ...net.PacketConn) Option {
	return func(s *settings) error {
		s.sockets = append([]net.PacketConn(nil), sockets...)
		if len(sockets) == 0 {
			return errors.New("voiceserver: WithPacketConns: no sockets")
		}
		return nil
	}
}

// WithPorts sets how many sockets a server opens for audio, 1 by default and
// 256 at most.
func WithPorts(n int) Option {
	return func(s *settings) error {
		if n < 1 || n > maxPorts {
			return fmt.Errorf("voiceserver: WithPorts: %d ports, must be 1 to %d", n, maxPorts)
		}
		s.ports = n
		return nil
	}
}

const maxPorts = 256

// WithEndpoint sets the host and port that clients are sent to, by default the
// address that the server listens on.
func WithEndpoint(hostport string) Option {
	return func(s *settings) error {
		if hostport == "" {
			return errors.New("voiceserver: WithEndpoint: the endpoint is empty")
		}
		s.endpoint = hostport
		return nil
	}
}

// WithAddress sets the address that clients are told to send audio to, by
// default that of the socket.
func WithAddress(ip net.IP) Option {
	return func(s *settings) error {
		if ip.To16() == nil {
			return errors.New("voiceserver: WithAddress: not an IP address")
		}
		s.address = ip
		return nil
	}
}

// WithTLS makes a server insist on TLS with this configuration. By default it
// has a certificate of its own making, see [Server.Certificate], and takes
// clients with and without TLS on the same port.
func WithTLS(config *tls.Config) Option {
	return func(s *settings) error {
		if config == nil {
			return errors.New("voiceserver: WithTLS: the configuration is nil")
		}
		s.tls = config
		return nil
	}
}

// WithCertificate makes a server use a certificate instead of one of its own
// making. It takes clients with and without TLS all the same. Parsed is what
// [Server.Certificate] returns, and may be nil.
func WithCertificate(pair tls.Certificate, parsed *x509.Certificate) Option {
	return func(s *settings) error { s.pair, s.parsed = &pair, parsed; return nil }
}

// WithoutTLS makes a server speak plain HTTP only, as behind a proxy.
func WithoutTLS() Option { return func(s *settings) error { s.plain = true; return nil } }

// WithMaxConnections sets how many connections a server has at most, 10,000 by
// default. More are answered with HTTP status 503.
func WithMaxConnections(n int) Option {
	return func(s *settings) error {
		if n < 1 {
			return fmt.Errorf("voiceserver: WithMaxConnections: %d connections, must be 1 at least", n)
		}
		s.connections = n
		return nil
	}
}

// WithLogger sets where a server logs what happens. By default it does not.
func WithLogger(l *slog.Logger) Option {
	return func(s *settings) error {
		if l == nil {
			return errors.New("voiceserver: WithLogger: the logger is nil")
		}
		s.logger = l
		return nil
	}
}
