package dave

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	gateway "github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/mls"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

// maxFailures is how often in a row a session asks to be added again. It
// bounds the work it makes for everybody in the group.
const maxFailures = 16

// crossingWindow is how long after a recovery messages may arrive that the
// voice server sent before it knew.
const crossingWindow = 10 * time.Second

// handleCommit follows the commit that won.
//
// https://daveprotocol.com/#commit-handling
func (s *Session) handleCommit(now time.Time, m gateway.VoiceMessage) ([]gateway.VoiceMessage, error) {
	id, commit, err := transitionID(m)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(s.staged, func(own *mls.Staged) bool { return bytes.Equal(own.Commit, commit) }); i >= 0 {
		next := s.staged[i].Next
		s.staged = slices.Delete(s.staged, i, i+1)
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

// handleForeignCommit handles a commit without being in the group. After a
// recovery it may have crossed the request to be added again. Else the voice
// server takes the session for a member: for the one that made the first
// commit, to the letter.
//
// https://daveprotocol.com/#client-commit-validity
func (s *Session) handleForeignCommit(now time.Time, id uint16, commit []byte) ([]gateway.VoiceMessage, error) {
	info, err := mls.InspectCommit(commit)
	if s.target == 0 || now.Before(s.crossing) && (err != nil || info.Epoch > 0) {
		s.refuse(errNoGroup)
		return nil, nil
	}
	return s.recover(now, id, errNoGroup)
}

// handleWelcome joins the group, if it is what it should be.
//
// https://daveprotocol.com/#welcome-handling
func (s *Session) handleWelcome(now time.Time, m gateway.VoiceMessage) ([]gateway.VoiceMessage, error) {
	id, welcome, err := transitionID(m)
	if err != nil {
		return nil, err
	}
	switch {
	case s.target == 0:
		s.refuse(errNoGroup)
		return nil, nil
	case s.joiner == nil || s.external == nil:
		return s.recover(now, id, errNoGroup)
	}
	policy := mls.JoinPolicy{GroupID: identityOf(s.channel), ExternalSender: *s.external, Recognised: s.users.mayBeIn}
	next, err := s.joiner.Join(welcome, policy)
	switch {
	case errors.Is(err, mls.ErrNotForUs) && s.replaced > 0:
		s.replaced--
		s.refuse(err) // it crossed a newer key package on its way
		return nil, nil
	case err != nil:
		return s.recover(now, id, err)
	}
	return s.enter(now, next, id)
}

// recover tells the voice server that its message could not be processed, and
// asks to be added again.
//
// https://daveprotocol.com/#recovery-from-invalid-commit-or-welcome
func (s *Session) recover(now time.Time, id uint16, cause error) ([]gateway.VoiceMessage, error) {
	s.refuse(cause)
	if s.failures++; s.failures > maxFailures {
		return nil, fmt.Errorf("%w: %w", ErrRecovery, cause)
	}
	if s.established {
		s.crossing = now.Add(crossingWindow)
	}
	replies, err := s.startGroup(s.target)
	return append([]gateway.VoiceMessage{textMessage(opcode.DAVEInvalidCommit, transitionData{ID: id})}, replies...), err
}

// enter makes next the group: its members can be heard at once, and are spoken
// to when the transition is executed.
func (s *Session) enter(now time.Time, next *mls.Group, id uint16) ([]gateway.VoiceMessage, error) {
	encryptor, err := encryptorOf(next, s.user)
	if err != nil {
		return nil, err
	}
	s.leave()
	s.group, s.own, s.established, s.failures, s.replaced = next, encryptor, true, 0, 0
	s.era++
	for _, user := range usersOf(next) {
		if user == s.user {
			continue
		}
		if err := s.addKey(now, user); err != nil {
			return nil, err
		}
	}
	return s.prepare(now, transition{id: id, version: s.target, encryptor: encryptor, era: s.era})
}

// addKey derives the key of a member for the epoch of the group.
func (s *Session) addKey(now time.Time, user snowflake.ID) error {
	secret, err := baseSecret(s.group, user)
	if err != nil {
		return err
	}
	defer clear(secret)
	d := s.decryptors[user]
	if d == nil {
		d = &Decryptor{}
		s.decryptors[user] = d
	}
	return d.add(now, s.era, secret)
}

// baseSecret is what the ratchet of a member starts from.
//
// https://daveprotocol.com/#sender-key-derivation
func baseSecret(g *mls.Group, user snowflake.ID) ([]byte, error) {
	context := binary.LittleEndian.AppendUint64(nil, uint64(user))
	secret, err := g.Export("Discord Secure Frames v0", context, baseSecretSize)
	if err != nil {
		return nil, fmt.Errorf("dave: sender key: %w", err)
	}
	return secret, nil
}

func encryptorOf(g *mls.Group, user snowflake.ID) (*Encryptor, error) {
	secret, err := baseSecret(g, user)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	return NewEncryptor(secret)
}
