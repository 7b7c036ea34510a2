package gateway

import (
	"bytes"
	"fmt"
	"net" // for net.ErrClosed only
	"strconv"
	"time"

	"github.com/discordpkg/gateway/closecode"
)

// NextDeadline returns the time at which HandleTimeout must be called, zero
// when nothing is scheduled. It changes only in calls to the state.
func (s *VoiceGatewayState) NextDeadline() time.Time {
	if s.closed {
		return time.Time{}
	}
	return s.heart.Next()
}

// HandleTimeout does what is due at now: it writes a heartbeat, or closes a
// connection whose last heartbeat met only silence. An early call does
// nothing. The connection is over when the error is not nil.
func (s *VoiceGatewayState) HandleTimeout(now time.Time, w VoiceWriters) error {
	s.Advance(now)
	if s.closed {
		return net.ErrClosed
	}
	due, dead := s.heart.Due(s.now)
	if dead {
		_ = s.WriteRestartClose(w.Close)
		return &VoiceError{Decision: closecode.Resume, Err: fmt.Errorf("%w, and nothing else received", ErrZombie)}
	}
	if !due {
		return nil
	}
	if err := s.Heartbeat(w.Text); err != nil {
		s.shut()
		return err
	}
	return nil
}

// startHeart arms the heartbeat. The interval is in milliseconds.
func (s *VoiceGatewayState) startHeart(interval float64) error {
	if interval < 1 || interval > float64(maxInterval.Milliseconds()) {
		return fmt.Errorf("%w: hello: heartbeat interval of %v ms", ErrMalformed, interval)
	}
	s.heart.Start(s.now, time.Duration(interval*float64(time.Millisecond)), s.jitter())
	return nil
}

// Latency returns the time the last acknowledged heartbeat took, zero before any.
func (s *VoiceGatewayState) Latency() time.Duration { return s.beats.latency }

// beats are the last heartbeats that wait for an answer. Unlike those of the
// main gateway they have a name, the nonce, so that a lost or belated answer
// is not taken for another one.
//
// https://discord.com/developers/docs/topics/voice-connections#heartbeating
type beats struct {
	nonce   int64 // of the last one
	waiting [4]struct {
		nonce int64
		sent  time.Time
	}
	n       int
	latency time.Duration
}

// next returns a nonce that no beat before had: the time in milliseconds,
// which is what Discord's examples show.
func (b *beats) next(now time.Time) int64 { return max(now.UnixMilli(), b.nonce+1) }

// sent records a beat. The oldest one is given up if there are too many.
func (b *beats) sent(nonce int64, now time.Time) {
	if b.n == len(b.waiting) {
		b.forget(1)
	}
	b.nonce = nonce
	b.waiting[b.n].nonce, b.waiting[b.n].sent = nonce, now
	b.n++
}

// acked records an answer, {"t":nonce}, and reports whether it names a beat
// that waits for one. Those before it are given up: answers come in order.
func (b *beats) acked(data []byte, now time.Time) bool {
	data = bytes.TrimSpace(data)
	if len(data) > 0 && data[0] == '{' {
		data = jsonNumber(data, "t")
	}
	nonce, err := strconv.ParseInt(string(data), 10, 64)
	if err != nil {
		return false
	}
	for i, w := range b.waiting[:b.n] {
		if w.nonce == nonce {
			b.latency = max(0, now.Sub(w.sent))
			b.forget(i + 1)
			return true
		}
	}
	return false
}

// forget drops the oldest k beats.
func (b *beats) forget(k int) { b.n = copy(b.waiting[:], b.waiting[k:b.n]) }
