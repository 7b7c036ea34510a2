package voiceserver

import "github.com/discordpkg/gateway/internal/rtp"

// WithNonces leaves the server so many nonces for each key.
func WithNonces(left uint32) Option {
	return func(s *settings) { s.nonces = rtp.Nonces{Next: 1 << 31, Left: left} }
}

// Queue returns for how many frames a connection has memory.
func (c *Conn) Queue() int { return cap(c.out) }
