package dave

import (
	"bytes"
	"errors"

	"github.com/discordpkg/gateway/internal/mls"
)

var errSenderChange = errors.New("dave: another external sender in the same group")

// setExternalSender takes the voice server's key, which no established group
// can change.
//
// https://daveprotocol.com/#external-sender
func (s *Session) setExternalSender(data []byte) error {
	sender, err := mls.ParseExternalSender(data)
	switch {
	case err != nil:
		return refused{err}
	case s.external != nil && bytes.Equal(s.external.Append(nil), data):
		return nil
	case s.established:
		return refused{errSenderChange}
	}
	s.external = &sender
	if s.group != nil {
		s.group.Wipe()
	}
	return s.createGroup()
}
