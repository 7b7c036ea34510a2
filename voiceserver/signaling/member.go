package signaling

import (
	"errors"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/ratelimit"
	"github.com/discordpkg/gateway/snowflake"
)

// A Member is a user in a voice channel. A user is in one channel of a guild
// at a time.
type Member struct {
	Guild     snowflake.ID // zero in a call outside of guilds
	Channel   snowflake.ID
	User      snowflake.ID
	SessionID string // of the voice state, which the client will show together with its token

	// Backend names the backend that these ids are from. Members of different
	// backends never meet, even if their ids are equal. It is empty for members
	// that the owner of the server lets in by itself.
	Backend string

	// WithoutE2EE turns end-to-end encryption off in the channel, as on stages.
	// Only the first member of a channel decides.
	WithoutE2EE bool
}

// A MemberState is what a member may not do.
type MemberState struct {
	Mute     bool // the others do not hear the member
	Deaf     bool // the member does not hear the others
	Suppress bool // as Mute, for the audience of a stage
}

// Errors about who may join.
var (
	ErrMember      = errors.New("signaling: a member needs a channel, a user and a session id of at most 128 bytes")
	ErrNoMember    = errors.New("signaling: the user is in no voice channel of the guild")
	ErrChannelFull = errors.New("signaling: the channel is full")
)

const maxSessionID = 128 // bytes

// A memberKey says where a user can be only once.
type memberKey struct {
	backend      string
	server, user snowflake.ID
}

// serverKey returns where a user of no backend is looked for.
func serverKey(guild, user snowflake.ID) memberKey { return memberKey{"", guild, user} }

// A channelKey is a channel of a backend.
type channelKey struct {
	backend string
	channel snowflake.ID
}

func (m Member) key() memberKey    { return memberKey{m.Backend, m.server(), m.User} }
func (m Member) place() channelKey { return channelKey{m.Backend, m.Channel} }

// member is a Member, and what became of it.
type member struct {
	Member
	token   string
	renewAt time.Time // when another token is due, zero for never
	state   MemberState
	room    *room
	session *session // nil while there is none

	messages *ratelimit.Window // of all its connections
	absent   time.Time         // since when there is none, zero if there was none
}

// server returns what clients call the server id: that of the guild, or of the
// channel where there is no guild.
func (m Member) server() snowflake.ID {
	if m.Guild != 0 {
		return m.Guild
	}
	return m.Channel
}

func (m Member) valid() bool {
	return m.Channel != 0 && m.User != 0 && m.SessionID != "" && len(m.SessionID) <= maxSessionID
}

// Join admits a member and returns the token that its client must show. For a
// member as it is there already nothing changes and the token is the same;
// with another session id or channel the token is new, the old connection is
// closed with 4014, and the state of the member is kept.
func (v *Server) Join(now time.Time, m Member) (token string, err error) {
	if !m.valid() {
		return "", ErrMember
	}
	key := m.key()
	old := v.members[key]
	if old != nil && old.Channel == m.Channel && old.Guild == m.Guild && old.SessionID == m.SessionID {
		return v.renew(now, old)
	}
	if r := v.rooms[m.place()]; r != nil && len(r.members) >= v.cfg.channelSize && (old == nil || old.room != r) {
		return "", ErrChannelFull
	}
	r, err := v.open(m)
	if err != nil {
		return "", err
	}
	joined := &member{Member: m, messages: ratelimit.NewWindow(v.cfg.messages, ratelimit.CommandPeriod)}
	if err = v.issue(now, joined); err != nil {
		return "", err
	}
	if old != nil {
		joined.state, joined.messages = old.state, old.messages
		v.remove(now, old, closecode.VoiceDisconnected)
	}
	r.enter(joined)
	v.know(m.Backend)
	v.members[key], v.byToken[joined.token] = joined, joined
	return joined.token, nil
}

// Leave removes a member, who is in no channel of the guild afterwards. A
// connection is closed with 4014. It does nothing if there is no such member.
func (v *Server) Leave(now time.Time, guild, user snowflake.ID) {
	if m := v.members[serverKey(guild, user)]; m != nil {
		v.remove(now, m, closecode.VoiceDisconnected)
	}
}

// remove forgets a member.
func (v *Server) remove(now time.Time, m *member, code closecode.Voice) {
	v.end(now, m.session, code)
	m.absent = time.Time{}
	delete(v.byToken, m.token)
	delete(v.members, m.key())
	m.room.exit(m)
}

// Destroy removes all members of a channel of the guild. Connections are closed
// with 4022.
func (v *Server) Destroy(now time.Time, guild, channel snowflake.ID) {
	r := v.rooms[channelKey{"", channel}]
	if r == nil || r.members[0].Guild != guild {
		return
	}
	for _, m := range append([]*member(nil), r.members...) {
		v.remove(now, m, closecode.VoiceCallTerminated)
	}
}

// SetState says what a member may not do. The error is [ErrNoMember].
func (v *Server) SetState(guild, user snowflake.ID, state MemberState) error {
	return v.setState(serverKey(guild, user), state)
}

func (v *Server) setState(key memberKey, state MemberState) error {
	m := v.members[key]
	if m == nil {
		return ErrNoMember
	}
	if m.state != state {
		m.state = state
		v.route(m.session)
	}
	return nil
}

// SetBitrate limits what each member of a channel sends to about so many bits
// per second; what exceeds it by half over a second is dropped. Zero lifts the
// limit, as when the last member leaves. It reports whether there is such a
// channel.
func (v *Server) SetBitrate(channel snowflake.ID, bitsPerSecond int) bool {
	return v.setBitrate(channelKey{"", channel}, bitsPerSecond)
}

func (v *Server) setBitrate(key channelKey, bitsPerSecond int) bool {
	r := v.rooms[key]
	if r == nil {
		return false
	}
	if r.bitrate == max(0, bitsPerSecond) {
		return true
	}
	r.bitrate = max(0, bitsPerSecond)
	for _, m := range r.members {
		v.route(m.session)
	}
	return true
}

// Member returns the member that a user is in a guild, or in the call of a
// channel without one.
func (v *Server) Member(guild, user snowflake.ID) (m Member, ok bool) {
	if found := v.members[serverKey(guild, user)]; found != nil {
		return found.Member, true
	}
	return Member{}, false
}

// Members returns who is in a channel, in the order in which they came: first
// the members without a backend, then those of each.
func (v *Server) Members(channel snowflake.ID) (members []Member) {
	for _, backend := range append([]string{""}, v.backends...) {
		if r := v.rooms[channelKey{backend, channel}]; r != nil {
			for _, m := range r.members {
				members = append(members, m.Member)
			}
		}
	}
	return members
}
