package jitter

import (
	"time"

	"github.com/discordpkg/gateway/voiceshard/internal/histogram"
)

// pause is the difference between two packets that no network makes: the
// source was silent, and its timestamps did not count it, or it began anew.
const pause = time.Second

const clockRate = 48000 // of Opus in RTP, in Hz

// A Meter measures how unevenly the packets of one source arrive: by how much
// the time between two arrivals differs from that between their timestamps. It
// wants them in the order in which they arrived. The zero value is ready.
type Meter struct {
	arrived   time.Time
	timestamp uint32
	started   bool
	jitter    time.Duration // times 16
	spread    histogram.Histogram
}

// Observe counts a packet.
func (m *Meter) Observe(now time.Time, timestamp uint32) {
	if m.started {
		sent := time.Duration(int32(timestamp-m.timestamp)) * time.Second / clockRate
		d := (now.Sub(m.arrived) - sent).Abs()
		if d < pause {
			m.jitter += d - (m.jitter+8)/16
			m.spread.Observe(d)
		}
	}
	m.arrived, m.timestamp, m.started = now, timestamp, true
}

// Jitter returns the interarrival jitter: the differences of the last packets,
// smoothed. Pauses of a second and more do not count.
//
// https://www.rfc-editor.org/rfc/rfc3550#section-6.4.1
func (m *Meter) Jitter() time.Duration { return m.jitter / 16 }

// Spread returns all differences observed. It belongs to the meter.
func (m *Meter) Spread() *histogram.Histogram { return &m.spread }
