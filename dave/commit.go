package dave

import (
	"bytes"
	"errors"
	"slices"
	"time"

	gateway "github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/mls"
	"github.com/discordpkg/gateway/opcode"
)

// maxStaged is how many commits of its own a session keeps in one epoch: each
// may still win.
const maxStaged = 8

// handleCommit follows the commit that won.
//
// https://daveprotocol.com/#commit-handling
func (s *Session) handleCommit(now time.Time, m gateway.VoiceMessage) error {
	id, commit, err := transitionID(m)
	if err != nil {
		return err
	}
	if next := s.takeStaged(commit); next != nil {
		return s.enter(now, next, id)
	}
	if !s.established {
		return s.handleForeignCommit(now, id, commit)
	}
	next, err := s.group.Process(commit, s.proposals)
	switch {
	case errors.Is(err, mls.ErrRemoved):
		return s.startGroup(s.target)
	case err != nil:
		return s.recover(now, id, err)
	}
	return s.enter(now, next, id)
}

// takeStaged returns the group that a commit of the session's own leads to, nil
// for another's.
func (s *Session) takeStaged(commit []byte) *mls.Group {
	i := slices.IndexFunc(s.staged, func(own *mls.Staged) bool { return bytes.Equal(own.Commit, commit) })
	if i < 0 {
		return nil
	}
	next := s.staged[i].Next
	s.staged = slices.Delete(s.staged, i, i+1)
	return next
}

// handleForeignCommit handles a commit without being in the group. After a
// recovery it may have crossed the request to be added again. Else the voice
// server takes the session for a member: for the one that made the first
// commit, to the letter.
//
// https://daveprotocol.com/#client-commit-validity
func (s *Session) handleForeignCommit(now time.Time, id uint16, commit []byte) error {
	info, err := mls.InspectCommit(commit)
	if s.target == 0 || now.Before(s.crossing) && (err != nil || info.Epoch > 0) {
		return refused{errNoGroup}
	}
	return s.recover(now, id, errNoGroup)
}

// commit makes a commit of all that is queued. The voice server takes the first
// that it gets; one that was made before a proposal was revoked may still win.
//
// https://daveprotocol.com/#commit-ordering
func (s *Session) commit() error {
	staged, err := s.group.Commit(s.proposals)
	switch {
	case errors.Is(err, mls.ErrSelfRemove):
		return nil // others do, and then there is a welcome
	case err != nil:
		return refused{err}
	}
	if len(s.staged) == maxStaged {
		s.staged[0].Next.Wipe()
		s.staged = slices.Delete(s.staged, 0, 1)
	}
	s.staged = append(s.staged, staged)
	s.reply(commitMessage(staged))
	return nil
}

func commitMessage(staged *mls.Staged) gateway.VoiceMessage {
	return binaryMessage(opcode.DAVECommitWelcome, slices.Concat(staged.Commit, staged.Welcome))
}
