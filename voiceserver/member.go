package voiceserver

import (
	"errors"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/snowflake"
)

// A Member is a user in a voice channel. A user is in one channel of a guild
// at a time.
type Member struct {
	Guild     snowflake.ID // zero in a call outside of guilds
	Channel   snowflake.ID
	User      snowflake.ID
	SessionID string // of the voice state, which the client will show together with its token

	// Backend is whose ids these are: members of different backends never meet,
	// whatever their ids. It is empty except for members of an [LVSP], which
	// only their backend can change.
	Backend string

	// WithoutE2EE lets nobody in the channel encrypt end to end, as on stages.
	// It counts for the first member of a channel.
	WithoutE2EE bool
}

// A MemberState is what a member may not do.
type MemberState struct {
	Mute     bool // nobody hears the member
	Deaf     bool // the member hears nobody
	Suppress bool // as Mute, for the audience of a stage
}

// Errors about who may join.
var (
	ErrMember      = errors.New("voiceserver: a member needs a channel, a user and a session id of at most 128 bytes")
	ErrNoMember    = errors.New("voiceserver: the user is in no voice channel of the guild")
	ErrChannelFull = errors.New("voiceserver: the channel is full")
	ErrClosed      = errors.New("voiceserver: the server is closed")
)

const maxSessionID = 128 // bytes

// A memberKey says where a user can be only once.
type memberKey struct {
	backend      string
	server, user snowflake.ID
}

// serverKey returns where a user of no backend is looked for.
func serverKey(guild, user snowflake.ID) memberKey { return memberKey{"", guild, user} }

// A roomKey is a channel of a backend.
type roomKey struct {
	backend string
	channel snowflake.ID
}

func (m Member) key() memberKey { return memberKey{m.Backend, m.server(), m.User} }
func (m Member) place() roomKey { return roomKey{m.Backend, m.Channel} }

// member is a Member, and what became of it.
type member struct {
	Member
	token   string
	renewAt time.Time // when another token is due, zero for never
	state   MemberState
	room    *room
	session *session  // nil while there is none
	absent  time.Time // since when there is none, zero if there was none
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
func (c *Core) Join(now time.Time, m Member) (token string, err error) {
	if !m.valid() {
		return "", ErrMember
	}
	key := m.key()
	old := c.members[key]
	if old != nil && old.Channel == m.Channel && old.Guild == m.Guild && old.SessionID == m.SessionID {
		return c.renew(now, old)
	}
	if r := c.rooms[m.place()]; r != nil && len(r.members) >= c.cfg.channelSize && (old == nil || old.room != r) {
		return "", ErrChannelFull
	}
	r, err := c.open(m)
	if err != nil {
		return "", err
	}
	joined := &member{Member: m}
	if err = c.issue(now, joined); err != nil {
		return "", err
	}
	if old != nil {
		joined.state = old.state
		c.remove(now, old, closecode.VoiceDisconnected)
	}
	r.enter(joined)
	c.members[key], c.byToken[joined.token] = joined, joined
	return joined.token, nil
}

// Leave removes a member, who is in no channel of the guild afterwards. A
// connection is closed with 4014. It does nothing if there is no such member.
func (c *Core) Leave(now time.Time, guild, user snowflake.ID) {
	if m := c.members[serverKey(guild, user)]; m != nil {
		c.remove(now, m, closecode.VoiceDisconnected)
	}
}

// remove forgets a member.
func (c *Core) remove(now time.Time, m *member, code closecode.Voice) {
	c.end(now, m.session, code)
	m.absent = time.Time{}
	delete(c.byToken, m.token)
	delete(c.members, m.key())
	m.room.exit(m)
}

// Destroy removes all members of a channel of the guild. Connections are closed
// with 4022.
func (c *Core) Destroy(now time.Time, guild, channel snowflake.ID) {
	r := c.rooms[roomKey{"", channel}]
	if r == nil || r.members[0].Guild != guild {
		return
	}
	for _, m := range append([]*member(nil), r.members...) {
		c.remove(now, m, closecode.VoiceCallTerminated)
	}
}

// SetState says what a member may not do. The error is [ErrNoMember].
func (c *Core) SetState(guild, user snowflake.ID, state MemberState) error {
	return c.setState(serverKey(guild, user), state)
}

func (c *Core) setState(key memberKey, state MemberState) error {
	m := c.members[key]
	if m == nil {
		return ErrNoMember
	}
	if m.state != state {
		m.state = state
		c.route(m.session)
	}
	return nil
}

// SetBitrate limits what each member of a channel sends to about so many bits
// per second; what exceeds it by half over a second is dropped. Zero lifts the
// limit, as when the last member leaves. It reports whether there is such a
// channel.
func (c *Core) SetBitrate(channel snowflake.ID, bitsPerSecond int) bool {
	return c.setBitrate(roomKey{"", channel}, bitsPerSecond)
}

func (c *Core) setBitrate(key roomKey, bitsPerSecond int) bool {
	r := c.rooms[key]
	if r == nil {
		return false
	}
	if r.bitrate == max(0, bitsPerSecond) {
		return true
	}
	r.bitrate = max(0, bitsPerSecond)
	for _, m := range r.members {
		c.route(m.session)
	}
	return true
}

// Member returns the member that a user is in a guild, or in the call of a
// channel without one.
func (c *Core) Member(guild, user snowflake.ID) (m Member, ok bool) {
	if found := c.members[serverKey(guild, user)]; found != nil {
		return found.Member, true
	}
	return Member{}, false
}

// Members returns who is in a channel, in the order in which they came: first
// the members without a backend, then those of each.
func (c *Core) Members(channel snowflake.ID) (members []Member) {
	for _, backend := range append([]string{""}, c.backends...) {
		if r := c.rooms[roomKey{backend, channel}]; r != nil {
			for _, m := range r.members {
				members = append(members, m.Member)
			}
		}
	}
	return members
}
