package dave

import (
	"errors"
	"fmt"
	"time"

	gateway "github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/mls"
	"github.com/discordpkg/gateway/opcode"
)

var errNoGroup = errors.New("dave: no group yet")

// A membership is the MLS half of a session: the group, and what may become of
// it.
type membership struct {
	group       *mls.Group  // nil: none; of epoch 0 until it is established
	joiner      *mls.Joiner // of the key package that was sent, nil once it is used
	established bool
	own         *Encryptor // of the group, nil: not made yet. There is only one, for no nonce to be used twice.
	proposals   []*mls.Proposal
	staged      []*mls.Staged
	failures    int       // to join, in a row
	replaced    int       // key packages that a welcome may still be for
	crossing    time.Time // until when commits may arrive of a group that was left
}

// startGroup leaves the group, if any, and makes the key package for the next
// one.
func (s *Session) startGroup(version uint16) error {
	if s.joiner != nil {
		s.replaced++
	}
	s.leave()
	s.target = version
	if version == 0 {
		return nil
	}
	joiner, err := mls.NewJoiner(identityOf(s.user), s.key)
	if err != nil {
		return fmt.Errorf("dave: key package: %w", err)
	}
	s.joiner = joiner
	s.reply(s.keyPackage())
	return s.createGroup()
}

// createGroup makes the local group that the others join if the voice server
// chooses its first commit.
//
// https://daveprotocol.com/#initial-group-creation
func (s *Session) createGroup() error {
	if s.external == nil || s.joiner == nil {
		return nil
	}
	g, err := s.joiner.CreateGroup(identityOf(s.channel), *s.external)
	if err != nil {
		return fmt.Errorf("dave: local group: %w", err)
	}
	s.forgetProposals()
	s.setOwn(nil)
	s.group = g
	if s.encryptor == nil && s.version > 0 {
		return s.encryptForGroup()
	}
	return nil
}

// leave wipes the group and the key package.
func (s *Session) leave() {
	s.forgetProposals()
	if s.group != nil {
		s.group.Wipe()
	}
	if s.joiner != nil {
		s.joiner.Wipe()
	}
	s.group, s.joiner, s.established = nil, nil, false
	s.setOwn(nil)
}

func (m *membership) forgetProposals() {
	for _, staged := range m.staged {
		staged.Next.Wipe()
	}
	m.proposals, m.staged = nil, nil
}

func (s *Session) keyPackage() gateway.VoiceMessage {
	return binaryMessage(opcode.DAVEKeyPackage, s.joiner.KeyPackage())
}

// enter makes next the group: its members can be heard at once, and are spoken
// to when the transition is executed.
func (s *Session) enter(now time.Time, next *mls.Group, id uint16) error {
	encryptor, err := encryptorOf(next, s.user)
	if err != nil {
		return err
	}
	s.leave()
	s.group, s.own, s.established, s.failures, s.replaced = next, encryptor, true, 0, 0
	s.era++
	for _, user := range usersOf(next) {
		if user == s.user {
			continue
		}
		if err := s.addKey(now, user); err != nil {
			return err
		}
	}
	return s.prepare(now, transition{id: id, version: s.target, encryptor: encryptor, era: s.era})
}
