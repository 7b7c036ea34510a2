package sim

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/lifecycle"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver/relay"
	"github.com/discordpkg/gateway/voiceserver/signaling"
)

// A voiceGuild is a guild with two voice channels, all on one server.
type voiceGuild struct {
	id       snowflake.ID
	channels [2]snowflake.ID
	host     *voiceHost // nil while Discord looks for one
	users    []*voiceUser
}

func newVoiceGuild(n int, h *voiceHost) *voiceGuild {
	id := snowflake.ID(n+1) << 32
	return &voiceGuild{id: id, channels: [2]snowflake.ID{id + 1, id + 2}, host: h}
}

// other returns the channel that a channel is not.
func (g *voiceGuild) other(channel snowflake.ID) snowflake.ID {
	return g.channels[0] + g.channels[1] - channel
}

// A voicePlace is where Discord has a user in voice.
type voicePlace struct {
	channel snowflake.ID // zero: nowhere
	session string
	epoch   int // of the membership: grows with each join, move and leave
	gateway int // the session of the main gateway that asked for it
}

// A voiceUser has one call after another.
type voiceUser struct {
	m     *voiceSimulation
	n     int
	id    snowflake.ID
	guild *voiceGuild
	home  snowflake.ID // the channel to be in
	call  *voiceCall   // nil between calls
	calls int

	place  voicePlace
	state  signaling.MemberState
	net    *relay.Network // nil: the usual one
	stream rtp.Stream
	saidAt time.Duration
	frames uint64
	ports  int

	commandsAt, eventsAt time.Duration // when the last ones arrive

	gateway int           // sessions of the main gateway that were lost
	away    time.Duration // until when the main gateway is not connected
	missed  bool          // it was not, when the call needed it

	delay   voiceDelay    // of the next VOICE_SERVER_UPDATE
	doomed  bool          // something happened that ends calls
	belated bool          // an event came late
	faultAt time.Duration // when Discord moved it
	heardAt time.Duration // when the last frame was sent that a member heard
}

// A voiceDelay is what happens to an event.
type voiceDelay uint8

const (
	voiceOnTime voiceDelay = iota
	voiceLate
	voiceMissing
)

func (m *voiceSimulation) newUser(n int, g *voiceGuild, channel int) *voiceUser {
	u := &voiceUser{m: m, n: n, id: snowflake.ID(n + 1), guild: g, home: g.channels[channel]}
	u.stream.Sequence = uint16(math.MaxUint16 - m.rng.IntN(100))
	u.stream.Timestamp = m.rng.Uint32()
	g.users = append(g.users, u)
	return u
}

func (m *voiceSimulation) user(id snowflake.ID) *voiceUser { return m.users[id-1] }

func (u *voiceUser) network() relay.Network {
	if u.net != nil {
		return *u.net
	}
	return u.m.Network
}

// begin begins a call.
func (u *voiceUser) begin() {
	if u.m.leaving {
		return
	}
	u.m.Begun++
	u.calls++
	u.doomed, u.belated = false, false
	u.missed = u.away > u.m.now
	u.call = u.newCall()
	u.call.input(u.call.life.Join)
}

// say sends a frame now and then.
func (u *voiceUser) say() {
	if u.m.leaving {
		return
	}
	if u.call != nil && u.call.speaks() {
		u.frames++
		u.call.media.say(voiceFrame(u.id, u.frames, u.m.now))
	}
	u.m.after(u.m.FrameEvery/2+u.m.upTo(u.m.FrameEvery), u.say)
}

// excused reports whether something happened that may end a call for a reason.
func (u *voiceUser) excused(reason error) bool {
	var v *gateway.VoiceError
	var silence *lifecycle.VoiceNoAnswerError
	overtaken := errors.As(reason, &v) && v.CloseCode == closecode.VoiceAuthenticationFailed
	return u.doomed || u.belated && (overtaken || errors.As(reason, &silence)) || u.missed && errors.Is(reason, errVoiceAway)
}

// command is what a client tells the main gateway: where it wants to be, zero
// for nowhere.
func (u *voiceUser) command(channel snowflake.ID) {
	u.m.inOrder(&u.commandsAt, func() {
		if channel == 0 {
			u.remove()
			u.tellState()
			return
		}
		// Discord names no server to a bot that is where it wants to be.
		if u.place.channel == channel && u.place.gateway == u.gateway {
			u.tellState()
			return
		}
		u.put(channel)
		u.introduce()
	})
}

// put puts a user into a channel.
func (u *voiceUser) put(channel snowflake.ID) {
	u.place = voicePlace{
		channel: channel, session: fmt.Sprintf("voice-%d-%d-%d", u.id, u.calls, u.gateway), epoch: u.place.epoch + 1, gateway: u.gateway,
	}
}

// remove takes a user out of voice. The server closes with 4014.
func (u *voiceUser) remove() {
	if h := u.guild.host; h != nil && u.place.channel != 0 {
		h.do(func(now time.Time) { h.core.Leave(now, u.guild.id, u.id) })
	}
	u.place = voicePlace{epoch: u.place.epoch + 1}
}

