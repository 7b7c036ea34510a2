package voiceserver

import (
	"fmt"
	"time"
)

// WithCapacity sets how many packets per second the server can send, 100,000
// by default. It refuses nothing beyond: backends are told how much of it is
// left, as health, so that they send calls elsewhere.
func WithCapacity(packetsPerSecond int) Option {
	return func(s *settings) error {
		if packetsPerSecond < 1 {
			return fmt.Errorf("voiceserver: WithCapacity: %d packets per second, must be 1 at least", packetsPerSecond)
		}
		s.capacity = packetsPerSecond
		return nil
	}
}

// A loadMeter measures how busy a server is.
type loadMeter struct {
	at        time.Time // of the last measurement
	forwarded uint64    // until then
	rate      float64   // packets per second, before
}

// loadPeriod is the shortest time over which packets are counted.
const loadPeriod = time.Second

// health returns the share of what is scarcest that is not in use, from 0 to 1:
// of connections, or of packets per second. A server that drains has none.
func (l *loadMeter) health(now time.Time, s *Server) float64 {
	s.mu.Lock()
	open, closing := s.rules.Open(), s.closed || s.draining
	s.mu.Unlock()
	if closing {
		return 0
	}
	l.measure(now, s)
	used := max(float64(open)/float64(s.cfg.connections), l.rate/float64(s.cfg.capacity))
	return 1 - min(used, 1)
}

func (l *loadMeter) measure(now time.Time, s *Server) {
	elapsed := now.Sub(l.at)
	if elapsed < loadPeriod {
		return
	}
	var forwarded uint64
	for _, p := range s.ports {
		forwarded += p.stats().Forwarded
	}
	if !l.at.IsZero() {
		l.rate = float64(forwarded-l.forwarded) / elapsed.Seconds()
	}
	l.at, l.forwarded = now, forwarded
}
