package dave

import (
	"bytes"

	"github.com/discordpkg/gateway/snowflake"
)

// Version returns the protocol version that frames are sent with, zero for
// none.
func (s *Session) Version() uint16 { return s.version }

// Epoch returns the epoch of the group, zero before there is one.
func (s *Session) Epoch() uint64 {
	if !s.established {
		return 0
	}
	return s.group.Epoch()
}

// Members returns who has the keys of the group, the user itself included, in
// the order of the group. It is nil before there is one.
func (s *Session) Members() []snowflake.ID {
	if !s.established {
		return nil
	}
	return usersOf(s.group)
}

// Users returns who else is in the channel, in ascending order, whether or not
// they are in the group.
func (s *Session) Users() []snowflake.ID { return s.users.list() }

// EpochAuthenticator returns the 32 bytes that [Session.PrivacyCode] is made of,
// nil before there is a group.
//
// https://daveprotocol.com/#epoch-authenticator
func (s *Session) EpochAuthenticator() []byte {
	if !s.established {
		return nil
	}
	return s.group.EpochAuthenticator()
}

// PrivacyCode returns the 30 digits that are the same for all members, if no one
// between them reads along. It changes with each epoch, and is empty before there
// is a group.
func (s *Session) PrivacyCode() string {
	if !s.established {
		return ""
	}
	code, _ := DisplayableCode(s.EpochAuthenticator(), privacyCodeLength, codeGroup) // of 32 bytes
	return code
}

// IdentityKey returns the public key of a member, an uncompressed point of 65
// bytes, nil for anybody else. Own is the key of the session's user, also
// before there is a group.
func (s *Session) IdentityKey(user snowflake.ID) []byte {
	if user == s.user {
		return s.key.Public()
	}
	if s.established {
		want := identityOf(user)
		for _, m := range s.group.Members() {
			if bytes.Equal(m.Identity, want) {
				return bytes.Clone(m.SignatureKey)
			}
		}
	}
	return nil
}

// Fingerprint returns what the session's user and a member of the group
// compare to know that no one between them reads along. It is slow, see
// [PairwiseFingerprint]; callers that hold a lock take [Session.IdentityKey]
// instead. The error is [ErrFingerprint] for a user who is not a member.
func (s *Session) Fingerprint(user snowflake.ID) (Fingerprint, error) {
	return PairwiseFingerprint(s.user, s.key.Public(), user, s.IdentityKey(user))
}
