package gateway

import (
	"io"
	"time"

	"github.com/discordpkg/gateway/opcode"
)

// handleInvalidSession schedules the end of the connection. The session is
// forgotten at once, unless Discord says that it may be resumed.
//
// https://discord.com/developers/docs/events/gateway-events#invalid-session
func (s *GatewayState) handleInvalidSession(p *GatewayPayload) {
	s.resumable = s.HaveSessionID() && string(p.Data) == "true"
	if !s.resumable {
		s.dropSession()
	}
	s.follow(true, p.Op, "")
	s.identifyAt, s.beatAt = time.Time{}, time.Time{}
	if s.invalidAt.IsZero() {
		// A client waits a random time between 1 and 5 seconds.
		s.invalidAt = s.now.Add(time.Second + time.Duration(s.jitter()*float64(4*time.Second)))
	}
}

// leaveInvalidSession ends the connection after the wait. The session is kept if
// Discord said that it may be resumed.
func (s *GatewayState) leaveInvalidSession(closeWriter io.Writer) error {
	err := &DiscordError{OpCode: opcode.InvalidSession, resumable: s.resumable}
	if s.resumable {
		err.Reason = "the session may be resumed"
		_ = s.WriteRestartClose(closeWriter)
	} else {
		err.Reason = "the session cannot be resumed"
		s.InvalidateSession(closeWriter)
	}
	return err
}
