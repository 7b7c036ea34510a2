package voiceserver

import "github.com/discordpkg/gateway/voiceserver/relay"

// What a [Server] shares with its pure half for audio.
type (
	// A Network is what goes wrong with audio, see [relay.Network].
	Network = relay.Network

	// RelayStats count datagrams, see [relay.Stats].
	RelayStats = relay.Stats
)

// WithPacketRate sets how many packets per second of one sender are forwarded,
// 600 by default; the shortest frames make 400. More are dropped.
func WithPacketRate(perSecond int) Option {
	return func(s *settings) error { s.audio = append(s.audio, relay.WithPacketRate(perSecond)); return nil }
}

// WithMaxDatagram sets the size in bytes of the largest datagram that is
// forwarded, 1,400 by default, up to 2,048. Larger ones are dropped and counted.
func WithMaxDatagram(bytes int) Option {
	return func(s *settings) error { s.audio = append(s.audio, relay.WithMaxDatagram(bytes)); return nil }
}

// WithSeed sets what the faults of the network follow from, see [Network].
func WithSeed(seed uint64) Option { return func(s *settings) error { s.seed = seed; return nil } }
