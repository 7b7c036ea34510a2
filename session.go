package gateway

import (
	"io"

	"github.com/discordpkg/gateway/intent"
)

// A Session is what survives a connection. It is plain data without the
// token: store it anywhere, and give it to the next state with [WithSession].
type Session struct {
	ID        string `json:"id"`
	ResumeURL string `json:"resume_url"`
	Seq       int64  `json:"seq"` // last sequence number received, or acknowledged, see [WithManualAcknowledge]
}

// Session returns what the next state (or process) resumes with. It reports
// false when there is nothing to resume: before READY, and after the session
// ended.
func (s *GatewayState) Session() (Session, bool) {
	if s.sessionID == "" {
		return Session{}, false
	}
	return Session{ID: s.sessionID, ResumeURL: s.resumeURL, Seq: s.ackedSeq()}, true
}

// Intents returns what the state identifies with: the intents that were named, and
// those that follow from [WithGuildEvents] and [WithDirectMessageEvents].
func (s *GatewayState) Intents() intent.Type { return s.intents }

// SessionID returns the id of the session, empty when there is none.
func (s *GatewayState) SessionID() string { return s.sessionID }

// ResumeURL returns the URL that Discord gave for resuming, without query. It
// is empty when Discord gave none, and when [JudgeURL] refused it, see
// [GatewayState.ResumeURLRefused].
func (s *GatewayState) ResumeURL() string { return s.resumeURL }

// HaveSessionID reports whether there is a session.
func (s *GatewayState) HaveSessionID() bool { return s.sessionID != "" }

// Acknowledge tells the state that every dispatch up to seq was handled, see
// [WithManualAcknowledge]. Numbers never received and numbers below the last
// one acknowledged are ignored.
func (s *GatewayState) Acknowledge(seq int64) {
	if seq > s.acked && seq <= s.seq {
		s.acked = seq
	}
}

// ackedSeq returns the sequence number up to which nothing need be replayed.
func (s *GatewayState) ackedSeq() int64 {
	if s.manualAck {
		return s.acked
	}
	return s.seq
}

// InvalidateSession forgets the session and closes the connection with 1000.
func (s *GatewayState) InvalidateSession(closeWriter io.Writer) {
	_ = s.WriteNormalClose(closeWriter)
	s.dropSession()
}

func (s *GatewayState) dropSession() {
	s.sessionID, s.resumeURL, s.resumeRefused = "", "", nil
}
