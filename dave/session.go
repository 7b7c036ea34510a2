package dave

import (
	"errors"
	"fmt"
	"io"
	"time"

	gateway "github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/deadline"
	"github.com/discordpkg/gateway/internal/mls"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

// ProtocolVersion is the highest version of DAVE that this package speaks.
const ProtocolVersion = 1

// Why a session cannot go on.
var (
	// ErrVersion reports a protocol version that was not offered.
	ErrVersion = errors.New("dave: the voice server chose an unknown protocol version")

	// ErrDowngrade reports the end of encryption in a session that does not
	// want to go on without, see [WithoutDowngrade].
	ErrDowngrade = errors.New("dave: the call goes on without encryption")

	// ErrRecovery reports that joining the group has failed too often in a row.
	ErrRecovery = errors.New("dave: the group cannot be joined")
)

// A Session is one user's part in the encryption of one call: it satisfies
// [gateway.E2EE], and encrypts and decrypts what is said.
//
// It does nothing by itself, and knows no time but what it is told. It is not
// safe for concurrent use: hold one lock around HandleVoice, EncryptFrame and
// DecryptFrame.
//
// What a voice server sends is not trusted. A message that breaks the rules
// changes nothing, [Session.Refusal] says what was wrong with it. Where the
// group goes on without the session, it asks to be added again.
type Session struct {
	user    snowflake.ID
	channel snowflake.ID
	key     *mls.SignatureKey
	strict  bool // without downgrade
	refusal error
	replies []gateway.VoiceMessage // to the message that is being handled

	users    roster
	external *mls.ExternalSender // nil: not known yet

	begun   bool   // a protocol version was selected
	version uint16 // that senders use
	target  uint16 // of the group, which transitions lead to
	membership
	transitions []transition // prepared, ascending

	encryptor  *Encryptor // nil: none yet
	shared     bool       // encryptor is of a group with others
	decryptors map[snowflake.ID]*Decryptor
	clear      passThrough
	era        uint64 // counts epochs of all groups
	keyNumber  uint64 // see KeyNumber
	deadline   time.Time
}

// An Option is a setting of [NewSession]. The error of a value that makes no
// sense names the option.
type Option func(*Session) error

// WithIdentity gives the session an identity of the caller's, which is to be
// the same in all sessions at the same time. Nil is a new one.
func WithIdentity(i *Identity) Option {
	return func(s *Session) error {
		if i != nil {
			s.key = i.key
		}
		return nil
	}
}

// WithoutDowngrade ends the session with [ErrDowngrade] rather than talk
// without encryption, which else happens while a client without DAVE is in the
// channel.
func WithoutDowngrade() Option { return func(s *Session) error { s.strict = true; return nil } }

// NewSession returns the session of a user in a voice channel, from
// connecting to leaving it.
func NewSession(user, channel snowflake.ID, options ...Option) (*Session, error) {
	s := &Session{user: user, channel: channel, users: newRoster(user), decryptors: make(map[snowflake.ID]*Decryptor)}
	for _, o := range options {
		if err := o(s); err != nil {
			return nil, err
		}
	}
	if s.key == nil {
		i, err := NewIdentity()
		if err != nil {
			return nil, err
		}
		s.key = i.key
	}
	return s, nil
}

// MaxProtocolVersion implements [gateway.E2EE]. It is [ProtocolVersion].
func (s *Session) MaxProtocolVersion() uint16 { return ProtocolVersion }

// HandleVoice implements [gateway.E2EE]. Errors are [ErrVersion],
// [ErrDowngrade], [ErrRecovery], [gateway.ErrMalformed], and failures of the
// system's cryptography.
func (s *Session) HandleVoice(now time.Time, m gateway.VoiceMessage) ([]gateway.VoiceMessage, error) {
	if m.Outdated {
		return nil, nil
	}
	s.HandleTimeout(now)
	err := s.handle(now, m)
	replies := s.replies
	s.replies = nil
	if why := (refused{}); errors.As(err, &why) {
		s.refuse(why.error)
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return replies, nil
}

// handle acts on a message, with replies in s.replies. The error is a [refused]
// one if the message is not taken, which ends nothing.
func (s *Session) handle(now time.Time, m gateway.VoiceMessage) error {
	switch m.Op {
	case opcode.VoiceSessionDescription:
		return s.begin(now, m)
	case opcode.VoiceClientsConnect:
		return s.users.connect(m)
	case opcode.VoiceClientDisconnect:
		return s.users.disconnect(m)
	case opcode.VoiceResumed:
		s.repeat()
	case opcode.DAVEPrepareTransition:
		return s.prepareTransition(now, m)
	case opcode.DAVEExecuteTransition:
		return s.executeTransition(now, m)
	case opcode.DAVEPrepareEpoch:
		return s.prepareEpoch(now, m)
	case opcode.DAVEExternalSender:
		return s.setExternalSender(m.Data)
	case opcode.DAVEProposals:
		return s.handleProposals(m.Data)
	case opcode.DAVEAnnounceCommit:
		return s.handleCommit(now, m)
	case opcode.DAVEWelcome:
		return s.handleWelcome(now, m)
	}
	return nil
}

// reply adds to what HandleVoice returns.
func (s *Session) reply(m gateway.VoiceMessage) { s.replies = append(s.replies, m) }

// A refused error is why a message was not taken, see [Session.Refusal].
type refused struct{ error }

// begin starts anew with the version that the voice server selected.
//
// https://daveprotocol.com/#select_protocol_ack-4
func (s *Session) begin(now time.Time, m gateway.VoiceMessage) error {
	d, err := decode[descriptionData](m)
	if err != nil {
		return err
	}
	if err := s.checkVersion(d.Version); err != nil {
		return err
	}
	s.forgetTransitions()
	s.setEncryptor(nil, false)
	s.retire(now, s.era+1)
	s.begun, s.version = true, d.Version
	s.keyNumber++
	s.clear.set(now, s.version == 0)
	return s.startGroup(d.Version)
}

func (s *Session) checkVersion(v uint16) error {
	switch {
	case v > ProtocolVersion:
		return fmt.Errorf("%w: %d", ErrVersion, v)
	case v == 0 && s.strict:
		return ErrDowngrade
	}
	return nil
}

// repeat says again what the voice server may have missed.
func (s *Session) repeat() {
	if s.joiner != nil {
		s.reply(s.keyPackage())
	}
	if n := len(s.staged); n > 0 {
		s.reply(commitMessage(s.staged[n-1]))
	}
	for _, t := range s.transitions {
		s.reply(ready(t.id))
	}
}

// refuse records why a message was not taken.
func (s *Session) refuse(err error) { s.refusal = err }

// Refusal returns why the last message that was refused was, nil if none was.
// It is meant for logs.
func (s *Session) Refusal() error { return s.refusal }

// NextDeadline returns when [Session.HandleTimeout] has keys to wipe, zero for
// never.
func (s *Session) NextDeadline() time.Time { return s.deadline }

// HandleTimeout wipes the keys that are over. All methods that are told the
// time do so by themselves; an early call does nothing.
func (s *Session) HandleTimeout(now time.Time) {
	if !deadline.Due(s.deadline, now) {
		return
	}
	s.deadline = time.Time{}
	for user, d := range s.decryptors {
		d.Expire(now)
		if len(d.epochs) == 0 {
			delete(s.decryptors, user)
			continue
		}
		s.deadline = deadline.Earliest(s.deadline, d.NextDeadline())
	}
}

// Wipe overwrites all secrets. The session is of no use afterwards.
func (s *Session) Wipe() {
	s.forgetTransitions()
	s.setEncryptor(nil, false)
	s.leave()
	for _, d := range s.decryptors {
		d.Wipe()
	}
	clear(s.decryptors)
	s.begun, s.deadline = false, time.Time{}
}

// Format implements [fmt.Formatter] without keys.
func (s *Session) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, fmt.Sprintf("dave session of user %d in channel %d, version %d, epoch %d", s.user, s.channel, s.version, s.Epoch()))
}
