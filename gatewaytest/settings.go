package gatewaytest

import (
	"errors"
	"fmt"
	"net"

	"github.com/discordpkg/gateway/gatewaytest/world"
	"github.com/discordpkg/gateway/voiceserver"
)

// An Option configures a [Server]. The error of a value that makes no sense
// names the option; [NewServer] panics with it.
type Option func(*settings) error

type settings struct {
	rules       []world.Option
	voiceServer []voiceserver.Option // not nil: there is one
	lvsp        *LVSP                // nil: voice servers are not driven over it
	voice       VoiceBackend
	listener    net.Listener
	secure      bool
}

func newSettings(options []Option) (s settings, err error) {
	for _, o := range options {
		if err := o(&s); err != nil {
			return settings{}, err
		}
	}
	if s.lvsp != nil && s.lvsp.URL == "" && s.voiceServer == nil {
		s.voiceServer = []voiceserver.Option{}
	}
	return s, world.Check(s.rules...)
}

// WithVoiceServer makes a server start a real voice server for the bots that
// join voice channels, see [Server.Voice]. It uses the certificate of the
// server, and takes clients with and without TLS.
func WithVoiceServer(options ...voiceserver.Option) Option {
	return func(s *settings) error {
		s.voiceServer = append([]voiceserver.Option{}, options...)
		return nil
	}
}

// WithListener makes a server accept connections from l, which it owns from
// then on, instead of from a port of the loopback interface.
func WithListener(l net.Listener) Option {
	return func(s *settings) error {
		if l == nil {
			return errors.New("gatewaytest: WithListener: the listener is nil")
		}
		s.listener = l
		return nil
	}
}

// WithTLS makes a server speak https and wss with a certificate of its own
// making, see [Server.Certificate].
func WithTLS() Option { return func(s *settings) error { s.secure = true; return nil } }

// must is for what a test could do nothing about.
func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("gatewaytest: NewServer: %v", err))
	}
}
