package lifecycle

import (
	"errors"
	"fmt"
	"time"
)

// ErrHandshakeTimeout is matched by the error of a connection on which Discord
// did not say in time what it had to say: Hello, or an answer to identify or resume.
var ErrHandshakeTimeout = errors.New("lifecycle: handshake timed out")

// Traffic is what came in on a connection. The counters may begin anywhere, but
// must not fall while the connection lasts.
type Traffic struct {
	Bytes  uint64 // that were read from the network
	Events uint64 // dispatches
	Busy   bool   // a handler runs, and nothing is read meanwhile
}

// A handshake is the time that Discord has for an answer. It moves while bytes
// arrive: a READY of many guilds may take longer than the limit on a slow line.
type handshake struct {
	begun   time.Time
	moved   time.Time // last sample with progress
	sampled time.Time
	last    Traffic // at that time
	first   Traffic // when it began
}

// samples is how many samples of the rate are taken within the limit.
const samples = 6

func (h *handshake) begin(now time.Time, t Traffic) {
	*h = handshake{begun: now, moved: now, sampled: now, last: t, first: t}
}

// next returns when the next sample, or the end, is due.
func (h *handshake) next(l Limits) time.Time {
	next := h.sampled.Add(l.Handshake / samples)
	for _, end := range [...]time.Time{h.moved.Add(l.Handshake), h.begun.Add(l.HandshakeMax)} {
		if end.Before(next) {
			next = end
		}
	}
	return next
}

// judge takes a sample and reports whether the connection may go on.
func (h *handshake) judge(now time.Time, t Traffic, l Limits, replay bool) bool {
	enough := uint64(now.Sub(h.sampled).Seconds() * float64(l.HandshakeRate))
	switch {
	case t.Busy, replay && t.Events > h.last.Events:
		// Nothing is read while a handler runs. A replay may be long: its events
		// are progress that no limit ends.
		h.begun, h.moved = now, now
	case t.Bytes > h.last.Bytes && t.Bytes-h.last.Bytes >= enough:
		h.moved = now
	}
	h.sampled, h.last = now, t
	return now.Before(h.moved.Add(l.Handshake)) && now.Before(h.begun.Add(l.HandshakeMax))
}

func (s *Shard) overdue() error {
	awaited := "hello"
	switch {
	case s.phase == ShardAuthenticating && s.resumes:
		awaited = "an answer to resume"
	case s.phase == ShardAuthenticating:
		awaited = "an answer to identify"
	}
	return fmt.Errorf("%w: no sign of %s for %v", ErrHandshakeTimeout, awaited, s.now.Sub(s.handshake.begun).Round(time.Second))
}
