package gateway

import (
	"errors"
	"fmt"

	"github.com/discordpkg/gateway/closecode"
)

// A VoiceOption configures a new voice state. It may be applied to many
// states, one after another.
type VoiceOption func(st *VoiceGatewayState) error

// WithE2EE encrypts audio end to end. Without it Identify offers no version of
// the protocol, and Discord lets the client into stage channels only: it
// closes with 4017 everywhere else.
func WithE2EE(e E2EE) VoiceOption {
	return func(s *VoiceGatewayState) error {
		if e == nil {
			return errors.New("gateway: end-to-end encryption is nil")
		}
		s.e2ee = e
		return nil
	}
}

// WithVoiceDecision replaces [closecode.Voice.Decision], the table of what to
// do after each close code. A function that changes one row calls the table
// for the others. [closecode.Identify], a word of the main gateway, is taken
// for [closecode.NewSession].
func WithVoiceDecision(decide func(code closecode.Voice) closecode.Decision) VoiceOption {
	return func(s *VoiceGatewayState) error {
		if decide == nil {
			return errors.New("gateway: voice decision is nil")
		}
		s.decide = decide
		return nil
	}
}

// WithVoiceJitter replaces the source of randomness in [0, 1): the share of
// the interval before the first heartbeat.
func WithVoiceJitter(random func() float64) VoiceOption {
	return func(s *VoiceGatewayState) error {
		if random == nil {
			return errors.New("gateway: jitter is nil")
		}
		s.jitter = random
		return nil
	}
}

// WithVoiceBufferPool makes states share the buffers of messages.
func WithVoiceBufferPool(p BufferPool) VoiceOption {
	return func(s *VoiceGatewayState) error { s.pool = p; return nil }
}

// WithVoiceMessageLimit sets the size in bytes from which on an inbound
// message ends the connection, 4 MiB by default.
func WithVoiceMessageLimit(bytes int) VoiceOption {
	return func(s *VoiceGatewayState) error {
		if bytes < 4096 {
			return fmt.Errorf("gateway: message limit of %d bytes is below 4096", bytes)
		}
		s.limit = bytes
		return nil
	}
}