// introduce sends both events of a join or a move, in either order.
func (u *voiceUser) introduce() {
	token := u.token()
	if u.m.chance(0.5) {
		u.tellServer(token)
		u.tellState()
	} else {
		u.tellState()
		u.tellServer(token)
	}
}

// token makes a user a member on its server, if there is one.
func (u *voiceUser) token() string {
	if u.guild.host == nil {
		return ""
	}
	return u.guild.host.join(u)
}

func (u *voiceUser) tellState() {
	place := u.place
	u.m.inOrder(&u.eventsAt, func() {
		if u.call != nil {
			u.call.handleState(place.channel, place.session)
		}
	})
}

// tellServer sends VOICE_SERVER_UPDATE, unless it is to come late, or not at all.
func (u *voiceUser) tellServer(token string) {
	delay, epoch := u.delay, u.place.epoch
	u.delay = voiceOnTime
	switch delay {
	case voiceMissing:
		u.doomed = u.doomed || u.belated
		u.belated = true
		return
	case voiceLate:
		u.doomed = u.doomed || u.belated // two of them can take too long
		u.belated = true
		u.m.after(time.Second+u.m.upTo(7*time.Second), func() {
			if u.place.epoch == epoch {
				u.tellServer(u.token())
			}
		})
		return
	}
	endpoint := ""
	if u.guild.host != nil {
		endpoint = u.guild.host.endpoint
	}
	u.m.inOrder(&u.eventsAt, func() {
		if u.call != nil {
			u.call.handleServer(token, endpoint)
		}
	})
}

// move moves a user to another channel. The server closes with 4014.
func (u *voiceUser) move(channel snowflake.ID) bool {
	if u.place.channel == 0 || u.guild.host == nil {
		return false
	}
	session := u.place.session
	u.put(channel)
	u.place.session = session
	u.faultAt = u.m.now
	u.introduce()
	return true
}

// kick removes a user, and says so.
func (u *voiceUser) kick() bool {
	if u.place.channel == 0 {
		return false
	}
	u.doomed = true
	u.remove()
	u.tellState()
	return true
}

// destroy deletes a channel, and says nothing but what the server does: it
// closes with 4022.
func (g *voiceGuild) destroy(channel snowflake.ID) bool {
	if g.host == nil {
		return false
	}
	for _, u := range g.users {
		if u.place.channel == channel {
			u.doomed = true
			u.place = voicePlace{epoch: u.place.epoch + 1}
		}
	}
	g.host.do(func(now time.Time) { g.host.core.Destroy(now, g.id, channel) })
	return true
}

// relocate moves a guild to another server, or to none.
func (g *voiceGuild) relocate(to *voiceHost) {
	old := g.host
	g.host = to
	for _, u := range g.users {
		if u.place.channel != 0 {
			u.tellServer(u.token())
		}
	}
	if old != nil {
		old.do(func(now time.Time) {
			old.core.Destroy(now, g.id, g.channels[0])
			old.core.Destroy(now, g.id, g.channels[1])
		})
	}
}

// hostNamed returns the server at an endpoint, nil if there is none.
func (m *voiceSimulation) hostNamed(endpoint string) *voiceHost {
	for _, h := range m.hosts {
		if h.endpoint == endpoint {
			return h
		}
	}
	return nil
}

// spare returns a server that lives, other than one, nil if there is none.
func (m *voiceSimulation) spare(than *voiceHost) *voiceHost {
	first := m.rng.IntN(len(m.hosts))
	for i := range m.hosts {
		if h := m.hosts[(first+i)%len(m.hosts)]; !h.dead && h != than {
			return h
		}
	}
	return nil
}

// die ends a server without a word, and Discord looks for others. Servers do
// not die all at once.
func (h *voiceHost) die() bool {
	m := h.m
	if m.spare(h) == nil || m.died != 0 && m.now-m.died < 20*time.Second {
		return false
	}
	h.dead, m.died = true, m.now
	for _, u := range m.users {
		if u.call != nil && u.call.link != nil && u.call.link.host == h {
			m.after(m.upTo(3*time.Second), u.call.link.clientLost)
		}
	}
	for _, g := range m.guilds {
		if g.host != h {
			continue
		}
		g.host = nil
		if m.chance(0.5) {
			g.relocate(nil)
		}
		m.after(500*time.Millisecond+m.upTo(4*time.Second), func() { m.allocate(g) })
	}
	m.after(20*time.Second+m.upTo(20*time.Second), func() { m.restart(h.n) })
	return true
}

// restart starts a server in the place of one that died.
func (m *voiceSimulation) restart(n int) {
	h, err := m.newHost(n)
	if err != nil {
		m.problem("%v", err)
		return
	}
	m.hosts[n] = h
}

// allocate finds a server for a guild.
func (m *voiceSimulation) allocate(g *voiceGuild) {
	if to := m.spare(nil); to != nil {
		g.relocate(to)
		return
	}
	m.after(time.Second, func() { m.allocate(g) })
}
