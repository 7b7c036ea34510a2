package dave

import (
	"fmt"
	"time"

	"github.com/discordpkg/gateway/opcode"
)

const (
	// maxFailures is how often in a row a session asks to be added again. It
	// bounds the work that it makes for the group.
	maxFailures = 16

	// crossingWindow is how long after a recovery messages may arrive that the
	// voice server sent before it knew.
	crossingWindow = 10 * time.Second
)

// recover tells the voice server that its message could not be processed, and
// asks to be added again.
//
// https://daveprotocol.com/#recovery-from-invalid-commit-or-welcome
func (s *Session) recover(now time.Time, id uint16, cause error) error {
	s.refuse(cause)
	if s.failures++; s.failures > maxFailures {
		return fmt.Errorf("%w: %w", ErrRecovery, cause)
	}
	if s.established {
		s.crossing = now.Add(crossingWindow)
	}
	s.reply(textMessage(opcode.DAVEInvalidCommit, transitionData{ID: id}))
	return s.startGroup(s.target)
}
