package gateway

import (
	"encoding/json"
	"fmt"

	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/internal/phase"
)

const (
	// maxEventName bounds what a server may call an event: names outlive
	// their message, in the counters of a bot for one. Discord's are below 50.
	maxEventName = 256

	// maxSessionID is the longest session id that is kept, in bytes. Resume
	// has to fit into 4096 with it; Discord's have 32.
	maxSessionID = 1024

	// maxResumeURL is the longest URL that is kept, in bytes.
	maxResumeURL = 2048
)

// record checks the sequence number of a dispatch and remembers it; of READY the session too.
func (s *GatewayState) record(p *GatewayPayload) error {
	if p.Seq < 0 {
		return fmt.Errorf("%w: sequence number %d", ErrMalformed, p.Seq)
	}
	if p.EventName == event.Ready {
		return s.recordReady(p)
	}
	return s.recordNumber(p)
}

func (s *GatewayState) recordNumber(p *GatewayPayload) error {
	if p.Seq == 0 {
		return nil
	}
	if gap := p.Seq - s.seq - 1; gap > 0 {
		// Resuming again would bring the same replay.
		if !s.resuming || s.phase == phase.Active {
			return fmt.Errorf("%w: from %d to %d", ErrSequenceNumberSkipped, s.seq, p.Seq)
		}
		s.missed += gap
	}
	p.Outdated = p.Seq <= s.seq
	s.seq, s.sequenced = max(s.seq, p.Seq), true
	return nil
}

func (s *GatewayState) recordReady(p *GatewayPayload) error {
	var r Ready
	if err := json.Unmarshal(p.Data, &r); err != nil {
		return fmt.Errorf("%w: ready: %w", ErrMalformed, err)
	}
	if n := len(r.SessionID); n == 0 || n > maxSessionID {
		return fmt.Errorf("%w: ready with a session id of %d bytes", ErrMalformed, n)
	}
	if s.resuming && r.SessionID == s.sessionID {
		return s.recordNumber(p) // the answer to identify, replayed
	}
	s.sessionID, s.resuming = r.SessionID, false
	s.resumeAt(r.ResumeGatewayURL)
	s.seq, s.acked, s.sequenced = p.Seq, max(0, p.Seq-1), true
	return nil
}
