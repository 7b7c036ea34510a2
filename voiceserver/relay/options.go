package relay

import (
	"fmt"

	"github.com/discordpkg/gateway/internal/rtp"
)

// An Option configures a [Relay]. The error of a value that makes no sense
// names the option.
type Option func(*settings) error

type settings struct {
	packetRate int        // per second and sender
	datagram   int        // bytes of the largest one
	nonces     rtp.Nonces // of the server, for each key
	seed       uint64
}

func newSettings(options []Option) (settings, error) {
	s := settings{packetRate: 600, datagram: DefaultDatagram, nonces: rtp.ServerNonces()}
	for _, o := range options {
		if err := o(&s); err != nil {
			return settings{}, err
		}
	}
	return s, nil
}

// WithPacketRate sets how many packets per second of one sender are forwarded,
// 600 by default; the shortest frames make 400. More are dropped.
func WithPacketRate(perSecond int) Option {
	return func(s *settings) error {
		if perSecond < 1 || perSecond > maxPacketRate {
			return fmt.Errorf("relay: WithPacketRate: %d packets per second, must be 1 to %d", perSecond, maxPacketRate)
		}
		s.packetRate = perSecond
		return nil
	}
}

// WithMaxDatagram sets the size in bytes of the largest datagram that is
// forwarded, [DefaultDatagram] by default. Larger ones are dropped and counted.
func WithMaxDatagram(bytes int) Option {
	return func(s *settings) error {
		if bytes < minDatagram || bytes > MaxDatagram {
			return fmt.Errorf("relay: WithMaxDatagram: %d bytes, must be %d to %d", bytes, minDatagram, MaxDatagram)
		}
		s.datagram = bytes
		return nil
	}
}

// minDatagram has room for 20 ms of speech.
const minDatagram = 200

// maxPacketRate is one packet in a nanosecond.
const maxPacketRate = 1_000_000_000

// WithSeed sets what the faults of the network follow from, see [Network].
func WithSeed(seed uint64) Option { return func(s *settings) error { s.seed = seed; return nil } }

// WithNonces limits how many packets are sealed with one key, about two
// billion by default: as many as there are nonces. A key without nonces is
// reported with [ReportWornOut].
func WithNonces(left uint32) Option {
	return func(s *settings) error {
		if left == 0 || left > 1<<31 {
			return fmt.Errorf("relay: WithNonces: %d nonces, must be 1 to %d", left, uint32(1<<31))
		}
		s.nonces = rtp.Nonces{Next: 1 << 31, Left: left}
		return nil
	}
}
