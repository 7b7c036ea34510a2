package voiceserver

import "github.com/discordpkg/gateway/voiceserver/relay"

// WithNonces leaves the server so many nonces for each key.
func WithNonces(left uint32) Option {
	return func(s *settings) error { s.audio = append(s.audio, relay.WithNonces(left)); return nil }
}
