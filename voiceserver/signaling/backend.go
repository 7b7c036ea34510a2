package signaling

import (
	"slices"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/snowflake"
)

// know remembers the name of a backend.
func (v *Server) know(backend string) {
	if backend != "" && !slices.Contains(v.backends, backend) {
		v.backends = append(v.backends, backend)
	}
}

// AdmitChannel returns a token that is good for every member of a backend's
// channel, together with the session id of that member. It is good until
// [Server.RevokeToken].
func (v *Server) AdmitChannel(backend string, channel snowflake.ID) (token string, err error) {
	if token, err = newToken(v.cfg.random); err == nil {
		v.channelTokens[token] = channelKey{backend, channel}
	}
	return token, err
}

// RevokeToken ends a token of [Server.AdmitChannel]. Sessions that began with
// it go on. Other tokens are ignored.
func (v *Server) RevokeToken(token string) { delete(v.channelTokens, token) }

// SetMemberState says what a member may not do. The member is found by its
// backend, guild, channel (outside of guilds) and user. The error is
// [ErrNoMember].
func (v *Server) SetMemberState(m Member, state MemberState) error {
	return v.setState(m.key(), state)
}

// SetChannelBitrate is [Server.SetBitrate] for the channel of a backend.
func (v *Server) SetChannelBitrate(backend string, channel snowflake.ID, bitsPerSecond int) bool {
	return v.setBitrate(channelKey{backend, channel}, bitsPerSecond)
}

// Remove removes a member if the user still has the same channel and session
// id, and closes the connection with code. It reports whether it did.
func (v *Server) Remove(now time.Time, m Member, code closecode.Voice) bool {
	found := v.members[m.key()]
	if found == nil || found.Channel != m.Channel || found.SessionID != m.SessionID {
		return false
	}
	v.remove(now, found, code)
	return true
}

// WatchAbsence makes the server note which members have had a session, lost
// it, and did not come back for the life of a session, see [WithSessionLife].
func (v *Server) WatchAbsence() { v.absences.watched = true }

// Absent reports whether [Server.RemoveAbsent] may have something to remove.
func (v *Server) Absent() bool { return len(v.absences.gone) > 0 }

// RemoveAbsent removes the members of backends that did not come back, and
// returns them. It needs [Server.WatchAbsence].
func (v *Server) RemoveAbsent(now time.Time) (removed []Member) {
	for _, m := range v.absences.take() {
		found := v.members[m.key()]
		if m.Backend != "" && found != nil && found.Member == m && found.session == nil {
			v.remove(now, found, 0)
			removed = append(removed, m)
		}
	}
	return removed
}
