package dave

import (
	"errors"
	"slices"
	"time"

	"github.com/discordpkg/gateway/internal/deadline"
	"github.com/discordpkg/gateway/snowflake"
)

// ErrNotReady reports a frame that no member could decrypt yet, and that is
// therefore not sent: see [Session.Ready].
var ErrNotReady = errors.New("dave: no key that others share")

// Ready reports whether frames can be sent: in clear while the call is not
// encrypted, else with a key that all members have. A user who is alone in the
// channel may use its own.
func (s *Session) Ready() bool {
	return s.begun && (s.version == 0 || s.encryptor != nil && (s.shared || len(s.users.present) == 0))
}

// KeyNumber returns a number that grows whenever frames have to be encrypted
// otherwise than before: with another key, with one instead of none, or not at
// all. Who encrypts ahead of time encrypts anew what is not sent yet: at the
// execution of a transition nothing may follow that was encrypted before it.
//
// https://daveprotocol.com/#dave_protocol_execute_transition-22
func (s *Session) KeyNumber() uint64 { return s.keyNumber }

// EncryptFrame appends to dst what is to be sent of an encoded frame: a
// protocol frame, or the frame itself while the call is not encrypted. Dst must
// not overlap the frame. The error is [ErrNotReady], [ErrRanges] or
// [ErrStartCode]; dst is then returned as it was.
func (s *Session) EncryptFrame(now time.Time, dst, frame []byte, codec Codec) ([]byte, error) {
	s.HandleTimeout(now)
	switch {
	case !s.Ready():
		return dst, ErrNotReady
	case s.version == 0:
		return append(dst, frame...), nil
	}
	return s.encryptor.Encrypt(dst, frame, codec)
}

// DecryptFrame appends to dst the encoded frame of a frame that a user sent,
// whole and without padding. Dst may overlap it. The error is [ErrUnencrypted],
// [ErrNoKey], [ErrReplay] or a [*KeyError]; dst is then returned as it was. After
// what matches ErrNoKey, as a KeyError does, the key may come yet.
func (s *Session) DecryptFrame(now time.Time, user snowflake.ID, dst, frame []byte) ([]byte, error) {
	s.HandleTimeout(now)
	f, encrypted := parseFrame(frame)
	switch {
	case isSilence(frame), !encrypted && s.clear.allows(now):
		return append(dst, frame...), nil
	case !encrypted:
		return dst, ErrUnencrypted
	}
	d := s.decryptors[user]
	if d == nil {
		return dst, ErrNoKey
	}
	out, err := d.decrypt(dst, &f, now)
	s.deadline = deadline.Earliest(s.deadline, d.NextDeadline())
	return out, err
}

// setEncryptor changes the key that is sent with.
func (s *Session) setEncryptor(e *Encryptor, shared bool) {
	before := s.encryptor
	if e != before {
		s.keyNumber++
	}
	s.encryptor, s.shared = e, shared
	s.release(before)
}

// encryptForGroup sends with the key of the group.
func (s *Session) encryptForGroup() error {
	if s.own == nil {
		e, err := encryptorOf(s.group, s.user)
		if err != nil {
			return err
		}
		s.own = e
	}
	s.setEncryptor(s.own, s.established)
	return nil
}

// setOwn changes the encryptor of the group, with the group.
func (s *Session) setOwn(e *Encryptor) {
	before := s.own
	s.own = e
	s.release(before)
}

// release wipes an encryptor that is not in use any more, and will not be.
func (s *Session) release(e *Encryptor) {
	led := func(t transition) bool { return t.encryptor == e }
	if e != nil && e != s.encryptor && e != s.own && !slices.ContainsFunc(s.transitions, led) {
		e.Wipe()
	}
}

// retire ends what was before an era.
func (s *Session) retire(now time.Time, era uint64) {
	for _, d := range s.decryptors {
		d.retire(now, era)
		s.deadline = deadline.Earliest(s.deadline, d.NextDeadline())
	}
}
