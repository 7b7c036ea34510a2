package dave

import (
	"errors"
	"slices"
	"time"

	gateway "github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/opcode"
)

const (
	// maxTransitions is how many may be prepared and not executed.
	maxTransitions = 16

	// downgradeWindow is how long frames in clear are taken after a downgrade
	// was announced, if it is not executed.
	downgradeWindow = 30 * time.Second
)

var errTransition = errors.New("dave: the transition was not prepared")

// A transition is a change of what senders do, which all make at the same time.
//
// https://daveprotocol.com/#protocol-version-changes
type transition struct {
	id        uint16
	version   uint16
	encryptor *Encryptor // for the epoch it leads to, nil if that stays
	era       uint64     // of that epoch
}

func ready(id uint16) gateway.VoiceMessage {
	return textMessage(opcode.DAVETransitionReady, transitionData{ID: id})
}

// prepareTransition handles the announcement of another version: of a
// downgrade, or of what is executed at once.
func (s *Session) prepareTransition(now time.Time, m gateway.VoiceMessage) error {
	d, err := decode[transitionData](m)
	switch {
	case err != nil:
		return err
	case d.Version == nil:
		return malformed(m.Op, "no protocol version")
	}
	if err := s.checkVersion(*d.Version); err != nil {
		return err
	}
	if *d.Version == 0 && d.ID != initTransition {
		s.clear.extend(now.Add(downgradeWindow))
	}
	return s.prepare(now, transition{id: d.ID, version: *d.Version})
}

// prepare keeps a transition until it is executed, which it may be at once.
func (s *Session) prepare(now time.Time, t transition) error {
	if t.id == initTransition {
		s.forgetTransitions() // they would lead back
		return s.execute(now, t)
	}
	if i := s.findTransition(t.id); i >= 0 {
		if t.encryptor == nil {
			t.encryptor, t.era = s.transitions[i].encryptor, s.transitions[i].era
			s.transitions[i].encryptor = nil
		}
		s.dropTransitions(i, i+1)
	}
	if len(s.transitions) == maxTransitions {
		s.dropTransitions(0, 1)
	}
	s.transitions = append(s.transitions, t)
	s.reply(ready(t.id))
	return nil
}

// executeTransition handles the end of one that was prepared, and of those
// before it.
//
// https://daveprotocol.com/#dave_protocol_execute_transition-22
func (s *Session) executeTransition(now time.Time, m gateway.VoiceMessage) error {
	d, err := decode[transitionData](m)
	if err != nil {
		return err
	}
	i := s.findTransition(d.ID)
	if i < 0 {
		return refused{errTransition}
	}
	t := s.transitions[i]
	s.transitions[i].encryptor = nil
	s.dropTransitions(0, i+1)
	defer s.release(t.encryptor)
	return s.execute(now, t)
}

// execute makes the switch.
func (s *Session) execute(now time.Time, t transition) error {
	if s.version != t.version {
		s.version = t.version
		s.keyNumber++
	}
	s.clear.set(now, t.version == 0)
	switch {
	case t.version == 0:
		s.leave()
		s.setEncryptor(nil, false)
		s.retire(now, s.era+1)
	case t.encryptor != nil:
		s.setEncryptor(t.encryptor, true)
		s.retire(now, t.era)
	case s.group == nil:
		s.setEncryptor(nil, false) // until there is one
	case !s.established || !s.shared:
		return s.encryptForGroup()
	}
	return nil
}

// prepareEpoch handles the announcement of a new group, or of another version
// in the same one.
//
// https://daveprotocol.com/#dave_protocol_prepare_epoch-24
func (s *Session) prepareEpoch(now time.Time, m gateway.VoiceMessage) error {
	d, err := decode[epochData](m)
	if err != nil {
		return err
	}
	if err := s.checkVersion(d.Version); err != nil {
		return err
	}
	if d.Epoch == firstEpoch {
		s.crossing = time.Time{}
		return s.startGroup(d.Version)
	}
	s.target = d.Version
	if d.ID == initTransition {
		return nil
	}
	return s.prepare(now, transition{id: d.ID, version: d.Version})
}

func (s *Session) findTransition(id uint16) int {
	return slices.IndexFunc(s.transitions, func(t transition) bool { return t.id == id })
}

func (s *Session) dropTransitions(from, to int) {
	dropped := slices.Clone(s.transitions[from:to])
	s.transitions = slices.Delete(s.transitions, from, to)
	for _, t := range dropped {
		s.release(t.encryptor)
	}
}

func (s *Session) forgetTransitions() { s.dropTransitions(0, len(s.transitions)) }
