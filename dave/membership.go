package dave

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	gateway "github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/mls"
	"github.com/discordpkg/gateway/opcode"
)

const (
	maxProposals = 4096 // queued in one epoch
	maxStaged    = 8    // own commits in one epoch that may still win
)

// Why a message was refused, see [Session.Refusal].
var (
	errNoGroup      = errors.New("dave: no group yet")
	errSenderChange = errors.New("dave: another external sender in the same group")
	errProposals    = errors.New("dave: malformed list of proposals")
	errUnrecognised = errors.New("dave: somebody is to be added who is not in the channel")
)

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
func (s *Session) startGroup(version uint16) ([]gateway.VoiceMessage, error) {
	if s.joiner != nil {
		s.replaced++
	}
	s.leave()
	s.target = version
	if version == 0 {
		return nil, nil
	}
	joiner, err := mls.NewJoiner(identityOf(s.user), s.key)
	if err != nil {
		return nil, fmt.Errorf("dave: key package: %w", err)
	}
	s.joiner = joiner
	if err := s.createGroup(); err != nil {
		return nil, err
	}
	return []gateway.VoiceMessage{s.keyPackage()}, nil
}

// createGroup makes the local group that becomes everybody's if the voice
// server chooses its first commit.
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

// setExternalSender takes the voice server's key, which no established group
// can change.
//
// https://daveprotocol.com/#external-sender
func (s *Session) setExternalSender(data []byte) error {
	sender, err := mls.ParseExternalSender(data)
	switch {
	case err != nil:
		s.refuse(err)
		return nil
	case s.external != nil && bytes.Equal(s.external.Append(nil), data):
		return nil
	case s.established:
		s.refuse(errSenderChange)
		return nil
	}
	s.external = &sender
	if s.group != nil {
		s.group.Wipe()
	}
	return s.createGroup()
}

// handleProposals queues or revokes proposals, and commits what is queued.
//
// https://daveprotocol.com/#proposal-handling
func (s *Session) handleProposals(data []byte) []gateway.VoiceMessage {
	if s.group == nil {
		s.refuse(errNoGroup)
		return nil
	}
	if len(data) == 0 {
		s.refuse(errProposals)
		return nil
	}
	list, rest, ok := vector(data[1:])
	switch {
	case !ok || len(rest) > 0 || data[0] > revokeProposals:
		s.refuse(errProposals)
		return nil
	case data[0] == revokeProposals:
		ok = s.revoke(list)
	default:
		ok = s.queue(list)
	}
	if !ok || len(s.proposals) == 0 {
		return nil
	}
	return s.commit()
}

// queue appends proposals. One that is wrong takes the others with it, except
// an Add of somebody unknown. It reports whether the queue has changed.
func (s *Session) queue(list []byte) bool {
	queued := s.proposals
	for len(list) > 0 {
		p, rest, err := s.group.ParseProposal(list)
		list = rest
		switch {
		case err != nil:
			s.refuse(err)
			return false
		case len(queued) == maxProposals:
			s.refuse(errProposals)
			return false
		case p.Add != nil && !s.users.mayJoin(p.Add.Identity()):
			s.refuse(errUnrecognised)
		case !slices.ContainsFunc(queued, func(q *mls.Proposal) bool { return bytes.Equal(q.Ref, p.Ref) }):
			queued = append(queued[:len(queued):len(queued)], p)
		}
	}
	changed := len(queued) > len(s.proposals)
	s.proposals = queued
	return changed
}

// revoke takes proposals back. It reports whether the queue has changed.
func (s *Session) revoke(list []byte) bool {
	refs, ok := parseRefs(list)
	if !ok {
		s.refuse(errProposals)
		return false
	}
	before := len(s.proposals)
	s.proposals = slices.DeleteFunc(s.proposals, func(p *mls.Proposal) bool {
		return slices.ContainsFunc(refs, func(ref []byte) bool { return bytes.Equal(ref, p.Ref) })
	})
	return len(s.proposals) < before
}

// commit makes a commit of all that is queued. The voice server takes the first
// of everybody's; one that was made before a proposal was revoked may still win.
//
// https://daveprotocol.com/#commit-ordering
func (s *Session) commit() []gateway.VoiceMessage {
	staged, err := s.group.Commit(s.proposals)
	if errors.Is(err, mls.ErrSelfRemove) {
		return nil // others do, and then there is a welcome
	}
	if err != nil {
		s.refuse(err)
		return nil
	}
	if len(s.staged) == maxStaged {
		s.staged[0].Next.Wipe()
		s.staged = slices.Delete(s.staged, 0, 1)
	}
	s.staged = append(s.staged, staged)
	return []gateway.VoiceMessage{commitMessage(staged)}
}

func commitMessage(staged *mls.Staged) gateway.VoiceMessage {
	return binaryMessage(opcode.DAVECommitWelcome, slices.Concat(staged.Commit, staged.Welcome))
}
