package dave

import (
	"errors"
	"time"

	gateway "github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/mls"
)

// handleWelcome joins the group, if it is what it should be.
//
// https://daveprotocol.com/#welcome-handling
func (s *Session) handleWelcome(now time.Time, m gateway.VoiceMessage) error {
	id, welcome, err := transitionID(m)
	switch {
	case err != nil:
		return err
	case s.target == 0:
		return refused{errNoGroup}
	case s.joiner == nil || s.external == nil:
		return s.recover(now, id, errNoGroup)
	}
	policy := mls.JoinPolicy{GroupID: identityOf(s.channel), ExternalSender: *s.external, Recognised: s.users.mayBeIn}
	next, err := s.joiner.Join(welcome, policy)
	switch {
	case errors.Is(err, mls.ErrNotForUs) && s.replaced > 0:
		s.replaced--
		return refused{err} // it crossed a newer key package on its way
	case err != nil:
		return s.recover(now, id, err)
	}
	return s.enter(now, next, id)
}
